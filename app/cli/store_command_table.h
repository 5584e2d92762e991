// Rows of the table in commands.cc: what is done with the stores and the audit in them.
#ifndef FLEETMEDIC_APP_CLI_STORE_COMMAND_TABLE_H_
#define FLEETMEDIC_APP_CLI_STORE_COMMAND_TABLE_H_

#include <array>

#include "app/cli/command_flags.h"
#include "app/cli/handlers.h"

namespace fleetmedic::cli {

inline constexpr std::array kAuditSearchFlags = {
    Flag{"who", 0, FlagType::kText, "WHO", "", "only what WHO did: a name as the list shows it"},
    Flag{"object", 0, FlagType::kText, "OBJECT", "", "only of this: host:web-3, fleet, brake"},
    Flag{"since", 0, FlagType::kDuration, "DURATION", "", "entries of the last DURATION"},
    Flag{"limit", 0, FlagType::kInteger, "N", "100", "look through so many, the newest"},
    kListFormat};
inline constexpr std::array kAuditExamples = {
    Example{"fleetmedic audit --who op1 --since 2h", "what op1 did"}};
inline constexpr std::array kAuditExits = {kExitFailed, kExitNotAllowed, kExitUnreachable};
inline constexpr Command kAudit = {
    "audit", Group::kLook,   "Who, what, why", "",    kAuditSearchFlags,
    {},      kAuditExamples, kAuditExits,      RunGet};

inline constexpr std::array kAuditVerifyFlags = {
    Flag{"state-dir", 0, FlagType::kFolder, "DIR", "", "check DIR/remediator.db, ask no server"},
    Flag{"known", 0, FlagType::kText, "SEQ:HASH", "", "the end that an earlier run told"},
    kObjectFormat};
inline constexpr std::array kMaybeBackup = {
    Positional{"FILE", false, false, Completion::kFile, "a backup, in place of a server"}};
inline constexpr std::array kAuditVerifyExamples = {
    Example{"fleetmedic audit verify", "of a server, hashed here"},
    Example{"fleetmedic audit verify --state-dir /var/lib/fleetmedic", "of its files"}};
inline constexpr std::array kAuditVerifyExits = {kExitFailed, kExitNotFound, kExitNotAllowed,
                                                 kExitUnreachable};
inline constexpr Command kAuditVerify = {
    "audit verify",
    Group::kLook,
    "Recompute the audit's chain of hashes",
    "Reads every entry and hashes it here: a server's word about its own audit is not taken. Exit\n"
    "code 1 names the first entry that does not follow from the one before. The chain alone "
    "cannot\n"
    "show that its newest entries were cut off, or that all of it was written anew: keep the end\n"
    "that is printed in another place, and give it as --known the next time.",
    kAuditVerifyFlags,
    kMaybeBackup,
    kAuditVerifyExamples,
    kAuditVerifyExits,
    nullptr,
    &RoleHandlers::audit_verify};

inline constexpr std::array kReconcileFlags = {kObjectFormat};
inline constexpr std::array kReconcileExits = {kExitAttention, kExitNotAllowed, kExitUnreachable};
inline constexpr Command kReconcile = {
    "reconcile",
    Group::kLook,
    "What differs between the records and the scheduler",
    "After a restore, and where the store is older than the scheduler, nothing is acted on until\n"
    "somebody has seen the differences. Exit code 10 while that is so, 0 where nothing waits.",
    kReconcileFlags,
    {},
    {},
    kReconcileExits,
    RunReconcile};
inline constexpr std::array kReconcileAcceptFlags = {kReason, kObjectFormat};
inline constexpr std::array kReconcileAcceptExamples = {
    Example{"fleetmedic reconcile accept --reason 'looked through it, INC-2231'", ""}};
inline constexpr std::array kReconcileAcceptExits = {kExitNotAllowed, kExitConflict, kExitTimedOut,
                                                     kExitUnreachable};
inline constexpr Command kReconcileAccept = {
    "reconcile accept",
    Group::kStop,
    "Go on from what the scheduler holds",
    "Each host goes on as the scheduler has it. One that is out stays out under a grant, until it "
    "is\n"
    "seen to be well; overrides stand as the records have them: look through `override ls` first.",
    kReconcileAcceptFlags,
    {},
    kReconcileAcceptExamples,
    kReconcileAcceptExits,
    RunReconcileAccept};

inline constexpr std::array kBackupFile = {
    Positional{"FILE", true, false, Completion::kFile, "the backup"}};
inline constexpr Flag kOnly = {"only",   0,  FlagType::kText,
                               "STORES", "", "only these: remediator,scheduler"};

inline constexpr std::array kBackupFlags = {kConfig, kStateDir, kOnly, kObjectFormat};
inline constexpr std::array kBackupExamples = {
    Example{"fleetmedic backup /srv/backups/fleetmedic-2026-03-01", "once a day"}};
inline constexpr std::array kBackupExits = {kExitFailed, kExitNotFound, kExitNotAllowed,
                                            kExitConflict, kExitBadConfig};
inline constexpr Command kBackup = {
    "backup",
    Group::kRun,
    "Back up the stores of this machine into one file",
    "Reads the stores of state_dir beside the roles that run on them; nothing has to be stopped.\n"
    "Each store is as it was at one moment. The event log is not part of it. An existing file is\n"
    "never replaced.",
    kBackupFlags,
    kBackupFile,
    kBackupExamples,
    kBackupExits,
    nullptr,
    &RoleHandlers::backup};

inline constexpr std::array kRestoreFlags = {
    Flag{"verify", 0, FlagType::kSwitch, "", "", "check every byte of the file, write nothing"},
    Flag{"replace", 0, FlagType::kSwitch, "", "", "take the place of stores that are there"},
    kConfig,
    kStateDir,
    kOnly,
    kObjectFormat};
inline constexpr std::array kRestoreExamples = {
    Example{"fleetmedic restore --verify /srv/backups/fleetmedic-2026-03-01", "after each backup"},
    Example{"fleetmedic restore --only remediator --replace FILE", "one role's store"}};
inline constexpr std::array kRestoreExits = {kExitFailed,   kExitNotFound, kExitNotAllowed,
                                             kExitConflict, kExitRefused,  kExitBadConfig};
inline constexpr Command kRestore = {
    "restore",
    Group::kRun,
    "Put the stores of a backup in place, or verify it",
    "The whole file is verified before anything is put in place. Refused (exit code 6) while a "
    "role\n"
    "has one of the stores open, and (5) where a store is there already: --replace keeps that one\n"
    "in STATE_DIR/before-restore-TIME.",
    kRestoreFlags,
    kBackupFile,
    kRestoreExamples,
    kRestoreExits,
    nullptr,
    &RoleHandlers::restore};

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_STORE_COMMAND_TABLE_H_
