#include "stream/rule_watch.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "stream/rule_check.h"

namespace fleetmedic {
namespace {

constexpr size_t kEntriesMax = 10'000;
// Of what is said about rules that are refused.
constexpr size_t kReasonBytesMax = 4096;

std::string AppearanceOf(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return path + " -\n";
  return fmt::format("{} {} {} {} {}.{:09}\n", path, info.st_dev, info.st_ino, info.st_size,
                     info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

}  // namespace

RuleWatch::RuleWatch(std::vector<std::string> paths, std::optional<CandidateCache> cache)
    : paths_(std::move(paths)), cache_(std::move(cache)), appearance_(Appearance()) {}

std::string RuleWatch::Appearance() const {
  std::string all;
  for (const std::string& path : paths_) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
      all += AppearanceOf(path);
      continue;
    }
    const std::string folder = std::filesystem::absolute(path, error).string();
    const Result<std::vector<std::string>> names = FsRoot("/").List(folder, kEntriesMax);
    if (!names) {
      all += path + " " + names.error().message + "\n";
      continue;
    }
    for (const std::string& name : *names) {
      if (name.ends_with(".toml")) all += AppearanceOf(path + "/" + name);
    }
  }
  return all;
}

std::optional<Result<std::shared_ptr<const RuleSet>>> RuleWatch::Look() {
  std::string now = Appearance();
  if (now == appearance_) return std::nullopt;
  // Taken before they are read: a change in between is found at the next look.
  appearance_ = std::move(now);
  Diagnostics diagnostics;
  std::shared_ptr<const RuleSet> rules =
      CheckRuleFiles(paths_, &diagnostics, cache_ ? &*cache_ : nullptr);
  if (rules == nullptr) {
    return Fail(Code::kInvalidArgument, diagnostics.Text().substr(0, kReasonBytesMax));
  }
  return rules;
}

}  // namespace fleetmedic
