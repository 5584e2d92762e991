#include "detectors/evidence/evidence_collector.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/inbox.h"
#include "base/logging.h"

namespace fleetmedic {
namespace {

// Threads of one process that hang for ever and are remembered.
constexpr size_t kAbandonedMax = 256;

struct Answer {
  absl::Mutex mutex;
  std::optional<Result<std::string>> text ABSL_GUARDED_BY(mutex);

  bool Back() {
    absl::MutexLock lock(&mutex);
    return text.has_value();
  }
};

}  // namespace

// One read of a source that is under way.
struct EvidenceCollector::Look {
  std::shared_ptr<Answer> answer = std::make_shared<Answer>();
  std::unique_ptr<Workers> workers;
};

void FitText(std::string text, size_t bytes_max, EvidencePart* part) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= 0x20 && byte < 0x7f) || c == '\n';
    if (!plain) c = c == '\t' ? ' ' : '?';
  }
  if (text.size() > bytes_max) {
    part->bytes_cut = text.size() - bytes_max;
    text.erase(0, part->bytes_cut);
  }
  part->text = std::move(text);
}

EvidenceCollector::EvidenceCollector(const Clock* clock, MakeWorkers make_workers, Options options,
                                     std::vector<EvidenceSource> sources)
    : clock_(clock),
      make_workers_(std::move(make_workers)),
      options_(std::move(options)),
      sources_(std::move(sources)) {}

EvidenceCollector::~EvidenceCollector() {
  static Inbox<Workers*>* const abandoned = new Inbox<Workers*>(kAbandonedMax);
  for (auto& [name, look] : hanging_) {
    if (look->answer->Back()) continue;
    // Never ended, for nobody can wait for it; still known, so that it is no leak.
    (void)abandoned->Post(look->workers.release());
  }
}

EvidencePart EvidenceCollector::CollectPart(const EvidenceSource& source, MonoTime deadline) {
  EvidencePart part;
  part.name = source.name;
  if (const auto hanging = hanging_.find(source.name); hanging != hanging_.end()) {
    if (!hanging->second->answer->Back()) {
      part.state = EvidencePartState::kTimeout;
      part.message = "skipped: it still hangs since an earlier bundle";
      return part;
    }
    hanging_.erase(hanging);
  }
  const MonoTime began = clock_->Mono();
  auto look = std::make_unique<Look>();
  look->workers = make_workers_("evidence");
  const std::shared_ptr<Answer> answer = look->answer;
  const Status submitted =
      look->workers->Submit(source.name, [answer, read = source.read, deadline] {
        Result<std::string> text = read(deadline);
        absl::MutexLock lock(&answer->mutex);
        answer->text = std::move(text);
      });
  if (!submitted) {
    part.state = EvidencePartState::kFailed;
    part.message = submitted.error().message;
    return part;
  }
  std::optional<Result<std::string>> text;
  {
    absl::MutexLock lock(&answer->mutex);
    const auto back = [answer]()
                          ABSL_NO_THREAD_SAFETY_ANALYSIS { return answer->text.has_value(); };
    const Micros wait = std::max(deadline - clock_->Mono(), Micros(0));
    answer->mutex.AwaitWithTimeout(absl::Condition(&back), absl::Microseconds(wait.count()));
    text = answer->text;
  }
  if (!text.has_value()) {
    part.state = EvidencePartState::kTimeout;
    part.message =
        "skipped: not back within " + FormatDuration(std::chrono::ceil<Millis>(deadline - began));
    hanging_[source.name] = std::move(look);
    return part;
  }
  if (*text) {
    FitText(**std::move(text), EvidencePart::kTextBytesMax, &part);
    return part;
  }
  const Error& error = text->error();
  const bool absent = error.code == Code::kNotFound || error.code == Code::kUnsupported;
  const bool late = error.code == Code::kDeadlineExceeded;
  part.state = absent ? EvidencePartState::kAbsent
               : late ? EvidencePartState::kTimeout
                      : EvidencePartState::kFailed;
  part.message = error.message.substr(0, 512);
  return part;
}

EvidenceBundle EvidenceCollector::Collect(const EvidenceRequest& request, std::string boot_id) {
  const MonoTime began = clock_->Mono();
  EvidenceBundle bundle;
  bundle.id = request.id;
  bundle.host = options_.host;
  bundle.boot_id = std::move(boot_id);
  bundle.reason = request.reason;
  bundle.collected_at = clock_->Wall();
  size_t bytes = 0;
  for (const EvidenceSource& source : sources_) {
    if (bundle.parts.size() >= EvidenceBundle::kPartsMax) break;
    const MonoTime now = clock_->Mono();
    EvidencePart part;
    if (interrupted_ || now >= began + options_.bundle_deadline) {
      part.name = source.name;
      part.state = EvidencePartState::kTimeout;
      part.message =
          interrupted_ ? "skipped: the agent was ended" : "skipped: the bundle's time was used up";
    } else {
      part = CollectPart(source, std::min<MonoTime>(now + options_.source_deadline,
                                                    began + options_.bundle_deadline));
    }
    const size_t room = EvidenceBundle::kTextBytesMax - bytes;
    if (part.text.size() > room) {
      const uint64_t cut = part.bytes_cut;
      FitText(std::move(part.text), room, &part);
      part.bytes_cut += cut;
    }
    bytes += part.text.size();
    bundle.parts.push_back(std::move(part));
  }
  bundle.took = std::chrono::duration_cast<Millis>(clock_->Mono() - began);
  LogInfo("collected evidence", {{"host", options_.host.str()},
                                 {"id", bundle.id},
                                 {"bytes", bytes},
                                 {"took_ms", bundle.took.count()}});
  return bundle;
}

}  // namespace fleetmedic
