#include "app/assembly.h"

#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "app/version.h"
#include "base/logging.h"
#include "base/random.h"
#include "console/api_routes.h"
#include "console/api_server.h"
#include "detectors/agent_role.h"
#include "detectors/facts.h"
#include "eventlog/sqlite_event_log.h"
#include "executor/executor_role.h"
#include "notify/notifier.h"
#include "remediation/controller.h"
#include "remediation/evidence_keeper.h"
#include "scheduler-hooks/bundled_hook.h"
#include "scheduler/scheduler_role.h"
#include "scheduler/scheduler_server.h"
#include "store/sqlite_store.h"
#include "stream/fleet_role.h"
#include "stream/pattern_keeper.h"
#include "stream/rule_reload.h"
#include "stream/stream_role.h"

namespace fleetmedic {
namespace {

constexpr size_t kWorkerThreads = 8;
constexpr size_t kWorkerQueueMax = 256;
constexpr size_t kNotifyThreadsMax = 4;  // each holds one try for its deadline at most
constexpr Micros kStuckAfter = Seconds(30);
// Two processes see that a file changed within RuleReload::kLookEvery of each other, and compile.
constexpr Millis kRulesGrace = Seconds(10);

// Names this process in a lease: two processes never have the same.
std::string OwnerName() { return fmt::format("pid-{}-{}", getpid(), EntropyHex(4)); }

MakeWorkers OneThreadEach() {
  return [](std::string_view name) { return std::make_unique<ThreadPool>(name, 1, 1); };
}

std::set<std::string> NamesOf(const RuleSet& rules) {
  std::set<std::string> names;
  for (const Rule& rule : rules.rules()) names.insert(rule.name);
  return names;
}

}  // namespace

std::string LogPath(const Config& config) { return config.state_dir + "/log.db"; }
std::string SchedulerSocket(const Config& config) { return config.run_dir + "/scheduler.sock"; }
std::string HoldFile(const Config& config) {
  return config.remediator.hold_file.empty() ? config.run_dir + "/HOLD"
                                             : config.remediator.hold_file;
}
Assembly::Assembly(AssemblyOptions options) : options_(std::move(options)) {}

Assembly::~Assembly() { Stop(); }

Assembly::Runner* Assembly::NewRunner() {
  runners_.push_back(std::make_unique<Runner>());
  return runners_.back().get();
}

std::function<void()> Assembly::WakeOf(const Runner& runner) {
  return [target = runner.wake_target] {
    if (RoleLoop* loop = target->load()) loop->Wake();
  };
}

Result<std::unique_ptr<Assembly>> Assembly::Make(AssemblyOptions options) {
  std::unique_ptr<Assembly> assembly(new Assembly(std::move(options)));
  Assembly& a = *assembly;
  FLEETMEDIC_RETURN_IF_ERROR(a.OpenEngines());
  if (a.options_.rules) a.rule_book_ = std::make_shared<RuleBook>(RulesOf(a.options_.rules));
  if (a.options_.scheduler) FLEETMEDIC_RETURN_IF_ERROR(a.AddScheduler());
  if (a.options_.remediator) FLEETMEDIC_RETURN_IF_ERROR(a.AddRemediator());
  if (a.options_.stream) FLEETMEDIC_RETURN_IF_ERROR(a.AddStream());
  for (const HostSetup& setup : a.options_.hosts) FLEETMEDIC_RETURN_IF_ERROR(a.AddHost(setup));
  return assembly;
}

Status Assembly::OpenEngines() {
  const Config& config = options_.config;
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(config.state_dir, 0700));
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(config.run_dir, 0755));
  SqliteEventLogOptions options;
  options.partitions = config.event_log.partitions;
  FLEETMEDIC_ASSIGN_OR_RETURN(std::unique_ptr<SqliteEventLog> log,
                              SqliteEventLog::Open(LogPath(config), clock_, options));
  if (log->partitions() != config.event_log.partitions) {
    LogWarning("the event log keeps the partitions that it was made with, whatever the config says",
               {{"path", LogPath(config)},
                {"partitions", log->partitions()},
                {"event_log.partitions", config.event_log.partitions}});
  }
  log_ = std::move(log);
  return {};
}

