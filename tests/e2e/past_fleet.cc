#include "tests/e2e/past_fleet.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "config/diagnostics.h"
#include "eventlog/sqlite_event_log.h"
#include "model/health_event.h"
#include "model/host_facts.h"
#include "model/log_frame.h"
#include "store/sqlite_store.h"
#include "stream/candidate_cache.h"
#include "stream/fleet_role.h"
#include "stream/rule_check.h"
#include "stream/stream_role.h"

namespace fleetmedic {
namespace {

// Beyond the first two hours, in which a fleet that is new flags nothing.
constexpr Minutes kPast{240};
constexpr std::string_view kBootId = "5e1f0a52-0000-4000-8000-000000000001";

struct KernelRule {
  std::string_view name;
  std::string_view pattern;
  std::string_view condition;
  std::string_view severity;
  std::string_view line;
};

constexpr KernelRule kRules[] = {
    {"usual.throttled", R"(CPU\d+: Core temperature above threshold)", "CpuThrottled", "info",
     "CPU3: Core temperature above threshold, cpu clock throttled (total events = 11)"},
    {"usual.corrected", R"(EDAC MC\d+: \d+ CE )", "MemoryCorrected", "info",
     "EDAC MC0: 1 CE memory read error on CPU_SrcID#0_Ha#0_Chan#1_DIMM#0"},
    {"usual.segfault", R"(segfault at [0-9a-f]+ ip )", "Segfault", "info",
     "thumbs[411]: segfault at 0 ip 000055d0c0 sp 00007ffe3c error 4 in thumbs[55d0]"},
    {"usual.conntrack", R"(nf_conntrack: table full)", "ConntrackFull", "info",
     "nf_conntrack: nf_conntrack: table full, dropping packet"},
    {"trouble.nvme_timeout", R"(nvme nvme\d+: I/O \d+ QID \d+ timeout)", "NvmeTimeout", "hard",
     "nvme nvme0: I/O 214 QID 3 timeout, aborting"},
    {"trouble.tx_timeout", R"(NETDEV WATCHDOG: \S+ \(\S+\): transmit queue \d+ timed out)",
     "TransmitTimeout", "hard", "NETDEV WATCHDOG: eth0 (ena): transmit queue 3 timed out"},
    {"trouble.read_only", R"(EXT4-fs \(\S+\): Remounting filesystem read-only)", "ReadOnly", "hard",
     "EXT4-fs (nvme1n1): Remounting filesystem read-only"},
};

std::vector<std::string> RulesFrom(std::string_view prefix) {
  std::vector<std::string> names;
  for (const KernelRule& rule : kRules) {
    if (rule.name.starts_with(prefix)) names.emplace_back(rule.name);
  }
  return names;
}

HostFacts FactsOf(int host) {
  HostFacts facts;
  facts.host = HostId(PastFleet::Name(host));
  facts.boot_id = kBootId;
  facts.cell = "c1";
  facts.pool = "web";
  facts.rack = fmt::format("r{}", host / 10);
  facts.zone = fmt::format("z{}", host % 2);
  facts.kernel = PastFleet::Sick(host) ? "6.1.99" : "6.1.90";
  return facts;
}

}  // namespace

std::string PastFleet::Name(int host) { return fmt::format("web-{}", 100 + host); }

const std::vector<std::string>& PastFleet::UsualRules() {
  static const std::vector<std::string> names = RulesFrom("usual.");
  return names;
}

const std::vector<std::string>& PastFleet::TroubleRules() {
  static const std::vector<std::string> names = RulesFrom("trouble.");
  return names;
}

uint64_t PastFleet::LinesOfThePast(const std::string& rule) {
  return rule.starts_with("usual.") ? uint64_t{kPast.count()} * kHosts : 0;
}

std::string PastFleet::LineOf(const std::string& rule) {
  for (const KernelRule& of : kRules) {
    if (of.name == rule) return std::string(of.line);
  }
  FLEETMEDIC_CHECK(false);
  return "";
}

std::string PastFleet::RulesToml() {
  std::string toml;
  for (const KernelRule& rule : kRules) {
    toml += fmt::format(
        "[[rule]]\nname = \"{0}\"\npattern = '{1}'\nsources = [\"kernel\"]\ncondition = \"{2}\"\n"
        "severity = \"{3}\"\nreason = \"{2}\"\nmessage = \"the kernel says so\"\n"
        "clear = \"boot\"\nhelp = \"Of a test.\"\nexamples = ['{4}']\n"
        "counter_examples = ['all is well']\n\n",
        rule.name, rule.pattern, rule.condition, rule.severity, rule.line);
  }
  return toml;
}

Record PastFleet::Frame(int host, const std::vector<std::string>& rules, WallTime at) {
  LogFrame frame;
  frame.host = HostId(Name(host));
  frame.boot_id = kBootId;
  frame.source = "kernel";
  frame.first_at = at;
  frame.lines = static_cast<uint32_t>(rules.size());
  for (const std::string& rule : rules) frame.text += LineOf(rule) + "\n";
  return {frame.host.str(), frame.text, LogFrameHeaders(frame), at};
}

Record PastFleet::Beat(int host, WallTime at) {
  HealthEvent beat;
  beat.kind = HealthEventKind::kBeat;
  beat.host = HostId(Name(host));
  beat.boot_id = kBootId;
  beat.booted_at = WallTime{} + Hours(1);
  beat.detector = "agent";
  beat.sequence = 1;
  beat.observed_at = at;
  return {beat.host.str(), ToJson(beat).Dump(), {}, at};
}

Status PastFleet::Write(const std::string& state_dir, const std::string& rules_path,
                        int partitions) {
  SimulatedClock clock;
  clock.JumpWall(SystemClock().Wall() - kPast - clock.Wall());
  SqliteEventLogOptions options;
  options.partitions = partitions;
  options.synchronous = SqliteEventLogOptions::Synchronous::kNormal;
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::unique_ptr<SqliteEventLog> log,
                              SqliteEventLog::Open(state_dir + "/log.db", clock, options));
  Diagnostics diagnostics;
  const CandidateCache cache(state_dir + "/rules-cache");
  const std::vector<std::string> paths = {rules_path};
  const auto rules = CheckRuleFiles(paths, &diagnostics, &cache);
  if (rules == nullptr) return Fail(Code::kInvalidArgument, diagnostics.Text());
  Metrics metrics;
  StreamRole::Parts one;
  one.clock = &clock;
  one.log = log.get();
  one.metrics = &metrics;
  StreamRole stream(rules, std::move(one));
  FleetRole::Parts two;
  two.clock = &clock;
  two.log = log.get();
  two.metrics = &metrics;
  two.owner = "the past";
  two.open_store = [&](int32_t partition) {
    return SqliteStore::Open(fmt::format("{}/fleet-{}.db", state_dir, partition), clock);
  };
  for (const Rule& rule : rules->rules()) two.rules.insert(rule.name);
  FleetRole fleet(std::move(two));

  std::vector<Record> facts;
  for (int host = 0; host < kHosts; ++host) {
    facts.push_back({Name(host), ToJson(FactsOf(host)).Dump(), {}, clock.Wall()});
  }
  FLEETMEDIC_RETURN_IF_ERROR(log->Append(Topic::kHosts, facts));
  for (Minutes passed(0); passed < kPast; passed += Minutes(1)) {
    std::vector<Record> beats;
    std::vector<Record> frames;
    for (int host = 0; host < kHosts; ++host) {
      beats.push_back(Beat(host, clock.Wall()));
      frames.push_back(Frame(host, UsualRules(), clock.Wall()));
    }
    FLEETMEDIC_RETURN_IF_ERROR(log->Append(Topic::kHealth, beats));
    FLEETMEDIC_RETURN_IF_ERROR(log->Append(Topic::kLogs, frames));
    // Read, told a second later, and read in turn.
    for (const Seconds step : {Seconds(1), Seconds(1), Seconds(58)}) {
      stream.Turn(clock.Mono());
      fleet.Turn(clock.Mono());
      clock.Advance(step);
    }
  }
  return {};
}

}  // namespace fleetmedic
