// RE2::Set as a peer: many expressions in one automaton, with the answer which of them match. The
// one file of the bench that knows RE2 is re2_set.cc.
#ifndef FLEETMEDIC_BENCH_RE2_SET_H_
#define FLEETMEDIC_BENCH_RE2_SET_H_

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/rule.h"

namespace fleetmedic {

// Owned by one thread.
class Re2Set {
 public:
  // What its automata may take, so that it need not begin anew all the time.
  static constexpr int64_t kBytesMax = int64_t{1} << 30;

  static Result<Re2Set> Compile(std::span<const Rule> rules);
  Re2Set(Re2Set&&) noexcept;
  ~Re2Set();

  // How many of the rules match the line.
  size_t Match(std::string_view line);

 private:
  struct Engine;
  explicit Re2Set(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
  std::vector<int> found_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BENCH_RE2_SET_H_
