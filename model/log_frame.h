// One record of fleetmedic.logs: whole lines of one source of one host, as they are.
#ifndef FLEETMEDIC_MODEL_LOG_FRAME_H_
#define FLEETMEDIC_MODEL_LOG_FRAME_H_

#include <string>

#include "model/ids.h"

namespace fleetmedic {

// The frame's lines travel as the record's value and the rest as its headers.
struct LogFrame {
  HostId host;
  std::string boot_id;
  // Who wrote the lines, as far as the host can vouch for it: "kernel" (the kernel's own facility
  // alone), "kmsg-user" (/dev/kmsg written from user space), "journal:docker.service",
  // "file:/var/log/syslog". What a rule's `sources` are compared with.
  std::string source;
  // When the first line was read, by the host's clock.
  WallTime first_at = kWallNever;
  uint32_t lines = 0;
  // The lines, joined and ended by '\n'. Each at most kLineBytesMax; longer ones were cut.
  std::string text;

  static constexpr size_t kLineBytesMax = 8 * 1024;
  static constexpr size_t kTextBytesMax = 256 * 1024;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_LOG_FRAME_H_
