// One expression on one line of bytes, with captures: RE2's word, which is final. The one place
// that knows RE2 (line_pattern.cc).
#ifndef FLEETMEDIC_STREAM_LINE_PATTERN_H_
#define FLEETMEDIC_STREAM_LINE_PATTERN_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace fleetmedic {

// Immutable, thread-safe, linear in the line's length. Bytes are taken as Latin-1: text that is
// not UTF-8 matches like any other.
class LinePattern {
 public:
  // kInvalidArgument with RE2's message where the expression is not sound or too large.
  static Result<LinePattern> Compile(const std::string& pattern, bool ignore_case);
  LinePattern(LinePattern&&) noexcept;
  LinePattern& operator=(LinePattern&&) noexcept;
  ~LinePattern();

  // The names of the groups, in order. Groups without a name are not captures.
  const std::vector<std::string>& captures() const { return names_; }

  // Whether the expression matches anywhere in the line. Takes a fraction of what Match does.
  bool Matches(std::string_view line) const;
  // The same. Where it does, `values` gets one view
  // into the line for each name; the view of a group that took no part is empty.
  bool Match(std::string_view line, std::vector<std::string_view>* values) const;

 private:
  struct Engine;
  explicit LinePattern(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
  std::vector<std::string> names_;
  std::vector<int> groups_;  // of each name
  int group_max_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_LINE_PATTERN_H_
