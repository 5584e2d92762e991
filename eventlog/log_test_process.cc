// A process of its own at the other end of a log, for tests:
//
//   log_test_process append FILE KEY COUNT   appends "0", "1", ...; a line for each acknowledgement
//   log_test_process read FILE COUNT         waits for so many records; a line for each
//   log_test_process hold FILE GROUP         takes a group, says "held", stays until its input ends
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "base/clock.h"
#include "eventlog/sqlite_event_log.h"

namespace fleetmedic {
namespace {

void Say(const std::string& line) {
  const std::string text = line + "\n";
  FLEETMEDIC_CHECK(write(STDOUT_FILENO, text.data(), text.size()) ==
                   static_cast<ssize_t>(text.size()));
}

void AppendMany(EventLog* log, const std::string& key, int count) {
  for (int i = 0; i < count; ++i) {
    const Record record{key, std::to_string(i), {}, kWallNever};
    // Another process may be in the way for a while.
    while (true) {
      const Status status = log->Append(Topic::kHealth, std::span<const Record>(&record, 1));
      if (status) break;
      FLEETMEDIC_CHECK(status.error().code == Code::kBusy);
    }
    Say(record.value);
  }
}

void ReadMany(EventLog* log, int count) {
  const auto reader = log->OpenAt(Topic::kHealth, {}).value();
  absl::Mutex mutex;
  bool woken = true;
  const Topic topics[] = {Topic::kHealth};
  const auto subscription = log->Subscribe(topics, [&] {
    const absl::MutexLock lock(&mutex);
    woken = true;
  });
  while (count > 0) {
    mutex.LockWhen(absl::Condition(&woken));
    woken = false;
    mutex.Unlock();
    while (true) {
      const auto records = reader->Poll(100).value();
      if (records.empty()) break;
      for (const LogRecord& record : records) Say(record.record.key + " " + record.record.value);
      count -= static_cast<int>(records.size());
    }
  }
}

void Hold(EventLog* log, const std::string& group) {
  const auto reader = log->Open(Topic::kHealth, group).value();
  FLEETMEDIC_CHECK(!reader->Positions().empty());
  Say("held");
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
}

int Main(const std::vector<std::string>& args) {
  if (args.size() < 4) return 2;
  const SystemClock clock;
  const auto log = SqliteEventLog::Open(args[2], clock).value();
  if (args[1] == "append") {
    AppendMany(log.get(), args[3], std::stoi(args.at(4)));
  } else if (args[1] == "read") {
    ReadMany(log.get(), std::stoi(args[3]));
  } else if (args[1] == "hold") {
    Hold(log.get(), args[3]);
  } else {
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace fleetmedic

int main(int argc, char** argv) {
  return fleetmedic::Main(std::vector<std::string>(argv, argv + argc));
}
