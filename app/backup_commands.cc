#include "app/backup_commands.h"

#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "app/cli/requests.h"
#include "app/settings.h"
#include "app/version.h"
#include "base/text.h"
#include "remediation/reconcile.h"
#include "store/restore.h"

namespace fleetmedic {
namespace {

using cli::Failure;
using cli::Invocation;

constexpr std::string_view kRemediator = "remediator";

Failure FailureOf(const Error& error) {
  switch (error.code) {
    case Code::kNotFound:
      return {cli::kExitNotFound, error.message, ""};
    case Code::kAlreadyExists:
    case Code::kConflict:
      return {cli::kExitConflict, error.message, ""};
    case Code::kBusy:
      return {cli::kExitRefused, error.message, ""};
    case Code::kPermissionDenied:
      return {cli::kExitNotAllowed, error.message, "run it as the server's user"};
    case Code::kInvalidArgument:
    case Code::kFenced:
    case Code::kRefused:
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
    case Code::kFull:
    case Code::kCorrupt:
    case Code::kUnsupported:
    case Code::kIo:
      return {cli::kExitFailed, error.message, ""};
  }
  return {cli::kExitFailed, error.message, ""};
}

int Fails(const cli::Terminal& terminal, const Error& error) {
  return cli::Report(terminal, FailureOf(error));
}

std::set<std::string> Only(const Invocation& call) {
  std::set<std::string> names;
  if (!call.args.Has("only")) return names;
  const std::string only = call.args.Text("only");  // what the names are views into
  for (const std::string_view name : Split(only, ',')) names.emplace(name);
  return names;
}

std::string RowsOf(const BackupStore& store) {
  uint64_t rows = 0;
  for (const BackupSection& section : store.sections) rows += section.rows;
  return fmt::format("{} rows, {} of them audit", rows, store.audit.seq);
}

int Print(const cli::Terminal& terminal, const BackupManifest& manifest) {
  if (terminal.Format() == "json") {
    terminal.PrintJson(ToJson(manifest));
    return cli::kExitDone;
  }
  std::string text = fmt::format("made {} by fleetmedic {}\n", FormatWallSecond(manifest.made_at),
                                 VisibleText(manifest.program));
  for (const BackupStore& store : manifest.stores) {
    text +=
        fmt::format("  {}: {}, epoch {}\n", VisibleText(store.name), RowsOf(store), store.epoch);
  }
  terminal.Print(text);
  return cli::kExitDone;
}

// The store says what happened to it, and its remediator acts on nothing before somebody has
// looked.
Status Note(const std::string& file, const BackupManifest& manifest, WallTime now,
            StoreTransaction* tx) {
  AuditEntry entry;
  entry.who = fmt::format("uid:{}", geteuid());
  entry.action = "restore";
  entry.object = "store";
  entry.why = fmt::format("from the backup of {}", FormatWallSecond(manifest.made_at));
  entry.detail.Set("file", file.substr(0, 512));
  entry.detail.Set("program", manifest.program.substr(0, 64));
  const ReconcileMark mark{now, "restored " + entry.why, false};
  FLEETMEDIC_RETURN_IF_ERROR(tx->Put(Table::kMeta, kReconcileKey, ToJson(mark).Dump()));
  return tx->AppendAudit(std::move(entry));
}

int VerifyOnly(const cli::Terminal& terminal, const std::string& file) {
  const Result<BackupManifest> manifest = VerifyBackup(file);
  if (!manifest) return Fails(terminal, manifest.error());
  const int code = Print(terminal, *manifest);
  terminal.Say("every byte, count, hash and the audit's chain are as they were written\n");
  return code;
}

}  // namespace

int RunBackup(const Invocation& call) {
  const cli::Terminal terminal(call);
  const Result<Config> config = LoadSettings(call);
  if (!config) return cli::Report(terminal, {cli::kExitBadConfig, config.error().message, ""});
  Result<std::vector<std::string>> names = StoresIn(config->state_dir);
  if (!names) return Fails(terminal, names.error());
  const std::set<std::string> only = Only(call);
  for (const std::string& name : only) {
    if (std::ranges::find(*names, name) != names->end()) continue;
    return Fails(terminal, {Code::kNotFound,
                            "no store " + Quote(name) + " in " + Quote(config->state_dir, 256)});
  }
  if (!only.empty()) std::erase_if(*names, [&](const auto& name) { return !only.contains(name); });
  if (names->empty()) {
    return Fails(terminal, {Code::kNotFound, "no store is in " + Quote(config->state_dir, 256) +
                                                 ": name the folder by --state-dir, or --config"});
  }
  const Result<BackupManifest> manifest = BackUp(
      config->state_dir, *names, call.args.positionals[0], std::string(kVersion), *call.env.clock);
  return manifest ? Print(terminal, *manifest) : Fails(terminal, manifest.error());
}

int RunRestore(const Invocation& call) {
  const cli::Terminal terminal(call);
  const std::string& file = call.args.positionals[0];
  if (call.args.Has("verify")) return VerifyOnly(terminal, file);
  const Result<Config> config = LoadSettings(call);
  if (!config) return cli::Report(terminal, {cli::kExitBadConfig, config.error().message, ""});
  RestoreOptions options;
  options.folder = config->state_dir;
  options.only = Only(call);
  options.replace = call.args.Has("replace");
  options.finish = [&file, now = call.env.clock->Wall()](const BackupManifest& manifest,
                                                         const BackupStore& store,
                                                         StoreTransaction& tx) -> Status {
    // Of the others none keeps an audit.
    return store.name == kRemediator ? Note(file, manifest, now, &tx) : Status();
  };
  const Result<RestoreReport> report = Restore(file, options, *call.env.clock);
  if (!report) return Fails(terminal, report.error());
  if (terminal.Format() == "json") {
    Json json;
    json.Set("manifest", ToJson(report->manifest));
    json.Set("restored", Json(Json::Array(report->restored.begin(), report->restored.end())));
    json.Set("kept_in", report->kept_in);
    terminal.PrintJson(json);
    return cli::kExitDone;
  }
  for (const std::string& name : report->restored) {
    terminal.Print(fmt::format("restored {} of {}\n", StorePath(config->state_dir, name),
                               FormatWallSecond(report->manifest.made_at)));
  }
  if (std::ranges::find(report->restored, kRemediator) != report->restored.end()) {
    terminal.Say("the remediator acts on nothing until `fleetmedic reconcile accept`\n");
  }
  if (!report->kept_in.empty()) {
    terminal.Print("what was there before is in " + report->kept_in + "\n");
  }
  return cli::kExitDone;
}

}  // namespace fleetmedic
