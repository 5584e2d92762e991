// What calm hosts write: the kinds of log of which the corpus is mixed.
#ifndef FLEETMEDIC_BENCH_LOG_KINDS_H_
#define FLEETMEDIC_BENCH_LOG_KINDS_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace fleetmedic {

struct LineForm {
  uint8_t level = 6;  // of syslog: 3 error, 4 warning, 5 notice, 6 information, 7 debug
  int weight = 1;
  std::string_view form;  // for LineText::Append
};

struct LogKind {
  std::string_view source;  // LogFrame::source
  int weight = 1;           // of a hundred frames or so
  std::span<const LineForm> forms;
};

std::span<const LogKind> LogKinds();

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BENCH_LOG_KINDS_H_
