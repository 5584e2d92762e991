#include "app/cli/commands.h"

#include <array>

#include "app/cli/command_examples.h"
#include "app/cli/command_flags.h"
#include "app/cli/grant_command_table.h"
#include "app/cli/handlers.h"
#include "app/cli/simulate_command_table.h"
#include "app/cli/store_command_table.h"

namespace fleetmedic::cli {
namespace {

using F = FlagType;

constexpr std::array kCommon = {
    Flag{"server", 's', F::kText, "ADDRESS", "",
         "http://ADDRESS:PORT or unix:PATH; else FLEETMEDIC_SERVER, the control socket, or "
         "http://127.0.0.1:7480"},
    Flag{"token-file", 0, F::kFile, "FILE", "",
         "the API token; else FLEETMEDIC_TOKEN_FILE, or STATE_DIR/api-token"},
    Flag{"timeout", 0, F::kDuration, "DURATION", "",
         "for each request (10s); with --watch, for the whole watch (none)"},
    Flag{"yes", 'y', F::kSwitch, "", "", "answer yes to what would be asked"},
    Flag{"no-input", 0, F::kSwitch, "", "", "never ask; what would be asked fails"},
    Flag{"no-color", 0, F::kSwitch, "", "", "no colours; so do NO_COLOR and TERM=dumb"},
    Flag{"quiet", 'q', F::kSwitch, "", "", "only data, errors and questions"},
    Flag{"help", 'h', F::kSwitch, "", "", "this text"},
};

constexpr std::array kStatusFlags = {kObjectFormat};
constexpr std::array kHostListFlags = {kSelector, kListFormat, kWatch};
constexpr std::array kListFlags = {kListFormat};
constexpr std::array kAuditFlags = {
    Flag{"since", 0, F::kDuration, "DURATION", "", "entries of the last DURATION"},
    Flag{"limit", 0, F::kInteger, "N", "100", "at most so many, the newest"}, kListFormat, kWatch};
constexpr std::array kIssueListFlags = {
    Flag{"state", 0, F::kWord, "STATE", "all", "only those in this state", "open closed all"},
    kListFormat};
constexpr std::array kPatternTopFlags = {
    kRange,
    Flag{"query", 'f', F::kText, "WORDS", "", "only with these words in name or text"},
    Flag{"scope", 0, F::kText, "FACT=VALUE", "", "count only hosts with this fact: rack=r17"},
    Flag{"sort", 0, F::kWord, "ORDER", "rank", "what comes first", "rank hosts lines new name"},
    Flag{"new", 0, F::kSwitch, "", "", "only seen for the first time within the range"},
    Flag{"since", 0, F::kDuration, "DURATION", "", "only seen for the first time so lately"},
    Flag{"rising", 0, F::kSwitch, "", "", "only on more hosts than their past explains"},
    Flag{"unmatched", 0, F::kSwitch, "", "", "only lines that no rule matches"},
    Flag{"limit", 0, F::kInteger, "N", "30", "at most so many"},
    kListFormat,
    kWatch};
constexpr std::array kPatternShowFlags = {kRange, kObjectFormat};
constexpr std::array kPatternDiffFlags = {
    kRange, Flag{"from", 0, F::kText, "WHEN", "", "only hosts hit from here: 6h (ago), or a time"},
    Flag{"to", 0, F::kText, "WHEN", "now", "to here"},
    Flag{"among", 0, F::kText, "FACTS", "", "compare only hosts with these: pool=web,zone=a"},
    kObjectFormat};
constexpr std::array kObjectFlags = {kObjectFormat};
constexpr std::array kEvidenceFlags = {
    Flag{"list", 0, F::kSwitch, "", "", "list the bundles that are kept, collect nothing"},
    Flag{"id", 0, F::kText, "ID", "", "print this kept bundle, collect nothing"}, kReasonOptional,
    kObjectFormat};
constexpr std::array kHoldFlags = {
    Flag{"scope", 'l', F::kText, "SCOPE", "fleet", "hold only this: pool:web, host:web-3"},
    kReasonOptional, kObjectFormat};
constexpr std::array kReasonFlags = {kReason, kObjectFormat};
constexpr std::array kHostChangeFlags = {kSelector, kDryRun, kReasonOptional, kObjectFormat};
constexpr std::array kProtectFlags = {kFor, kReason, kObjectFormat};
constexpr std::array kOverrideAddFlags = {
    kFor, kReason,
    Flag{"value", 0, F::kInteger, "N", "", "of a budget: the hosts that the limit allows"},
    kObjectFormat};
constexpr std::array kJobRunFlags = {
    Flag{"instances", 0, F::kInteger, "N", "1", "how many tasks"},
    Flag{"kind", 0, F::kWord, "KIND", "service", "service: until removed; batch: until done",
         "service batch"},
    Flag{"pool", 0, F::kText, "POOL", "", "only on hosts of this pool"},
    Flag{"min-healthy", 0, F::kInteger, "N", "0", "a drain never leaves fewer healthy tasks"},
    Flag{"cpu-milli", 0, F::kInteger, "N", "100", "thousandths of a core for each task"},
    Flag{"memory-mib", 0, F::kInteger, "N", "64", "MiB for each task"},
    kDryRun,
    kObjectFormat};
constexpr std::array kJobRemoveFlags = {kDryRun};
constexpr std::array kUpFlags = {
    kConfig,
    kStateDir,
    kRunDir,
    kListen,
    kMode,
    Flag{"demo-hosts", 0, F::kInteger, "N", "", "this machine, watched, and N demo hosts"},
    Flag{"act-here", 0, F::kSwitch, "", "", "with --demo-hosts: act on this machine too"},
    kLogLevel};
constexpr std::array kDemoFlags = {
    Flag{"play", 0, F::kSwitch, "", "", "play the story by itself and report measured times"},
    Flag{"hosts", 0, F::kInteger, "N", "12", "with --play: hosts of the demo fleet"}, kStateDir,
    kObjectFormat};
constexpr std::array kDemoWords = {Positional{"ACT", false, true, Completion::kHost,
                                              "faults, inject FAULT HOST..., heal FAULT HOST..."}};
constexpr std::array kDemoExamples = {
    Example{"fleetmedic demo inject docker-hung demo-03", "break one host of the demo fleet"},
    Example{"fleetmedic demo --play", "the whole story, without a person"}};
constexpr std::array kRoleFlags = {kConfig, kStateDir, kRunDir, kLogLevel};
constexpr std::array kRemediatorFlags = {kConfig, kStateDir, kRunDir, kListen, kMode, kLogLevel};
constexpr std::array kMatchFlags = {
    Flag{"rules", 0, F::kFile, "PATH", "", "these rules in place of the packs that ship"},
    Flag{"source", 0, F::kText, "SOURCE", "", "only rules that trust it: kernel, journal:UNIT"},
    kObjectFormat};
constexpr std::array kBacktestFlags = {
    Flag{"from", 0, F::kText, "TIME", "", "lines from then on: 6h (before now), or RFC 3339"},
    Flag{"to", 0, F::kText, "TIME", "", "lines before then"},
    Flag{"hosts", 0, F::kInteger, "N", "10", "of each rule, list so many hosts"},
    kConfig,
    kStateDir,
    kObjectFormat};
constexpr std::array kImportFlags = {
    Flag{"output", 'o', F::kFile, "FILE", "", "where the rules are written, in place of stdout"},
    Flag{"report", 0, F::kSwitch, "", "", "print what became of each rule in place of the rules"},
    Flag{
        "permanent-clears", 0, F::kText, "CLEARS", "",
        "what ends permanent conditions: boot, or quiet=30m; else they are refused, or asked for"}};
constexpr std::array kImportFiles = {
    Positional{"FORMAT", true, false, Completion::kNothing, "npd"},
    Positional{"FILE", true, true, Completion::kFile, "kernel-monitor.json and the like"}};
constexpr std::array kImportExamples = {
    Example{"fleetmedic rules import npd kernel-monitor.json --permanent-clears boot -o site.toml",
            "then: rules check site.toml"}};
constexpr std::array kConfigFlags = {kConfig};
constexpr std::array kConfigShowFlags = {
    kConfig, Flag{"origin", 0, F::kSwitch, "", "", "where each value comes from"}, kObjectFormat};
constexpr std::array kManFlags = {
    Flag{"markdown", 0, F::kSwitch, "", "", "all of it as one Markdown text on stdout"}};

constexpr std::array kPaths = {
    Positional{"PATH", false, true, Completion::kFile, "files, or folders of *.toml"}};
constexpr std::array kMatchFile = {
    Positional{"FILE", true, false, Completion::kFile, "log lines; - for stdin"}};
constexpr std::array kKindAndScope = {
    Positional{"KIND", true, false, Completion::kNothing,
               "hold, protect, drain, taint, return, allow or budget"},
    Positional{"SCOPE", true, false, Completion::kScope,
               "fleet, cell:, pool:, rack:, rule:, host: or limit:NAME"}};
constexpr std::array kOverrideId = {
    Positional{"ID", true, false, Completion::kNothing, "as `override ls` prints it"}};
constexpr std::array kJobRun = {
    Positional{"FILE|NAME", true, false, Completion::kFile,
               "a job as JSON (*.json, or - for stdin), or the name of one that follows"},
    Positional{"ARGV", false, true, Completion::kNothing, "after --: what each task runs"}};
constexpr std::array kJobs = {Positional{"JOB", true, true, Completion::kNothing, "names of jobs"}};
constexpr std::array kMaybeChannel = {
    Positional{"CHANNEL", false, false, Completion::kNothing, "the name of one"}};
constexpr std::array kShell = {Positional{"SHELL", true, false, Completion::kShell, "bash or zsh"}};
constexpr std::array kFolder = {
    Positional{"DIR", false, false, Completion::kFile, "where the pages are written"}};

constexpr std::array kStatusExits = {kExitAttention, kExitUnreachable};
constexpr std::array kReadExits = {kExitNotFound, kExitNotAllowed, kExitUnreachable};
constexpr std::array kWatchExits = {kExitNotFound, kExitNotAllowed, kExitTimedOut, kExitUnreachable,
                                    kExitDetached};
constexpr std::array kHoldExits = {kExitNotAllowed, kExitUnreachable};
constexpr std::array kReleaseExits = {kExitRefused, kExitNotAllowed, kExitUnreachable};
constexpr std::array kChangeExits = {kExitNotFound,   kExitNotAllowed,       kExitConflict,
                                     kExitRefused,    kExitWaitsForApproval, kExitTimedOut,
                                     kExitPartlyDone, kExitUnreachable};
constexpr std::array kConfigExits = {kExitBadConfig};
constexpr std::array kNotifyExits = {kExitNotFound, kExitPartlyDone, kExitBadConfig};

constexpr std::array kEvidenceExits = {kExitNotFound, kExitNotAllowed, kExitTimedOut,
                                       kExitUnreachable};

constexpr std::array kCommands = {
    Command{"status",
            Group::kLook,
            "The fleet on one screen",
            "",
            kStatusFlags,
            {},
            kStatusExamples,
            kStatusExits,
            RunStatus},
    Command{"get hosts", Group::kLook, "Hosts and their states", "", kHostListFlags, kMaybeHost,
            kHostExamples, kWatchExits, RunGet},
    Command{"get overrides",
            Group::kLook,
            "What people have said",
            "",
            kListFlags,
            kMaybeName,
            {},
            kReadExits,
            RunGet},
    Command{"get grants",
            Group::kLook,
            "Open permits of the budget",
            "",
            kListFlags,
            kMaybeName,
            {},
            kReadExits,
            RunGet},
    Command{"get rules",
            Group::kLook,
            "Rules over log lines",
            "",
            kListFlags,
            kMaybeName,
            {},
            kReadExits,
            RunGet},
    Command{"get jobs",
            Group::kLook,
            "Jobs of the bundled scheduler",
            "",
            kListFlags,
            kMaybeName,
            {},
            kReadExits,
            RunGet},
    Command{"get tasks",
            Group::kLook,
            "Tasks of the bundled scheduler",
            "",
            kListFlags,
            kMaybeName,
            {},
            kReadExits,
            RunGet},
    Command{"get audit",
            Group::kLook,
            "Who did what, and why",
            "Exit code 1 where the chain of entries is broken.",
            kAuditFlags,
            kMaybeHost,
            {},
            kWatchExits,
            RunGet},
    Command{"describe host",
            Group::kLook,
            "Everything about one host",
            "",
            kObjectFlags,
            kOneHost,
            {},
            kReadExits,
            RunDescribeHost},
    Command{"get issues", Group::kLook, "Fleet issues: what many hosts share", "", kIssueListFlags,
            kMaybeName, kIssueListExamples, kReadExits, RunGet},
    Command{"describe issue", Group::kLook, "A fleet issue: who, since when, why", "", kObjectFlags,
            kOneIssue, kIssueExamples, kReadExits, RunDescribeIssue},
    Command{"patterns top",
            Group::kLook,
            "Log patterns of the fleet, the most novel first",
            kPatternTopDetails,
            kPatternTopFlags,
            {},
            kPatternTopExamples,
            kWatchExits,
            RunGet},
    Command{"patterns show", Group::kLook, "One pattern: hosts, lines, values", "",
            kPatternShowFlags, kOnePattern, kPatternShowExamples, kReadExits, RunPatternShow},
    Command{"patterns diff", Group::kLook, "What the hosts of a pattern have in common",
            kPatternDiffDetails, kPatternDiffFlags, kOnePattern, kPatternDiffExamples, kReadExits,
            RunPatternDiff},
    Command{"describe rule",
            Group::kLook,
            "What a rule finds, what ends it, and where it stands",
            "",
            kObjectFlags,
            kOneRule,
            {},
            kReadExits,
            RunDescribeRule},
    kAudit,
    kAuditVerify,
    kReconcile,
    Command{
        "why",
        Group::kLook,
        "From the evidence to the act, line by line",
        "Of a fleet issue: what its hosts have in common, what is held for it, and what was told.",
        kObjectFlags,
        kHostOrIssue,
        {},
        kReadExits,
        RunWhy},
    Command{"evidence", Group::kLook, "Have the agent collect what the host looks like now",
            kEvidenceDetails, kEvidenceFlags, kOneHost, kEvidenceExamples, kEvidenceExits,
            RunEvidence},
    Command{"why-not",
            Group::kLook,
            "What keeps a host from being acted on",
            "",
            kObjectFlags,
            kOneHost,
            {},
            kReadExits,
            RunWhyNot},

    Command{"hold",
            Group::kStop,
            "Stop: nothing further starts",
            kHoldDetails,
            kHoldFlags,
            {},
            kHoldExamples,
            kHoldExits,
            RunHold},
    Command{"release",
            Group::kStop,
            "End the holds of people",
            "Shows first what waits. A hold that cannot be ended here (the HOLD file) is named, "
            "and the\nexit code is 6.",
            kReasonFlags,
            {},
            kReleaseExamples,
            kReleaseExits,
            RunRelease},
    Command{"brake release",
            Group::kStop,
            "Let a tripped brake go",
            "",
            kReasonFlags,
            {},
            {},
            kReleaseExits,
            RunBrakeRelease},

    kReconcileAccept,
    Command{"drain", Group::kChange, "Move the tasks off hosts", kDrainDetails, kHostChangeFlags,
            kHosts, kDrainExamples, kChangeExits, RunHostOverride},
    Command{"taint",
            Group::kChange,
            "Place nothing new on hosts",
            "",
            kHostChangeFlags,
            kHosts,
            {},
            kChangeExits,
            RunHostOverride},
    Command{"untaint",
            Group::kChange,
            "The same as return",
            "",
            kHostChangeFlags,
            kHosts,
            {},
            kChangeExits,
            RunHostOverride},
    Command{"return",
            Group::kChange,
            "Give hosts back, by way of probation",
            "",
            kHostChangeFlags,
            kHosts,
            {},
            kChangeExits,
            RunHostOverride},
    Command{"protect", Group::kChange, "Never act on the hosts of a scope", "", kProtectFlags,
            kScope, kProtectExamples, kChangeExits, RunProtect},
    Command{"override add", Group::kChange, "Add an override of any kind", kOverrideAddDetails,
            kOverrideAddFlags, kKindAndScope, kOverrideAddExamples, kChangeExits, RunOverrideAdd},
    Command{"override ls",
            Group::kChange,
            "The same as get overrides",
            "",
            kListFlags,
            {},
            {},
            kReadExits,
            RunGet},
    Command{"override end",
            Group::kChange,
            "End one override",
            "",
            kReasonFlags,
            kOverrideId,
            {},
            kChangeExits,
            RunOverrideEnd},
    kGrantTake,
    kGrantRenew,
    kGrantRelease,
    kGrantRun,
    Command{"jobs run", Group::kChange, "Give the bundled scheduler a job", "", kJobRunFlags,
            kJobRun, kJobRunExamples, kChangeExits, RunJobsRun},
    Command{"jobs rm",
            Group::kChange,
            "Take jobs away, and stop their tasks",
            "",
            kJobRemoveFlags,
            kJobs,
            {},
            kChangeExits,
            RunJobsRemove},

    Command{"rules check",
            Group::kCheck,
            "Load rules and try their examples",
            "Without a PATH: the packs that ship.",
            {},
            kPaths,
            kRulesExamples,
            {},
            nullptr,
            &RoleHandlers::rules_check},
    Command{"rules match",
            Group::kCheck,
            "Try rules on log lines",
            "",
            kMatchFlags,
            kMatchFile,
            kMatchExamples,
            {},
            nullptr,
            &RoleHandlers::rules_match},
    Command{"rules backtest", Group::kCheck, "Run rules over the log that is kept",
            kBacktestDetails, kBacktestFlags, kPaths, kBacktestExamples, kConfigExits, nullptr,
            &RoleHandlers::rules_backtest},
    Command{"rules from-template",
            Group::kCheck,
            "A template of log lines as a rule",
            kFromTemplateDetails,
            {},
            kOneTemplate,
            kFromTemplateExamples,
            kReadExits,
            nullptr,
            &RoleHandlers::rules_from_template},
    Command{"rules import",
            Group::kCheck,
            "Rules of node-problem-detector as ours",
            "FORMAT is npd. System log monitors become rules; custom plugins become checks, which\n"
            "are written as comments behind them. Exit code 1 where a rule was refused.",
            kImportFlags,
            kImportFiles,
            kImportExamples,
            {},
            nullptr,
            &RoleHandlers::rules_import},
    Command{"config check",
            Group::kCheck,
            "Check a config, all errors at once",
            "",
            kConfigFlags,
            {},
            {},
            kConfigExits,
            nullptr,
            &RoleHandlers::config_check},
    Command{"config show",
            Group::kCheck,
            "Print the config in force",
            "",
            kConfigShowFlags,
            {},
            {},
            kConfigExits,
            nullptr,
            &RoleHandlers::config_show},
    Command{"notify test", Group::kCheck, "Send a test message, and say what came back",
            "Where the remediator's config and the files that it names can be read. Nothing else\n"
            "is touched: a message goes to CHANNEL, or to each channel.",
            kConfigFlags, kMaybeChannel, kNotifyExamples, kNotifyExits, nullptr,
            &RoleHandlers::notify_test},
    kSimulate,

    Command{"up",
            Group::kRun,
            "All roles in this process",
            "",
            kUpFlags,
            {},
            kUpExamples,
            kConfigExits,
            nullptr,
            &RoleHandlers::up},
    Command{"demo",
            Group::kRun,
            "Break and heal the demo fleet, or play its story",
            "",
            kDemoFlags,
            kDemoWords,
            kDemoExamples,
            {},
            nullptr,
            &RoleHandlers::demo},
    Command{"agent",
            Group::kRun,
            "On each host: look and report",
            "",
            kRoleFlags,
            {},
            {},
            kConfigExits,
            nullptr,
            &RoleHandlers::agent},
    Command{"stream",
            Group::kRun,
            "Match the fleet's log lines",
            "",
            kRoleFlags,
            {},
            {},
            kConfigExits,
            nullptr,
            &RoleHandlers::stream},
    Command{"remediator",
            Group::kRun,
            "Decide, and serve API and console",
            "",
            kRemediatorFlags,
            {},
            {},
            kConfigExits,
            nullptr,
            &RoleHandlers::remediator},
    Command{"scheduler",
            Group::kRun,
            "The bundled scheduler",
            "",
            kRoleFlags,
            {},
            {},
            kConfigExits,
            nullptr,
            &RoleHandlers::scheduler},
    Command{"executor",
            Group::kRun,
            "On each host: run tasks and repairs",
            "",
            kRoleFlags,
            {},
            {},
            kConfigExits,
            nullptr,
            &RoleHandlers::executor},
    Command{"task-shim",
            Group::kRun,
            "Between the executor and a task",
            "",
            {},
            {},
            {},
            {},
            nullptr,
            &RoleHandlers::task_shim,
            true,
            true},

    Command{"gpu-probe",
            Group::kRun,
            "The agent's child that asks NVIDIA's driver",
            "",
            {},
            {},
            {},
            {},
            nullptr,
            &RoleHandlers::gpu_probe,
            true,
            true},

    kBackup,
    kRestore,
    Command{"completion",
            Group::kSetUp,
            "Completion for bash or zsh",
            "",
            {},
            kShell,
            kCompletionExamples,
            {},
            RunCompletion},
    Command{"man",
            Group::kSetUp,
            "Write the manual pages",
            "",
            kManFlags,
            kFolder,
            kManExamples,
            {},
            RunMan},
    Command{
        "version", Group::kSetUp, "Print the version", "", kObjectFlags, {}, {}, {}, RunVersion},
};

}  // namespace

std::span<const Command> Commands() { return kCommands; }
std::span<const Flag> CommonFlags() { return kCommon; }

}  // namespace fleetmedic::cli
