#include "detectors/evidence/evidence_courier.h"

#include <utility>

#include "base/logging.h"
#include "detectors/logs/log_record.h"
#include "model/command.h"

namespace fleetmedic {
namespace {

constexpr size_t kRecordsPerPoll = 1000;
// More than one asks for at once; the others are told nothing and ask again.
constexpr size_t kWaitingMax = 4;

}  // namespace

EvidenceCourier::EvidenceCourier(const Clock* clock, EventLog* log, HostId host,
                                 std::unique_ptr<EvidenceCollector> collector,
                                 std::function<void(Record)> send)
    : clock_(clock),
      log_(log),
      host_(std::move(host)),
      collector_(std::move(collector)),
      send_(std::move(send)) {}

void EvidenceCourier::SetBoot(std::string boot_id) {
  absl::MutexLock lock(&mutex_);
  boot_id_ = std::move(boot_id);
}

bool EvidenceCourier::ReadCommands() {
  if (reader_ == nullptr) {
    Result<std::unique_ptr<Reader>> reader = log_->OpenAt(Topic::kCommands, {});
    if (!reader) {
      if (!std::exchange(told_, true)) {
        LogWarning("cannot read requests for evidence", {{"error", reader.error().message}});
      }
      return false;
    }
    reader_ = *std::move(reader);
    skip_to_head_ = true;
  }
  const Result<std::vector<LogRecord>> records = reader_->Poll(kRecordsPerPoll);
  if (!records) return false;  // the reader is where it was
  told_ = false;
  const bool head = records->size() < kRecordsPerPoll;
  if (!skip_to_head_) {
    for (const LogRecord& record : *records) {
      if (record.record.key == host_.str()) TakeCommand(record);
    }
  }
  if (head) skip_to_head_ = false;
  return !head;
}

void EvidenceCourier::TakeCommand(const LogRecord& record) {
  const Result<Json> json = Json::Parse(record.record.value);
  if (!json || json->object() == nullptr) return;  // the executor sets it aside
  const Result<ExecutorCommand> command = ExecutorCommandFromJson(*json);
  if (!command || command->kind != CommandKind::kCollectEvidence || command->host != host_) return;
  if (command->evidence.asked_at + kRequestAgeMax < clock_->Wall()) return;
  for (const EvidenceRequest& request : waiting_) {
    if (request.id == command->evidence.id) return;
  }
  if (waiting_.size() < kWaitingMax) waiting_.push_back(command->evidence);
}

bool EvidenceCourier::Cycle() {
  const bool more = ReadCommands();
  if (waiting_.empty()) return more;
  const EvidenceRequest request = std::move(waiting_.front());
  waiting_.erase(waiting_.begin());
  std::string boot_id;
  {
    absl::MutexLock lock(&mutex_);
    boot_id = boot_id_;
  }
  send_(RecordOf(collector_->Collect(request, std::move(boot_id)), clock_->Wall()));
  return more || !waiting_.empty();
}

}  // namespace fleetmedic
