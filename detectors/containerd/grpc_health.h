// One gRPC health check as bytes: what is sent, and what of the answer matters. Pure.
//
// The call is grpc.health.v1.Health/Check (the gRPC project's doc/health-checking.md) over HTTP/2
// (RFC 9113) as gRPC uses it (doc/PROTOCOL-HTTP2.md). It is one stream of one connection, so no
// flow control is needed; headers of the answer are passed over, compressed as they are: that a
// message came says more than they do.
#ifndef FLEETMEDIC_DETECTORS_CONTAINERD_GRPC_HEALTH_H_
#define FLEETMEDIC_DETECTORS_CONTAINERD_GRPC_HEALTH_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fleetmedic {

// All that the client says: preface, settings, headers, and a request for the whole server.
std::string GrpcHealthRequest();

class GrpcHealthReply {
 public:
  enum class State : uint8_t {
    kMore,        // nothing to be said yet
    kServing,     // SERVING
    kNotServing,  // any other status
    kNoHealth,    // a gRPC server that has no health service, or failed the call
    kBroken,      // no answer of a gRPC server; `error` says why
  };
  // More than this before the answer is no answer.
  static constexpr size_t kBytesMax = size_t{64} << 10;
  // What a peer may send before it is told otherwise (SETTINGS_MAX_FRAME_SIZE).
  static constexpr size_t kFrameBytesMax = 16384;

  // The bytes that came next. Once the answer is not kMore it stays.
  State Feed(std::string_view bytes);
  // The server ended the connection.
  State End();

  State state() const { return state_; }
  const std::string& error() const { return error_; }

 private:
  struct Frame {
    uint8_t type = 0;
    uint8_t flags = 0;
    uint32_t stream = 0;
    std::string_view payload;
  };
  void Take(const Frame& frame);
  void TakeData(const Frame& frame);
  void TakeMessage(std::string_view message);
  void Break(std::string why);

  State state_ = State::kMore;
  std::string error_;
  std::string pending_;
  std::string message_;  // of DATA frames: five bytes before it, then the message
  size_t bytes_ = 0;
  bool settings_seen_ = false;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_CONTAINERD_GRPC_HEALTH_H_