Status Assembly::AddScheduler() {
  const Config& config = options_.config;
  FLEETMEDIC_ASSIGN_OR_RETURN(scheduler_store_,
                              SqliteStore::Open(config.state_dir + "/scheduler.db", clock_));
  Runner* runner = NewRunner();
  SchedulerParts parts;
  parts.clock = &clock_;
  parts.log = log_.get();
  parts.store = scheduler_store_.get();
  parts.metrics = &metrics_;
  parts.owner = OwnerName();
  parts.incarnation = EntropyHex(4);
  parts.wake = WakeOf(*runner);
  auto role = std::make_unique<SchedulerRole>(parts, config.scheduler);
  scheduler_ = role.get();
  runner->role = std::move(role);
  scheduler_server_ = std::make_unique<SchedulerServer>(scheduler_, &clock_);
  return {};
}

Status Assembly::AddRemediator() {
  const Config& config = options_.config;
  FLEETMEDIC_ASSIGN_OR_RETURN(remediator_store_,
                              SqliteStore::Open(config.state_dir + "/remediator.db", clock_));
  hook_ = std::make_unique<BundledHook>(SchedulerSocket(config), &clock_);
  workers_ = std::make_unique<ThreadPool>("remediator-work", kWorkerThreads, kWorkerQueueMax);
  Runner* keeping = NewRunner();
  auto keeper = std::make_unique<EvidenceKeeper>(
      &clock_, log_.get(), &metrics_,
      EvidenceKeeper::Options{.folder = config.state_dir + "/evidence"});
  const EvidenceBook* evidence = keeper.get();
  keeping->role = std::move(keeper);
  const Topic evidence_topics[] = {Topic::kEvidence};
  subscriptions_.push_back(log_->Subscribe(evidence_topics, WakeOf(*keeping)));
  controller_runner_ = NewRunner();
  const std::function<void()> wake = WakeOf(*controller_runner_);
  const bool reads_rules = options_.rule_watch != nullptr && !options_.stream;
  auto role = std::make_unique<Controller>(
      config.remediator, HoldFile(config),
      RemediatorEnvironment{clock_, *log_, *remediator_store_, *hook_, *workers_, metrics_, wake,
                            OwnerName(), RuleNames(), evidence,
                            reads_rules ? kRulesGrace : Millis(0)});
  controller_ = role.get();
  controller_runner_->role = std::move(role);
  const Topic topics[] = {Topic::kHosts, Topic::kHealth, Topic::kFindings, Topic::kTasks,
                          Topic::kIssues};
  subscriptions_.push_back(log_->Subscribe(topics, wake));

  ApiServerOptions api;
  api.api = config.api;
  api.state_dir = config.state_dir;
  api.run_dir = config.run_dir;
  api.silent_after = config.remediator.policy.silent_after;
  api.version = std::string(kVersion);
  api.scheduler = HttpAddress::Unix(SchedulerSocket(config));
  ApiEnvironment environment{*controller_, *remediator_store_, clock_, metrics_,
                             [this] { return Health(); }};
  environment.rules = rule_book_.get();
  environment.evidence = evidence;
  environment.patterns = AddPatterns();
  FLEETMEDIC_ASSIGN_OR_RETURN(environment.notify, AddNotifier());
  api_ = std::make_unique<ApiServer>(std::move(api), environment);
  if (reads_rules) AddRuleKeeper();
  return {};
}

Result<const NotifyBook*> Assembly::AddNotifier() {
  const NotifyConfig& config = options_.config.notify;
  if (config.channels.empty()) return nullptr;
  FLEETMEDIC_ASSIGN_OR_RETURN(notify_store_,
                              SqliteStore::Open(options_.config.state_dir + "/notify.db", clock_));
  notify_workers_ = std::make_unique<ThreadPool>(
      "notify-work", std::min(config.channels.size(), kNotifyThreadsMax), kNotifyChannelsMax);
  const ApiConfig& api = options_.config.api;
  const auto sender = std::make_shared<const NotifySender>(
      &clock_, &notify_cancel_,
      ConsoleUrl(config, HttpAddress{api.listen_address, api.port, ""}.Text()),
      config.try_deadline);
  Runner* runner = NewRunner();
  auto role = std::make_unique<Notifier>(
      config,
      NotifierParts{clock_, *remediator_store_, *notify_store_, *log_, *notify_workers_, metrics_,
                    [sender](const NotifyChannel& channel, const NotifyMessage& message) {
                      return sender->Try(channel, message);
                    },
                    WakeOf(*runner), OwnerName(), EntropySeed()});
  const NotifyBook* book = role.get();
  runner->role = std::move(role);
  return book;
}

