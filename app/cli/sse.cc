#include "app/cli/sse.h"

#include <utility>

namespace fleetmedic::cli {

Status SseParser::Feed(std::string_view piece,
                       absl::FunctionRef<bool(const ServerSentEvent&)> event) {
  for (const char c : piece) {
    const bool second_of_pair = after_return_ && c == '\n';
    after_return_ = c == '\r';
    if (second_of_pair) continue;
    if (c != '\n' && c != '\r') {
      line_ += c;
      if (++bytes_ > kEventBytesMax) return Fail(Code::kFull, "an event of more than 4 MiB");
      continue;
    }
    const std::string line = std::exchange(line_, "");
    if (!TakeLine(line)) continue;
    const ServerSentEvent done = event_;
    event_ = ServerSentEvent{"message", "", event_.id};
    has_data_ = false;
    bytes_ = 0;
    if (!event(done)) return {};
  }
  return {};
}

bool SseParser::TakeLine(std::string_view line) {
  if (line.empty()) {
    if (has_data_) return true;
    event_.type = "message";  // an event without data is none
    bytes_ = 0;
    return false;
  }
  const size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event") {
    event_.type = value;
  } else if (field == "id") {
    event_.id = value;
  } else if (field == "data") {
    if (has_data_) event_.data += '\n';
    event_.data += value;
    has_data_ = true;
  }
  return false;
}

}  // namespace fleetmedic::cli
