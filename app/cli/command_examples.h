// Examples and longer texts of the table in commands.cc.
#ifndef FLEETMEDIC_APP_CLI_COMMAND_EXAMPLES_H_
#define FLEETMEDIC_APP_CLI_COMMAND_EXAMPLES_H_

#include <array>
#include <string_view>

#include "app/cli/command.h"

namespace fleetmedic::cli {

inline constexpr std::array kEvidenceExamples = {
    Example{"fleetmedic evidence web-3 >web-3.txt", "before somebody reboots it by hand"},
    Example{"fleetmedic evidence web-3 --list", "what was kept before its repairs"}};

inline constexpr std::array kNotifyExamples = {
    Example{"fleetmedic notify test oncall", "before somebody relies on it"}};

inline constexpr std::array kStatusExamples = {
    Example{"fleetmedic status || echo look", "in a script: 10 says that somebody must look"}};
inline constexpr std::array kHostExamples = {
    Example{"fleetmedic get hosts -l pool=web -w", "the pool web, and each change"},
    Example{"fleetmedic get hosts -o name | head -3", "names alone"}};
inline constexpr std::array kHoldExamples = {
    Example{"fleetmedic hold", "stop everything, now"},
    Example{"fleetmedic hold -l pool:web --reason 'deploy 812'", "only the pool web"}};
inline constexpr std::array kReleaseExamples = {
    Example{"fleetmedic release --reason 'deploy is through'", ""}};
inline constexpr std::array kDrainExamples = {
    Example{"fleetmedic drain web-3 --reason 'fan noise'", "one host, within the limits"},
    Example{"fleetmedic drain -l rack=r7 --dry-run", "which hosts that would be"}};
inline constexpr std::array kProtectExamples = {
    Example{"fleetmedic protect host:db-1 --for 2h --reason 'failover test'", ""}};
inline constexpr std::string_view kOverrideAddDetails =
    "allow: act on the scope's hosts although an open fleet issue covers them. budget: a limit is\n"
    "another for a time; 0 means never. Both end by themselves, after an hour or --for, at most "
    "24h.";
inline constexpr std::array kOverrideAddExamples = {
    Example{"fleetmedic override add allow host:web-3 --reason 'its disk is dead as well'", ""},
    Example{"fleetmedic override add budget limit:fleet_window --value 5 --for 2h --reason "
            "'empty r7 by noon'",
            ""}};
inline constexpr std::array kJobRunExamples = {
    Example{"fleetmedic jobs run web --instances 3 -- /bin/sleep 1000", "from the command line"},
    Example{"fleetmedic jobs run web.json", "from a file"}};
inline constexpr std::array kRulesExamples = {
    Example{"fleetmedic rules check rules/", "every example tried, every error at once"}};
inline constexpr std::array kMatchExamples = {
    Example{"dmesg | fleetmedic rules match - --source kernel", "what the rules say of this host"}};
inline constexpr std::array kFromTemplateExamples = {
    Example{"fleetmedic rules from-template t-3a0517cfd9c4da1a >>site.toml",
            "then: edit it, rules check site.toml"}};
inline constexpr std::string_view kFromTemplateDetails =
    "Prints a rule for rules/*.toml, with the lines that were seen as its examples: the words as\n"
    "they are, a capture for each part that differs. It is an event of severity info; say what it\n"
    "means. `fleetmedic patterns top --unmatched` lists templates.";
inline constexpr std::array kBacktestExamples = {
    Example{"fleetmedic rules backtest site.toml --from 6h", "the last six hours"},
    Example{
        "fleetmedic rules backtest rules/ --from 2026-03-01T00:00:00Z --to 2026-03-01T06:00:00Z "
        "-o json",
        "for a script"}};
inline constexpr std::array kUpExamples = {
    Example{"fleetmedic up --demo-hosts 12", "a fleet to look at, on this machine"}};
inline constexpr std::array kCompletionExamples = {
    Example{"source <(fleetmedic completion bash)", "in this shell"}};
inline constexpr std::array kManExamples = {Example{"fleetmedic man /usr/share/man/man1", ""},
                                            Example{"fleetmedic man --markdown >docs/cli.md", ""}};

inline constexpr std::string_view kHoldDetails =
    "Nothing further starts in the scope; what was sent already stands. Asks nothing and needs no\n"
    "approval. Tries the control socket (RUN_DIR/control.sock), then HTTP, and for the whole "
    "fleet\n"
    "at last the file RUN_DIR/HOLD, and says which way it took.";
inline constexpr std::string_view kEvidenceDetails =
    "Kernel log, units, containers, pressure, processes, journal, mounts, sockets, interfaces and\n"
    "GPU, at most 256 KiB, collected within seconds; a source that hangs is skipped and named.\n"
    "The same is collected by itself when a host becomes suspect, before each repair and when it\n"
    "is retired; the newest eight bundles of a host are kept.";
inline constexpr std::string_view kBacktestDetails =
    "Reads the event log of this machine's state_dir and changes nothing: what each rule would "
    "have\n"
    "matched, how often past its threshold on one host (findings), where, and an example. Without "
    "a\n"
    "PATH: the packs that ship. Rules with errors run nothing. Ctrl-C prints what there is so far, "
    "with\n"
    "exit code 130.";
inline constexpr std::string_view kDrainDetails =
    "Each host gets an override; the remediator drains it within the limits. More than one host\n"
    "asks for their number (\"type 3\"); without a terminal that needs --yes.";
inline constexpr std::array kPatternTopExamples = {
    Example{"fleetmedic patterns top --new --unmatched", "what nobody wrote a rule for, new"},
    Example{"fleetmedic patterns top --scope rack=r17 --range 10m", "of one rack, lately"}};
inline constexpr std::array kPatternShowExamples = {
    Example{"fleetmedic patterns show disk.nvme_timeout --range 24h", "its whole day"}};
inline constexpr std::array kPatternDiffExamples = {
    Example{"fleetmedic patterns diff disk.nvme_timeout", "what the hosts hit have in common"},
    Example{"fleetmedic patterns diff t-9f31 --among pool=web", "within one pool"}};
inline constexpr std::array kIssueListExamples = {
    Example{"fleetmedic get issues --state open", "what is everybody's, now"}};
inline constexpr std::array kIssueExamples = {
    Example{"fleetmedic describe issue I-3fa94c21", "who is hit, why, and what is held"}};
inline constexpr std::string_view kPatternTopDetails =
    "A pattern is a rule, or a template: lines that no rule matches, with «…» for what varies.\n"
    "Ordered by hosts × novelty, the share of its hosts that its own past does not explain, so\n"
    "that one chatty host does not win. With -w the list is printed again every five seconds.";
inline constexpr std::string_view kPatternDiffDetails =
    "Compares the hosts that had the pattern with those that had not, fact by fact. Few hosts are\n"
    "not compared: what is chance is not drawn.";

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_COMMAND_EXAMPLES_H_