void Assembly::AddRuleKeeper() {
  rule_workers_ = std::make_unique<ThreadPool>("rules-work", 1, 1);
  NewRunner()->role = std::make_unique<RuleKeeper>(
      RuleReload::Parts{.clock = &clock_,
                        .metrics = &metrics_,
                        .role = "remediator",
                        .watch = options_.rule_watch,
                        .workers = rule_workers_.get(),
                        .book = rule_book_},
      [controller = controller_](const RuleSet& rules) { controller->UseRules(NamesOf(rules)); });
}

const PatternBook* Assembly::AddPatterns() {
  Runner* runner = NewRunner();
  auto keeper =
      std::make_unique<PatternKeeper>(&clock_, log_.get(), &metrics_, PatternKeeper::Options());
  const PatternBook* book = keeper.get();
  runner->role = std::move(keeper);
  const Topic topics[] = {Topic::kCounts, Topic::kIssues};
  subscriptions_.push_back(log_->Subscribe(topics, WakeOf(*runner)));
  return book;
}

std::optional<std::set<std::string>> Assembly::RuleNames() const {
  if (options_.rules == nullptr) return std::nullopt;
  return NamesOf(*options_.rules);
}

Status Assembly::AddStream() {
  Runner* runner = NewRunner();
  StreamRole::Parts parts;
  parts.clock = &clock_;
  parts.log = log_.get();
  parts.metrics = &metrics_;
  parts.wake = WakeOf(*runner);
  if (options_.config.stream.templates) {
    TemplateBook::Parts templates;
    templates.metrics = &metrics_;
    templates.owner = OwnerName();
    FLEETMEDIC_ASSIGN_OR_RETURN(
        templates.store, SqliteStore::Open(options_.config.state_dir + "/templates.db", clock_));
    parts.templates = std::make_unique<TemplateBook>(std::move(templates));
  }
  stream_workers_ = std::make_unique<ThreadPool>("stream-work", 1, kWorkerQueueMax);
  parts.workers = stream_workers_.get();
  parts.rule_watch = options_.rule_watch;
  parts.rule_book = rule_book_;
  FleetRole* const fleet = options_.config.stream.fleet_issues ? AddFleet() : nullptr;
  parts.on_rules = [controller = controller_, fleet](const RuleSet& rules) {
    if (controller != nullptr) controller->UseRules(NamesOf(rules));
    if (fleet != nullptr) fleet->UseRules(NamesOf(rules));
  };
  runner->role = std::make_unique<StreamRole>(options_.rules, std::move(parts));
  return {};
}

FleetRole* Assembly::AddFleet() {
  const StreamConfig& config = options_.config.stream;
  Runner* runner = NewRunner();
  FleetRole::Parts parts;
  parts.clock = &clock_;
  parts.log = log_.get();
  parts.metrics = &metrics_;
  parts.wake = WakeOf(*runner);
  parts.open_store = [this](int32_t partition) -> Result<std::unique_ptr<Store>> {
    return SqliteStore::Open(fmt::format("{}/fleet-{}.db", options_.config.state_dir, partition),
                             clock_);
  };
  parts.owner = OwnerName();
  parts.rules = NamesOf(*options_.rules);
  parts.watch.detect.false_flags_per_day = config.false_issues_per_day;
  parts.watch.detect.hosts_min = static_cast<uint32_t>(config.issue_hosts_min);
  auto role = std::make_unique<FleetRole>(std::move(parts));
  FleetRole* const fleet = role.get();
  runner->role = std::move(role);
  return fleet;
}

