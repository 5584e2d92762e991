// The commands that ask or tell the server, or print what the table holds. Each is a Handler of
// cli.h.
#ifndef FLEETMEDIC_APP_CLI_HANDLERS_H_
#define FLEETMEDIC_APP_CLI_HANDLERS_H_

#include "app/cli/command.h"

namespace fleetmedic::cli {

// read.cc: looking.
int RunStatus(const Invocation& call);
int RunGet(const Invocation& call);
int RunDescribeHost(const Invocation& call);
int RunDescribeRule(const Invocation& call);
int RunWhy(const Invocation& call);
int RunWhyNot(const Invocation& call);

// pattern_commands.cc: log patterns of the fleet, and fleet issues.
int RunPatternShow(const Invocation& call);
int RunPatternDiff(const Invocation& call);
int RunDescribeIssue(const Invocation& call);
int RunWhyIssue(const Invocation& call);

// evidence_command.cc: what the host looks like, collected by its agent.
int RunEvidence(const Invocation& call);

// stop.cc: stopping and letting go.
int RunHold(const Invocation& call);
int RunRelease(const Invocation& call);
int RunBrakeRelease(const Invocation& call);

// reconcile_commands.cc: records that are older than the scheduler.
int RunReconcile(const Invocation& call);
int RunReconcileAccept(const Invocation& call);

// change.cc: overrides on hosts and scopes.
int RunHostOverride(const Invocation& call);
int RunProtect(const Invocation& call);
int RunOverrideAdd(const Invocation& call);
int RunOverrideEnd(const Invocation& call);

// grant_commands.cc: grants that other automation asks for.
int RunGrantTake(const Invocation& call);
int RunGrantRenew(const Invocation& call);
int RunGrantRelease(const Invocation& call);
int RunGrantRun(const Invocation& call);

// job_commands.cc: jobs of the bundled scheduler.
int RunJobsRun(const Invocation& call);
int RunJobsRemove(const Invocation& call);

// manual_commands.cc: what needs no server.
int RunCompletion(const Invocation& call);
int RunMan(const Invocation& call);
int RunVersion(const Invocation& call);

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_HANDLERS_H_
