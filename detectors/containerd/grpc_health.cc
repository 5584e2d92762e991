#include "detectors/containerd/grpc_health.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

constexpr size_t kFrameHeaderBytes = 9;
constexpr size_t kMessagePrefixBytes = 5;  // compressed flag, length
constexpr size_t kMessageBytesMax = 4096;
constexpr uint32_t kOurStream = 1;
// RFC 9113, section 6.
constexpr uint8_t kData = 0, kHeaders = 1, kResetStream = 3, kSettings = 4, kPushPromise = 5,
                  kGoAway = 7;
constexpr uint8_t kEndStream = 0x1, kEndHeaders = 0x4, kPadded = 0x8;

uint32_t BigEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

std::string FrameBytes(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string frame;
  const auto put = [&frame](uint32_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
      frame.push_back(static_cast<char>(value >> shift & 0xff));
    }
  };
  put(static_cast<uint32_t>(payload.size()), 3);
  put(type, 1);
  put(flags, 1);
  put(stream, 4);
  return frame.append(payload);
}

// A literal header field without indexing and with a new name (RFC 7541, section 6.2.2); both
// texts are shorter than 127 bytes and not Huffman coded.
std::string HeaderField(std::string_view name, std::string_view value) {
  std::string field(1, '\0');
  field.push_back(static_cast<char>(name.size()));
  field.append(name);
  field.push_back(static_cast<char>(value.size()));
  return field.append(value);
}

// A base-128 number of Protocol Buffers; takes it off the front.
std::optional<uint64_t> TakeVarint(std::string_view* bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes->size() && i < 10; ++i) {
    const auto byte = static_cast<unsigned char>((*bytes)[i]);
    value |= uint64_t{byte & 0x7fu} << (7 * i);
    if ((byte & 0x80) == 0) {
      bytes->remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

// Field 1 of HealthCheckResponse; 0 (UNKNOWN) where it is not sent. None for what is no message.
std::optional<uint64_t> ServingStatus(std::string_view message) {
  uint64_t status = 0;
  while (!message.empty()) {
    const std::optional<uint64_t> tag = TakeVarint(&message);
    if (!tag.has_value()) return std::nullopt;
    size_t skip = 0;
    std::optional<uint64_t> value;
    switch (*tag & 7) {
      case 0:
        value = TakeVarint(&message);
        if (!value.has_value()) return std::nullopt;
        if (*tag >> 3 == 1) status = *value;
        break;
      case 1:
        skip = 8;
        break;
      case 2:
        value = TakeVarint(&message);
        if (!value.has_value() || *value > message.size()) return std::nullopt;
        skip = static_cast<size_t>(*value);
        break;
      case 5:
        skip = 4;
        break;
      default:
        return std::nullopt;
    }
    if (skip > message.size()) return std::nullopt;
    message.remove_prefix(skip);
  }
  return status;
}

}  // namespace

std::string GrpcHealthRequest() {
  const std::string headers = HeaderField(":method", "POST") + HeaderField(":scheme", "http") +
                              HeaderField(":path", "/grpc.health.v1.Health/Check") +
                              HeaderField(":authority", "localhost") +
                              HeaderField("content-type", "application/grpc") +
                              HeaderField("te", "trailers");
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + FrameBytes(kSettings, 0, 0, "") +
         FrameBytes(kHeaders, kEndHeaders, kOurStream, headers) +
         FrameBytes(kData, kEndStream, kOurStream, std::string(kMessagePrefixBytes, '\0'));
}

void GrpcHealthReply::Break(std::string why) {
  state_ = State::kBroken;
  error_ = std::move(why);
}

GrpcHealthReply::State GrpcHealthReply::Feed(std::string_view bytes) {
  if (state_ != State::kMore) return state_;
  bytes_ += bytes.size();
  pending_.append(bytes.substr(0, kBytesMax));
  std::string_view rest = pending_;
  while (state_ == State::kMore && rest.size() >= kFrameHeaderBytes) {
    const size_t length = BigEndian(rest.substr(0, 3));
    if (length > kFrameBytesMax) {
      Break("what answers does not speak HTTP/2");
      break;
    }
    if (rest.size() < kFrameHeaderBytes + length) break;
    Take({.type = static_cast<uint8_t>(rest[3]),
          .flags = static_cast<uint8_t>(rest[4]),
          .stream = BigEndian(rest.substr(5, 4)) & 0x7fffffffu,
          .payload = rest.substr(kFrameHeaderBytes, length)});
    rest.remove_prefix(kFrameHeaderBytes + length);
  }
  pending_.erase(0, pending_.size() - rest.size());
  if (state_ == State::kMore && bytes_ > kBytesMax) Break("too much came and no answer in it");
  return state_;
}

GrpcHealthReply::State GrpcHealthReply::End() {
  if (state_ == State::kMore) Break("the connection ended before the answer");
  return state_;
}

void GrpcHealthReply::Take(const Frame& frame) {
  // The first frame of a server is its settings (RFC 9113, section 3.4).
  if (!settings_seen_ && frame.type != kSettings) return Break("what answers speaks no HTTP/2");
  settings_seen_ = true;
  if (frame.type == kGoAway) return Break("the server ends the connection");
  if (frame.type == kPushPromise) return Break("the server pushes");
  if (frame.stream != kOurStream) return;
  if (frame.type == kResetStream) return Break("the server refuses the call");
  if (frame.type == kData) return TakeData(frame);
  if (frame.type == kHeaders && (frame.flags & kEndStream) != 0) {
    // Trailers before a message: only a status, which is not the one of success.
    state_ = State::kNoHealth;
  }
}

void GrpcHealthReply::TakeData(const Frame& frame) {
  std::string_view payload = frame.payload;
  if ((frame.flags & kPadded) != 0) {
    const size_t padding = payload.empty() ? 0 : static_cast<unsigned char>(payload[0]);
    if (payload.size() < padding + 1) return Break("a frame is all padding");
    payload = payload.substr(1, payload.size() - 1 - padding);
  }
  message_.append(payload);
  if (message_.size() > kMessageBytesMax) return Break("the message is too long");
  if (message_.size() >= kMessagePrefixBytes) {
    const size_t length = BigEndian(std::string_view(message_).substr(1, 4));
    if (message_[0] != 0) return Break("the message is compressed");
    if (length > kMessageBytesMax) return Break("the message is too long");
    if (message_.size() >= kMessagePrefixBytes + length) {
      return TakeMessage(std::string_view(message_).substr(kMessagePrefixBytes, length));
    }
  }
  if ((frame.flags & kEndStream) != 0) Break("the message is cut");
}

void GrpcHealthReply::TakeMessage(std::string_view message) {
  const std::optional<uint64_t> status = ServingStatus(message);
  if (!status.has_value()) return Break("the message is none of the health service");
  state_ = *status == 1 ? State::kServing : State::kNotServing;
  if (state_ == State::kNotServing) error_ = fmt::format("status {}", *status);
}

}  // namespace fleetmedic