Status Assembly::AddHost(const HostSetup& setup) {
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(setup.state_dir, 0700));
  if (setup.senses) {
    FLEETMEDIC_ASSIGN_OR_RETURN(FileLock lock, FileLock::Acquire(setup.state_dir + "/agent.lock"));
    locks_.push_back(std::move(lock));
    Runner* runner = NewRunner();
    AgentOptions options;
    options.host = setup.host;
    options.agent = setup.agent;
    options.detectors = setup.detectors;
    options.self = options_.self;
    options.state_dir = setup.state_dir;
    options.agent_version = std::string(kVersion);
    options.make_workers = OneThreadEach();
    options.own_process = options_.hosts.size() == 1 && !setup.executes && !options_.stream &&
                          !options_.remediator && !options_.scheduler;
    FLEETMEDIC_ASSIGN_OR_RETURN(runner->role, AgentRole::Make(&clock_, log_.get(), &metrics_,
                                                              std::move(options), WakeOf(*runner)));
  }
  if (setup.executes) {
    Runner* runner = NewRunner();
    executor_workers_.push_back(std::make_unique<ThreadPool>("repairs", 1, 16));
    FLEETMEDIC_ASSIGN_OR_RETURN(const HostFacts facts,
                                ReadFacts(FsRoot(setup.host.root), setup.host, ""));
    runner->role =
        std::make_unique<ExecutorRole>(ExecutorParts{.clock = &clock_,
                                                     .log = log_.get(),
                                                     .workers = executor_workers_.back().get(),
                                                     .metrics = &metrics_,
                                                     .host = facts.host,
                                                     .state_dir = setup.state_dir,
                                                     .host_root = FsRoot(setup.host.root),
                                                     .shim_argv = {options_.self},
                                                     .wake = WakeOf(*runner)},
                                       setup.executor);
  }
  return {};
}

Status Assembly::Start() {
  started_ = true;
  for (const std::unique_ptr<Runner>& runner : runners_) {
    const MetricHistogram turns =
        metrics_.Histogram("fleetmedic_turn_duration_seconds", "How long one turn of a role takes.",
                           DurationBuckets(), {{"role", std::string(runner->role->name())}});
    runner->loop = std::make_unique<RoleLoop>(runner->role.get(), &clock_, [turns](Micros took) {
      turns.Observe(std::chrono::duration<double>(took).count());
    });
    runner->wake_target->store(runner->loop.get());
  }
  if (scheduler_server_ != nullptr) {
    FLEETMEDIC_RETURN_IF_ERROR(scheduler_server_->Start(SchedulerSocket(options_.config)));
  }
  if (api_ != nullptr) FLEETMEDIC_RETURN_IF_ERROR(api_->Start());
  for (const std::unique_ptr<Runner>& runner : runners_) runner->loop->Start();
  return {};
}

void Assembly::Stop() {
  if (!started_) return;
  started_ = false;
  if (api_ != nullptr) api_->Stop();
  subscriptions_.clear();
  if (controller_runner_ != nullptr) controller_runner_->loop->Stop();
  // What the remediator's workers hold on to is still there; after this nobody does.
  workers_.reset();
  if (scheduler_server_ != nullptr) scheduler_server_->Stop();
  for (const std::unique_ptr<Runner>& runner : runners_) runner->loop->Stop();
  stream_workers_.reset();
  notify_cancel_.Cancel();
  notify_workers_.reset();
  rule_workers_.reset();
  for (const std::unique_ptr<Runner>& runner : runners_) {
    runner->wake_target->store(nullptr);
    runner->role.reset();
  }
  executor_workers_.clear();
  api_.reset();
  runners_.clear();
}

std::string Assembly::sign_in_url() const { return api_ == nullptr ? "" : api_->SignInUrl(); }
RemediatorService* Assembly::remediator() { return controller_; }

Status Assembly::Health() const {
  const MonoTime now = clock_.Mono();
  for (const std::unique_ptr<Runner>& runner : runners_) {
    if (runner->loop == nullptr || !runner->loop->state().Stuck(now, kStuckAfter)) continue;
    return Fail(Code::kUnavailable,
                fmt::format("the role {} has not turned for {}", runner->role->name(),
                            FormatDuration(std::chrono::duration_cast<Millis>(kStuckAfter))));
  }
  return {};
}

}  // namespace fleetmedic
