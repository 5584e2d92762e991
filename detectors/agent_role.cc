#include "detectors/agent_role.h"

#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "base/process_memory.h"
#include "detectors/detector_list.h"
#include "detectors/evidence/evidence_sources.h"
#include "detectors/logs/file_tailer.h"
#include "detectors/logs/journal_reader.h"
#include "detectors/logs/kmsg_reader.h"
#include "detectors/logs/log_record.h"

namespace fleetmedic {
namespace {

constexpr Seconds kFactsEvery{5};
constexpr Minutes kFactsPostEvery{5};
constexpr Seconds kAgentEvery{5};
constexpr Millis kInlinePumpEvery{100};
// Where the log does not wake us, commands are looked for this often.
constexpr Seconds kCommandsEvery{2};
// What is done every few seconds is done with the first turn after its time, which comes of itself
// while a detector is asked each second.
constexpr Seconds kWithOthers{1};
constexpr uint64_t kBundlesKept = 4;
// In a process of its own, once: code that it uses since must not have to come back from a disk
// that hangs just when that is to be told.
constexpr Seconds kDropStartPagesAfter{15};

AgentThresholds ThresholdsOf(const AgentConfig& config) {
  AgentThresholds thresholds;
  thresholds.memory_bytes_max = config.memory_bytes_max;
  thresholds.cpu_share_max = config.cpu_share_max;
  return thresholds;
}

}  // namespace

Result<std::unique_ptr<AgentRole>> AgentRole::Make(const Clock* clock, EventLog* log,
                                                   Metrics* metrics, AgentOptions options,
                                                   std::function<void()> wake) {
  FLEETMEDIC_CHECK(options.make_workers != nullptr);
  FLEETMEDIC_ASSIGN_OR_RETURN(
      HostFacts facts, ReadFacts(FsRoot(options.host.root), options.host, options.agent_version));
  return std::unique_ptr<AgentRole>(
      new AgentRole(clock, log, metrics, std::move(options), std::move(wake), std::move(facts)));
}

AgentRole::AgentRole(const Clock* clock, EventLog* log, Metrics* metrics, AgentOptions options,
                     std::function<void()> wake, HostFacts facts)
    : clock_(clock),
      metrics_(metrics),
      options_(std::move(options)),
      wake_(std::move(wake)),
      root_(options_.host.root),
      pid_cgroups_(std::make_shared<PidCgroups>(root_)),
      facts_(std::move(facts)),
      pages_due_(clock->Mono() + kDropStartPagesAfter),
      agent_detector_(ThresholdsOf(options_.agent)),
      reporter_({.host = facts_.host,
                 .beat_every = options_.agent.beat_every,
                 .repeat_every = options_.agent.repeat_every}) {
  Sender::Options sending;
  sending.folder = options_.state_dir;
  sending.spool_bytes_max = options_.agent.spool_bytes_max;
  sending.host = facts_.host.str();
  sender_ = std::make_unique<Sender>(clock, log, metrics, std::move(sending));
  std::vector<std::unique_ptr<LogSource>> sources = MakeSources();
  if (!sources.empty()) {
    LogPump::Options pumping;
    pumping.frames.host = facts_.host;
    pumping.frames.lines_per_second_max = options_.agent.log_lines_per_second_max;
    pumping.cgroup_of = [cgroups = pid_cgroups_](int pid, std::string_view process) {
      return cgroups->Of(pid, process);
    };
    pumping.rest_max = options_.agent.log_flush_after;
    pumping.cursor_path = options_.state_dir + "/cursors.json";
    if (options_.inline_workers) pumping.wait_max = Millis(0);
    pump_ = std::make_unique<LogPump>(clock, metrics, sender_.get(), std::move(pumping),
                                      std::move(sources));
    pump_->SetBoot(facts_.boot_id);
    pump_job_.workers = options_.make_workers("logs");
  }
  send_job_.workers = options_.make_workers("send");
  MakeCourier(log);
  RestoreReporter();
  runner_ = std::make_unique<Runner>(
      clock, metrics, options_.make_workers, wake_,
      Runner::Options{.probe_deadline = options_.agent.probe_deadline, .host = facts_.host.str()});
  AddDetectors();
}

AgentRole::~AgentRole() {
  commands_.reset();
  runner_.reset();
  courier_->Interrupt();
  evidence_job_.workers.reset();
  stopping_ = true;
  if (pump_ != nullptr) pump_->Interrupt();
  pump_job_.workers.reset();
  sender_->Interrupt();
  send_job_.workers.reset();
}

void AgentRole::MakeCourier(EventLog* log) {
  EvidenceCollector::Options collecting;
  collecting.host = facts_.host;
  auto collector = std::make_unique<EvidenceCollector>(
      clock_, options_.make_workers, std::move(collecting),
      EvidenceSources(clock_, options_.host, options_.agent, options_.detectors.systemd,
                      options_.detectors.docker));
  courier_ = std::make_unique<EvidenceCourier>(
      clock_, log, facts_.host, std::move(collector), [this](Record record) {
        // While the log is away the newest few are kept.
        const std::string key = "evidence/" + std::to_string(bundles_++ % kBundlesKept);
        sender_->PostState({Topic::kEvidence, key, std::move(record)}, true);
      });
  courier_->SetBoot(facts_.boot_id);
  evidence_job_.workers = options_.make_workers("evidence");
  const Topic topics[] = {Topic::kCommands};
  // Turned by hand: looked for on a period. So in a process of its own, where the subscription
  // would keep a thread that looks into the log after each append of ours.
  if (!wake_ || options_.own_process) return;
  commands_ = log->Subscribe(topics, [this] {
    commands_came_ = true;
    wake_();
  });
}

void AgentRole::RestoreReporter() {
  const Result<std::string> state = Sender::ReadReporterState(options_.state_dir);
  if (state) {
    const Status restored = reporter_.Restore(*state);
    if (!restored) {
      LogWarning("the reporter's state cannot be read; sequences skip ahead",
                 {{"host", facts_.host.str()}, {"error", restored.error().message}});
    }
  } else if (state.error().code != Code::kNotFound) {
    LogWarning("the reporter's state cannot be read; sequences skip ahead",
               {{"host", facts_.host.str()}, {"error", state.error().message}});
    (void)reporter_.Restore("");
  }
  reporter_.SetBoot(facts_.boot_id, facts_.booted_at, clock_->Wall());
}

void AgentRole::AddDetectors() {
  for (const auto& make : options_.detectors_for_tests) runner_->Add(make());
  if (!options_.detectors_for_tests.empty()) return;
  for (auto& detector :
       MakeDetectors(clock_, options_.host, options_.detectors, options_.self, pid_cgroups_)) {
    runner_->Add(std::move(detector));
  }
}

std::vector<std::unique_ptr<LogSource>> AgentRole::MakeSources() {
  std::vector<std::unique_ptr<LogSource>> sources;
  if (options_.agent.read_kernel_log) {
    sources.push_back(std::make_unique<KmsgReader>(&root_, clock_, KmsgReader::Options{}));
  }
  // The machine's own journal says nothing of a host that is another folder.
  if (options_.agent.read_journal &&
      (options_.host.root == "/" || !options_.agent.journal_dir.empty())) {
    sources.push_back(std::make_unique<JournalReader>(options_.agent.journal_dir));
  }
  for (const TailedFile& file : options_.agent.files) {
    sources.push_back(std::make_unique<FileTailer>(&root_, file.path));
  }
  return sources;
}

void AgentRole::RefreshFacts(MonoTime now) {
  facts_due_ = now + kFactsEvery;
  Result<HostFacts> fresh = ReadFacts(root_, options_.host, options_.agent_version);
  if (!fresh) {
    LogWarning("cannot read the facts of the host", {{"error", fresh.error().message}});
    return;
  }
  // Another name is another agent; the identity of this one stays.
  fresh->host = facts_.host;
  // A file that cannot be read just now is no new boot.
  if (fresh->boot_id.empty()) {
    fresh->boot_id = facts_.boot_id;
    fresh->booted_at = facts_.booted_at;
  }
  // btime is worked out from the wall clock and wanders with it by a second.
  if (fresh->boot_id == facts_.boot_id) fresh->booted_at = facts_.booted_at;
  if (*fresh == facts_) return;
  const bool rebooted = fresh->boot_id != facts_.boot_id;
  facts_ = *std::move(fresh);
  facts_post_due_ = now;
  if (!rebooted) return;
  reporter_.SetBoot(facts_.boot_id, facts_.booted_at, clock_->Wall());
  if (pump_ != nullptr) pump_->SetBoot(facts_.boot_id);
  courier_->SetBoot(facts_.boot_id);
}

void AgentRole::PostFacts(MonoTime now) {
  facts_post_due_ = now + kFactsPostEvery;
  sender_->PostState({Topic::kHosts, "facts", RecordOf(facts_, clock_->Wall())}, true);
}

void AgentRole::ReportAgent(MonoTime now) {
  agent_due_ = now + kAgentEvery;
  if (options_.own_process && now >= pages_due_) {
    pages_due_ = kMonoForever;
    DropCodePages();
  }
  const Sender::Counts counts = sender_->counts();
  AgentSample sample;
  sample.mono = now;
  sample.wall = clock_->Wall();
  if (pump_ != nullptr) {
    sample.lost = pump_->Lost();
    sample.unreadable = pump_->Unreadable();
  }
  sample.spool_dropped_lines = counts.spool.dropped_lines;
  sample.refused_lines = counts.refused_lines;
  sample.spool_bytes = counts.spool.bytes;
  sample.log_away = counts.log_away;
  sample.disk_error = counts.disk_error;
  if (options_.own_process) {
    if (Result<OwnUsage> usage = ReadOwnUsage()) sample.usage = *usage;
  }
  for (const Runner::OverdueProbe& probe : runner_->Overdue()) {
    sample.overdue[probe.detector] = std::chrono::duration_cast<Millis>(now - probe.started_at);
  }
  reporter_.Take({"agent", sample.wall, agent_detector_.Evaluate(sample)});
}

void AgentRole::SendReports(MonoTime now) {
  const std::vector<HealthEvent> events = reporter_.Due(now);
  // Before the events: a sequence is written down before it is used.
  if (std::optional<std::string> state = reporter_.TakeState()) {
    sender_->PostReporterState(*std::move(state));
  }
  std::vector<Sender::PostedState> states;
  for (const HealthEvent& event : events) {
    const bool beat = event.kind == HealthEventKind::kBeat;
    states.push_back({{Topic::kHealth, beat ? "beat" : "health/" + event.detector,
                       RecordOf(event, clock_->Wall())},
                      !beat});
  }
  sender_->PostStates(std::move(states));
}

void AgentRole::RunSender() {
  if (options_.inline_workers) return sender_->Run();
  while (!stopping_) {
    sender_->Wait();
    sender_->Run();
  }
}

void AgentRole::RunPump() {
  if (options_.inline_workers) return pump_->Cycle();
  while (!stopping_) pump_->Cycle();
}

void AgentRole::StartJob(Job* job, std::string_view job_name, void (AgentRole::*work)()) {
  if (job->running.exchange(true)) return;
  const Status submitted = job->workers->Submit(job_name, [this, job, work] {
    (this->*work)();
    job->running = false;
    if (wake_ && commands_came_) wake_();
  });
  if (!submitted) job->running = false;
}

void AgentRole::Turn(MonoTime now) {
  if (now >= facts_due_) RefreshFacts(now);
  if (now >= facts_post_due_) PostFacts(now);
  for (DetectorReport& report : runner_->Turn(now, clock_->Wall())) {
    reporter_.Take(std::move(report));
  }
  if (now >= agent_due_) ReportAgent(now);
  std::map<std::string, Millis> running = runner_->Running();
  running["agent"] = kAgentEvery;
  reporter_.SetRunning(std::move(running));
  SendReports(now);
  if (pump_ != nullptr) StartJob(&pump_job_, "logs", &AgentRole::RunPump);
  if (now >= evidence_due_) {
    evidence_due_ = now + kCommandsEvery;
    commands_came_ = true;
  }
  if (!evidence_job_.running && commands_came_.exchange(false)) {
    StartJob(&evidence_job_, "evidence", &AgentRole::RunEvidence);
  }
  if (!options_.inline_workers || now >= sender_->NextRun()) {
    StartJob(&send_job_, "send", &AgentRole::RunSender);
  }
}

MonoTime AgentRole::NextWake() const {
  const MonoTime housekeeping = std::min({facts_due_, agent_due_, evidence_due_}) + kWithOthers;
  MonoTime next =
      std::min({housekeeping, facts_post_due_, runner_->NextWake(), reporter_.NextDue()});
  if (options_.inline_workers) {
    next = std::min(next, sender_->NextRun());
    // The pump has just waited 0, and nothing wakes us when a line comes.
    if (pump_ != nullptr) next = std::min(next, clock_->Mono() + kInlinePumpEvery);
  }
  return next;
}

}  // namespace fleetmedic
