// One record of fleetmedic.logs: whole lines of one source of one host, as they are.
#ifndef FLEETMEDIC_MODEL_LOG_FRAME_H_
#define FLEETMEDIC_MODEL_LOG_FRAME_H_

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/ids.h"

namespace fleetmedic {

// How bad its writer said a line is, where the source tells: the priorities of the kernel's log and
// of the journal do, files do not.
enum class LineLevel : uint8_t { kUnknown, kBelowWarning, kWarning };

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
  // Lines that stand for more than one: the same line of the same source, without another between,
  // was written `times` times. In the order of the lines.
  struct Repeats {
    uint32_t line = 0;  // from 0
    uint64_t times = 2;

    bool operator==(const Repeats&) const = default;
  };
  std::vector<Repeats> repeats;
  // Of processes that lines name as crashed, by their numbers as the lines have them: the cgroup,
  // where the host could still tell.
  std::map<std::string, std::string, std::less<>> cgroups;

  // The lines of level warning and above (priority 4 and lower numbers), in order; runs do not
  // touch.
  struct LineRun {
    uint32_t first = 0;  // from 0
    uint32_t last = 0;   // within the run

    bool operator==(const LineRun&) const = default;
  };
  std::vector<LineRun> warnings;
  // Of every other line the level is known, and lower. Else of those nothing is known: files, and
  // whatever came from an agent that does not tell.
  bool levels_known = false;

  // How many lines were written in all.
  uint64_t Written() const;

  static constexpr size_t kRepeatsMax = 400;
  static constexpr size_t kWarningRunsMax = 200;
  static constexpr size_t kCgroupsMax = 16;
  static constexpr size_t kCgroupBytesMax = 512;
  static constexpr size_t kLineBytesMax = 8 * 1024;
  static constexpr size_t kTextBytesMax = 256 * 1024;
  static constexpr size_t kSourceBytesMax = 512;
  static constexpr size_t kBootIdBytesMax = 64;

  bool operator==(const LogFrame&) const = default;
};

using LogFrameHeaderList = std::vector<std::pair<std::string, std::string>>;

// The headers of the record whose key is the host and whose value is the text. Repeats are the
// header "repeats", "0*17 4*2", warnings the header "warnings", "0 4-9", with "only" before it
// where the levels of the others are known, and cgroups the header "cgroups", a line "PID PATH" for
// each; there is no such header where there is nothing to say.
LogFrameHeaderList LogFrameHeaders(const LogFrame& frame);

// The frame that such a record holds. kInvalidArgument, with what is wrong, for anything that
// breaks what is said above: a key that is no host, a header that is missing or not well formed,
// a text that is too long, has a line that is, does not end with '\n' or has another number of
// lines. Headers that are not known are ignored.
//
// A short text the agent writes as it is, so that a person can read it in the topic. With the
// header "content-encoding" of "lz4" the value is one LZ4 frame of the text: so the agent writes
// long ones, and a shipper may write any. Any other encoding is refused.
Result<LogFrame> LogFrameFrom(std::string_view key,
                              std::span<const std::pair<std::string, std::string>> headers,
                              std::string value);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_LOG_FRAME_H_
