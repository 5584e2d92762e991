#include "stream/line_pattern.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <utility>

namespace fleetmedic {
namespace {

// A group without a name takes a place too; they are few.
constexpr int kGroupsMax = 64;

RE2::Options OptionsOf(bool ignore_case) {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_case_sensitive(!ignore_case);
  options.set_log_errors(false);
  return options;
}

}  // namespace

struct LinePattern::Engine {
  Engine(const std::string& pattern, bool ignore_case) : re(pattern, OptionsOf(ignore_case)) {}
  RE2 re;
};

LinePattern::LinePattern(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
LinePattern::LinePattern(LinePattern&&) noexcept = default;
LinePattern& LinePattern::operator=(LinePattern&&) noexcept = default;
LinePattern::~LinePattern() = default;

Result<LinePattern> LinePattern::Compile(const std::string& pattern, bool ignore_case) {
  LinePattern out(std::make_unique<Engine>(pattern, ignore_case));
  const RE2& re = out.engine_->re;
  if (!re.ok()) {
    return Fail(Code::kInvalidArgument, re.error());
  }
  if (re.NumberOfCapturingGroups() >= kGroupsMax) {
    return Fail(Code::kInvalidArgument, "expected fewer than " + std::to_string(kGroupsMax) +
                                            " groups; use (?:...) where nothing is captured");
  }
  for (const auto& [group, name] : re.CapturingGroupNames()) {
    out.names_.push_back(name);
    out.groups_.push_back(group);
    out.group_max_ = std::max(out.group_max_, group);
  }
  return out;
}

bool LinePattern::Matches(std::string_view line) const {
  const re2::StringPiece text(line.data(), line.size());
  return engine_->re.Match(text, 0, text.size(), RE2::UNANCHORED, nullptr, 0);
}

bool LinePattern::Match(std::string_view line, std::vector<std::string_view>* values) const {
  std::array<re2::StringPiece, kGroupsMax + 1> groups;
  const re2::StringPiece text(line.data(), line.size());
  const int wanted = group_max_ == 0 ? 0 : group_max_ + 1;
  if (!engine_->re.Match(text, 0, text.size(), RE2::UNANCHORED, groups.data(), wanted)) {
    return false;
  }
  values->clear();
  for (const int group : groups_) {
    const re2::StringPiece& value = groups[static_cast<size_t>(group)];
    values->emplace_back(value.data(), value.size());
  }
  return true;
}

}  // namespace fleetmedic
