#include "stream/template_parts.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/sha256.h"

namespace fleetmedic {
namespace {

// Words that are the difference between one message and its opposite.
constexpr std::array<std::string_view, 58> kStateWords = {
    "abort",    "aborted",      "accepted",  "active",    "added",    "alert",       "attached",
    "closed",   "complete",     "completed", "connected", "critical", "deactivated", "detached",
    "disabled", "disconnected", "down",      "emergency", "enabled",  "entered",     "err",
    "error",    "exited",       "failed",    "failure",   "false",    "fatal",       "finished",
    "healthy",  "inactive",     "info",      "killed",    "left",     "lost",        "notice",
    "off",      "offline",      "ok",        "on",        "online",   "opened",      "panic",
    "ready",    "recovered",    "refused",   "rejected",  "removed",  "reset",       "started",
    "starting", "stopped",      "stopping",  "succeeded", "success",  "true",        "unhealthy",
    "up",       "warning"};
static_assert(std::ranges::is_sorted(kStateWords));

bool IsStateWord(std::string_view word) {
  constexpr size_t kBytesMax = 16;
  char lower[kBytesMax];
  while (!word.empty() && (word.back() == '.' || word.back() == '!')) word.remove_suffix(1);
  if (word.empty() || word.size() > kBytesMax) return false;
  std::ranges::transform(word, lower, [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return std::ranges::binary_search(kStateWords, std::string_view(lower, word.size()));
}

// How much is shared in the same place of the tree, and elsewhere.
constexpr double kNearMin = 0.6;
constexpr double kFarMin = 0.75;

}  // namespace

bool TemplateMiner::Likeness::Enough(bool near) const {
  constexpr uint32_t kFewConstants = 3;
  if (constants <= kFewConstants) return near && score == 1;
  return score >= (near ? kNearMin : kFarMin);
}

TemplateMiner::Likeness TemplateMiner::Compare(const LineWords& words, const Template& of) {
  Likeness likeness;
  if (of.structure != words.structure || of.hashes.size() != words.count) return likeness;
  // More words that differ are never enough.
  const auto unlike_max = static_cast<uint32_t>((1 - kNearMin) * words.count);
  uint32_t equal = 0;
  uint32_t halves = 0;
  for (uint32_t i = 0; i < words.count; ++i) {
    const bool variable = words.words[i].variable;
    if (variable && of.VariableAt(i)) continue;
    ++likeness.constants;
    if (variable || of.VariableAt(i)) {
      ++halves;
    } else {
      equal += of.hashes[i] == words.words[i].hash ? 1 : 0;
    }
    if (likeness.constants - equal - halves > unlike_max) return Likeness();
  }
  likeness.score = likeness.constants == 0 ? 1 : (equal + 0.5 * halves) / likeness.constants;
  return likeness;
}

bool TemplateMiner::Opposite(std::string_view line, const LineWords& words, const Template& of) {
  for (uint32_t i = 0; i < words.count; ++i) {
    const LineWord& word = words.words[i];
    if (word.variable || of.VariableAt(i) || of.hashes[i] == word.hash) continue;
    if (IsStateWord(of.WordAt(i)) || IsStateWord(word.span.In(line))) return true;
  }
  return false;
}

uint64_t TemplateMiner::IdOf(std::string_view line, const LineWords& words,
                             std::string_view source_class) {
  std::string told(source_class);
  told += words.cut ? "\n+" : "\n";
  for (uint32_t i = 0; i < words.count; ++i) {
    told += GapBefore(line, words, i);
    // No word has a line's end in it.
    if (words.words[i].variable) {
      told += '\n';
    } else {
      told += words.words[i].span.In(line);
    }
  }
  told += GapBefore(line, words, words.count);
  const std::string digest = Sha256Hex(told);
  uint64_t id = 0;
  (void)std::from_chars(digest.data(), digest.data() + 16, id, 16);
  return std::max<uint64_t>(id, 1);
}

}  // namespace fleetmedic
