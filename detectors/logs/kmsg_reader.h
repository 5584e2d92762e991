// The kernel log: /dev/kmsg, or a file in its format.
#ifndef FLEETMEDIC_DETECTORS_LOGS_KMSG_READER_H_
#define FLEETMEDIC_DETECTORS_LOGS_KMSG_READER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/file.h"
#include "detectors/logs/log_source.h"

namespace fleetmedic {

// One record of /dev/kmsg (Documentation/ABI/testing/dev-kmsg): "prio,seq,usec,flags;message\n",
// continuation lines begin with a space.
struct KmsgRecord {
  int level = 0;     // priority & 7
  int facility = 0;  // priority >> 3; 0 is the kernel itself
  uint64_t sequence = 0;
  Micros at{0};              // since boot
  std::string_view message;  // the first line
};
// LOG_WARNING of syslog.h; lower numbers are worse.
constexpr int kWarningPriority = 4;
// None for a line that has another form.
std::optional<KmsgRecord> ParseKmsg(std::string_view line);

// The sources of its frames: "kernel" for facility 0 alone, else "kmsg-user": anybody who may open
// /dev/kmsg can write there, but not with facility 0.
class KmsgReader final : public LogSource {
 public:
  struct Options {
    std::string path = "/dev/kmsg";  // below the root
    // Without a cursor of this boot, records older than this are history and are passed over.
    Millis backlog_max = Minutes(5);
  };

  KmsgReader(const FsRoot* root, const Clock* clock, Options options);

  std::string_view name() const override { return "kmsg"; }
  // "BOOT:SEQUENCE:OFFSET"; the sequence counts for the device, the offset for a file.
  void Start(std::string_view cursor) override;
  Result<size_t> Read(size_t lines_max, AddLine add) override;
  std::string Cursor() const override;
  int PollFd() const override { return is_device_ ? fd_.get() : -1; }
  std::string WatchPath() const override;
  uint64_t TakeLost() override;

 private:
  Status Open();
  Result<size_t> ReadDevice(size_t lines_max, AddLine add);
  Result<size_t> ReadFixture(size_t lines_max, AddLine add);
  // False where no whole line was left.
  bool TakeFixtureText(std::string_view text, size_t lines_max, AddLine add, size_t* lines);
  bool Emit(std::string_view line, AddLine add);
  std::string BootId() const;

  const FsRoot* const root_;
  const Clock* const clock_;
  const Options options_;
  UniqueFd fd_;
  bool is_device_ = false;
  std::string boot_id_;
  bool has_cursor_ = false;
  uint64_t sequence_ = 0;  // of the last record
  bool any_sequence_ = false;
  int64_t offset_ = 0;  // in a file: after the last whole record
  uint64_t lost_ = 0;
  std::string restored_;  // until the first Open
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_LOGS_KMSG_READER_H_
