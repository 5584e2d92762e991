// Reads the log sources of a host and makes frames of what they say.
#ifndef FLEETMEDIC_DETECTORS_LOGS_LOG_PUMP_H_
#define FLEETMEDIC_DETECTORS_LOGS_LOG_PUMP_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/unique_fd.h"
#include "detectors/logs/frame_builder.h"
#include "detectors/logs/log_source.h"
#include "detectors/logs/pace.h"
#include "detectors/report/sender.h"

namespace fleetmedic {

// Cycle is called by one thread at a time, on a worker: it waits for a source to have something
// (poll, inotify), reads, and hands frames to the sink. The first lines after a quiet time are with
// the sink at once; a busy source is read every rest_max or more often (see Pace). Sources that are
// watched by inotify share one descriptor: while one of them is busy, the others wait with it.
//
// A cursor is written down only when the sink says that the frames before it are stored: after a
// crash lines may come twice, and none is missing. While the sink is full nothing is read: files
// and the journal keep what waits, and the kernel's ring tells what it overran.
class LogPump {
 public:
  struct Options {
    FrameBuilder::Options frames;  // flush_after is not used: lines gather in their sources
    std::string cursor_path;       // a file of the agent's own
    // What a crash brings twice. Each write is two syncs.
    Millis cursor_every = Seconds(3);
    Millis rest_max = Millis(200);
    // Asked for the process or thread that a line of the kernel says has crashed (PidCgroups::Of);
    // may be empty.
    std::function<std::string(int pid, std::string_view name)> cgroup_of;
    // How long Cycle waits at most. 0 in the simulator, where nothing else would turn.
    Millis wait_max = Seconds(2);
  };

  // `metrics` may be null.
  LogPump(const Clock* clock, Metrics* metrics, FrameSink* sink, Options options,
          std::vector<std::unique_ptr<LogSource>> sources);
  ~LogPump();

  void Cycle();

  // Thread-safe: ends the wait of a Cycle, now or next.
  void Interrupt();
  // Thread-safe: for frames from now on.
  void SetBoot(std::string boot_id);
  // Thread-safe: sources that cannot be read now, and why.
  std::map<std::string, Error> Unreadable() const;
  // Thread-safe: what was lost so far, by source.
  LostBySource Lost() const;

 private:
  // The cursors that are safe once the frame of `ticket` is stored.
  struct Mark {
    uint64_t ticket = 0;
    std::map<std::string, std::string> cursors;
  };

  void StartSources();
  void WatchFiles();
  void WatchFile(const std::string& path, int* watch);
  void Wait();
  void ReadSources(MonoTime now, WallTime wall);
  void FindCgroupOf(std::string_view source, std::string_view line);
  void NoteError(const std::string& source, const Error& error);
  void ReadSource(LogSource* source, Pace* pace, MonoTime now, WallTime wall);
  void HandOn(MonoTime now);
  void SaveCursors(MonoTime now);

  const Clock* const clock_;
  FrameSink* const sink_;
  const Options options_;
  const std::vector<std::unique_ptr<LogSource>> sources_;
  const UniqueFd interrupt_;  // an eventfd
  const UniqueFd inotify_;
  MetricCounter lines_read_;
  MetricCounter lines_lost_;
  MetricCounter read_errors_;

  // Of Cycle alone.
  bool started_ = false;
  bool more_ = true;         // a source had more than one read took
  std::vector<Pace> paces_;  // of each source
  FrameBuilder builder_;
  std::deque<SpooledFrame> waiting_;  // refused by the sink
  uint64_t last_ticket_ = 0;
  uint64_t lost_told_ = 0;
  std::deque<Mark> marks_;
  std::map<std::string, std::string> unmarked_;  // cursors of what is in waiting_
  std::map<std::string, std::string> saved_;
  MonoTime save_due_{};
  std::vector<int> watches_;  // of each source's file; -1: not there
  bool unwatched_ = false;    // a source can only be looked at again and again

  mutable absl::Mutex mutex_;
  std::string boot_id_ ABSL_GUARDED_BY(mutex_);
  LostBySource lost_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Error> errors_ ABSL_GUARDED_BY(mutex_);  // by source; logged once each
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_LOGS_LOG_PUMP_H_
