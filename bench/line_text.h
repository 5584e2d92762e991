// Text with holes, drawn from a seed: what the corpus' lines and its rules' lines are made of.
#ifndef FLEETMEDIC_BENCH_LINE_TEXT_H_
#define FLEETMEDIC_BENCH_LINE_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"

namespace fleetmedic {

// Draws what varies in a host's log. Its own time goes on with each line. Owned by one thread.
class LineText {
 public:
  explicit LineText(uint64_t seed) : random_(seed) {}

  Random& random() { return random_; }

  // Appends `form` with its holes filled. A hole is {name} or {name:N}:
  //   d:N a number below N    x:N N hexadecimal digits    f:N a number below N with three decimals
  //   ip port mac uuid pci    cid (64 digits)             user unit image ns pod task iface disk
  //   path word file          k klog's time               g glog's time
  //   t RFC 3339 with nine decimals    s syslog-like      e seconds since 1970 with three decimals
  // Anything else between braces stands for itself.
  void Append(std::string_view form, std::string* line);

  // Some microseconds pass; called once a line.
  void Step() { micros_ += 100 + random_.Below(400'000); }

 private:
  bool AppendHole(std::string_view name, uint64_t size, std::string* line);
  bool AppendName(std::string_view name, std::string* line);
  void AppendHex(uint64_t digits, std::string* line);
  void AppendTime(std::string_view name, std::string* line);
  void AppendNumber(uint64_t number, std::string* line);

  Random random_;
  uint64_t micros_ = 1'767'225'600'000'000;  // 2026-01-01
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BENCH_LINE_TEXT_H_
