// An event log in memory that can be taken away. For tests of this folder.
#ifndef FLEETMEDIC_DETECTORS_REPORT_FAKE_EVENT_LOG_H_
#define FLEETMEDIC_DETECTORS_REPORT_FAKE_EVENT_LOG_H_

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "eventlog/event_log.h"

namespace fleetmedic {

// Thread-safe.
class FakeEventLog final : public EventLog {
 public:
  Status Append(Topic topic, std::span<const Record> records) override {
    absl::MutexLock lock(&mutex_);
    ++appends_;
    for (const Record& record : records) {
      if (!poison_.empty() && record.value.find(poison_) != std::string::npos) {
        return Fail(Code::kInvalidArgument, "poison");
      }
    }
    // Where the answer is lost, the records are not.
    if (!error_ || error_after_write_) {
      for (const Record& record : records) records_.emplace_back(topic, record);
    }
    if (error_) return tl::unexpected<Error>(*error_);
    return {};
  }
  Result<std::unique_ptr<Reader>> Open(Topic, std::string_view) override {
    return Fail(Code::kUnsupported, "only appends");
  }
  Result<std::unique_ptr<Reader>> OpenAt(Topic, std::span<const Position>) override {
    return Fail(Code::kUnsupported, "only appends");
  }
  Result<std::unique_ptr<Reader>> OpenPartition(Topic, Position) override {
    return Fail(Code::kUnsupported, "only appends");
  }
  std::unique_ptr<Subscription> Subscribe(std::span<const Topic>, std::function<void()>) override {
    return nullptr;
  }

  void Break(Code code = Code::kUnavailable, bool after_write = false) {
    absl::MutexLock lock(&mutex_);
    error_ = Error{code, "the log is away"};
    error_after_write_ = after_write;
  }
  void Heal() {
    absl::MutexLock lock(&mutex_);
    error_.reset();
  }
  // Records whose value holds this text are refused for good.
  void Refuse(std::string poison) {
    absl::MutexLock lock(&mutex_);
    poison_ = std::move(poison);
  }

  std::vector<Record> Of(Topic topic) const {
    absl::MutexLock lock(&mutex_);
    return OfLocked(topic);
  }
  int64_t appends() const {
    absl::MutexLock lock(&mutex_);
    return appends_;
  }
  // The values of a topic, joined.
  std::string TextOf(Topic topic) const {
    std::string text;
    for (const Record& record : Of(topic)) text += record.value;
    return text;
  }
  // Waits, for real, until a topic's text holds `needle`.
  bool WaitForText(Topic topic, std::string_view needle, Millis limit) const {
    absl::MutexLock lock(&mutex_);
    const auto there = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      for (const Record& record : OfLocked(topic)) {
        if (record.value.find(needle) != std::string::npos) return true;
      }
      return false;
    };
    return mutex_.AwaitWithTimeout(absl::Condition(&there), absl::Milliseconds(limit.count()));
  }

 private:
  std::vector<Record> OfLocked(Topic topic) const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    std::vector<Record> records;
    for (const auto& [of, record] : records_) {
      if (of == topic) records.push_back(record);
    }
    return records;
  }

  mutable absl::Mutex mutex_;
  std::vector<std::pair<Topic, Record>> records_ ABSL_GUARDED_BY(mutex_);
  std::optional<Error> error_ ABSL_GUARDED_BY(mutex_);
  bool error_after_write_ ABSL_GUARDED_BY(mutex_) = false;
  std::string poison_ ABSL_GUARDED_BY(mutex_);
  int64_t appends_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_REPORT_FAKE_EVENT_LOG_H_
