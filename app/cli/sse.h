// Server-sent events out of the pieces of a stream: the part of the HTML standard's "event stream
// interpretation" that the API uses. Pure.
#ifndef FLEETMEDIC_APP_CLI_SSE_H_
#define FLEETMEDIC_APP_CLI_SSE_H_

#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "base/result.h"

namespace fleetmedic::cli {

struct ServerSentEvent {
  std::string type = "message";
  std::string data;
  std::string id;  // the newest that was sent; stays until another comes
};

class SseParser {
 public:
  // Of one event; a longer one is kFull.
  static constexpr size_t kEventBytesMax = size_t{4} << 20;

  // Calls `event` for each that is complete with this piece, until it returns false; what is left
  // of the piece is then not read.
  Status Feed(std::string_view piece, absl::FunctionRef<bool(const ServerSentEvent&)> event);

 private:
  // True when the line ended an event that has data.
  bool TakeLine(std::string_view line);

  std::string line_;
  bool after_return_ = false;  // a '\n' now belongs to the '\r' before it
  ServerSentEvent event_;
  bool has_data_ = false;
  size_t bytes_ = 0;
};

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_SSE_H_
