#include <utmp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.h"
#include "detectors/kernel/kernel_evaluate.h"

namespace fleetmedic {
namespace {

struct Taint {
  char letter;
  std::string_view meaning;
};

// By bit: Documentation/admin-guide/tainted-kernels.rst of Linux 6.15.
constexpr std::array<Taint, 20> kTaints = {{
    {'P', "proprietary module"},
    {'F', "module loaded by force"},
    {'S', "kernel runs on hardware out of its specification"},
    {'R', "module unloaded by force"},
    {'M', "machine check"},
    {'B', "bad page"},
    {'U', "asked for from user space"},
    {'D', "kernel died: oops or BUG"},
    {'A', "ACPI table overridden"},
    {'W', "kernel warning"},
    {'C', "staging driver"},
    {'I', "workaround for broken firmware"},
    {'O', "out-of-tree module"},
    {'E', "unsigned module"},
    {'L', "soft lockup"},
    {'K', "live patch"},
    {'X', "auxiliary, of the distribution"},
    {'T', "randomised structures"},
    {'N', "test of the kernel's own"},
    {'J', "firmware changed by fwctl"},
}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string_view TakeRun(std::string_view* text) {
  size_t end = 1;
  while (end < text->size() && IsDigit((*text)[end]) == IsDigit(text->front())) ++end;
  const std::string_view run = text->substr(0, end);
  text->remove_prefix(end);
  return run;
}

int Sign(int difference) { return difference < 0 ? -1 : difference > 0 ? 1 : 0; }

// The last parts between dashes that start with a letter: "amd64", "cloud-amd64", "generic".
std::string_view FlavourOf(std::string_view version) {
  size_t start = version.size();
  for (size_t dash = version.rfind('-'); dash != std::string_view::npos && dash > 0;
       dash = version.rfind('-', dash - 1)) {
    if (dash + 1 >= version.size() || IsDigit(version[dash + 1])) break;
    start = dash + 1;
  }
  return version.substr(start);
}

}  // namespace

std::string TaintLetters(uint64_t tainted) {
  std::string letters;
  for (size_t bit = 0; bit < 64; ++bit) {
    if ((tainted >> bit & 1) == 0) continue;
    letters += bit < kTaints.size() ? kTaints[bit].letter : '?';
  }
  return letters;
}

std::string DescribeTaints(std::string_view letters) {
  std::string text;
  for (const char letter : letters) {
    const auto taint = std::ranges::find(kTaints, letter, &Taint::letter);
    text += text.empty() ? "" : ", ";
    text += letter;
    text += " (";
    text += taint == kTaints.end() ? "not known to this version" : taint->meaning;
    text += ")";
  }
  return text;
}

std::vector<WallTime> ParseBoots(std::string_view wtmp) {
  std::vector<WallTime> boots;
  for (size_t at = 0; at + sizeof(utmp) <= wtmp.size(); at += sizeof(utmp)) {
    utmp record{};
    std::memcpy(&record, wtmp.data() + at, sizeof record);
    if (record.ut_type != BOOT_TIME || record.ut_tv.tv_sec <= 0) continue;
    boots.push_back(WallTime(Seconds(record.ut_tv.tv_sec)));
  }
  std::ranges::sort(boots);
  return boots;
}

int CompareVersions(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    std::string_view left = TakeRun(&a);
    std::string_view right = TakeRun(&b);
    if (IsDigit(left.front()) && IsDigit(right.front())) {
      left.remove_prefix(std::min(left.find_first_not_of('0'), left.size()));
      right.remove_prefix(std::min(right.find_first_not_of('0'), right.size()));
      if (left.size() != right.size()) return left.size() < right.size() ? -1 : 1;
    }
    if (const int order = left.compare(right); order != 0) return Sign(order);
  }
  return a.empty() ? (b.empty() ? 0 : -1) : 1;
}

std::optional<std::string> NewerKernel(std::string_view running,
                                       const std::vector<std::string>& installed) {
  if (std::ranges::find(installed, running) == installed.end()) return std::nullopt;
  std::string_view newest = running;
  for (const std::string& version : installed) {
    if (FlavourOf(version) == FlavourOf(running) && CompareVersions(version, newest) > 0) {
      newest = version;
    }
  }
  if (newest == running) return std::nullopt;
  return std::string(newest);
}

}  // namespace fleetmedic
