#include "executor/repairs.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/child_process.h"
#include "base/file.h"
#include "base/logging.h"
#include "base/sha256.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr size_t kRecordBytesMax = 64 << 10;
constexpr size_t kFilesMax = 100'000;
constexpr size_t kMessageCharsMax = 500;

bool ValidUnit(const std::string& unit) {
  return !unit.empty() && unit.size() <= Repairs::kUnitCharsMax && unit.front() != '-' &&
         std::ranges::all_of(unit, [](char c) { return c > ' ' && c < 0x7f; });
}

std::string OutcomeText(const CommandResult& result) {
  std::string text = result.status.Text();
  const std::string_view said = Trim(result.standard_error);
  if (!said.empty()) text += ": " + Quote(said, kMessageCharsMax);
  return text;
}

}  // namespace

Repairs::Repairs(RepairsParts parts, const ExecutorConfig& config)
    : parts_(std::move(parts)),
      config_(config),
      inbox_(std::make_shared<Inbox<Ended>>(kWaitingMax, parts_.wake)) {}

std::string Repairs::FileOf(const std::string& id) const {
  return parts_.folder + "/" + Sha256Hex(id) + ".json";
}

Status Repairs::Save(const Entry& entry) const {
  Json json;
  json.Set("repair", ToJson(entry.repair));
  json.Set("ended", entry.phase == Phase::kEnded);
  json.Set("boot_id", entry.boot_id);
  json.Set("report", ToJson(entry.report));
  return WriteFileAtomic(FileOf(entry.repair.id), json.Dump(), 0600);
}

Status Repairs::Open(const std::string& boot_id) {
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(parts_.folder, 0700));
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                              FsRoot().List(parts_.folder, kFilesMax));
  for (const std::string& name : names) {
    if (!name.ends_with(".json")) continue;
    const Result<std::string> text = ReadFile(parts_.folder + "/" + name, kRecordBytesMax);
    const Json json = text ? Json::Parse(*text).value_or(Json()) : Json();
    Entry entry;
    bool ended = false;
    JsonReader in(json, "repair record");
    in.RequiredAs("repair", &entry.repair, RepairFromJson);
    in.Required("ended", &ended);
    in.Required("boot_id", &entry.boot_id);
    in.RequiredAs("report", &entry.report, RepairReportFromJson);
    // Its file stays: what has a file is not run, whatever is in it.
    if (const Status done = in.Done(); !done) {
      LogError("a repair's record cannot be read",
               {{"file", name}, {"error", done.error().message}});
      continue;
    }
    entry.phase = ended ? Phase::kEnded : Phase::kIntent;
    Entry& kept = entries_.insert_or_assign(entry.repair.id, std::move(entry)).first->second;
    if (ended) continue;
    if (kept.repair.rung == Rung::kReboot && boot_id != kept.boot_id) {
      End(&kept, RepairOutcome::kDone, "the host booted again");
    } else {
      End(&kept, RepairOutcome::kUnknown, "the executor ended while it was under way");
    }
  }
  return {};
}

std::vector<std::string> Repairs::CommandOf(const Repair& repair) const {
  std::vector<std::string> argv;
  switch (repair.rung) {
    case Rung::kRestartUnit:
      argv = config_.restart_unit_command;
      break;
    case Rung::kReboot:
      argv = config_.reboot_command;
      break;
    case Rung::kResetGpu:
    case Rung::kReattachInterface:
    case Rung::kReplace:
    case Rung::kPerson:
      break;
  }
  // One argument stays one argument, whatever the unit's name holds.
  for (std::string& argument : argv) {
    if (argument == "{unit}") argument = repair.unit;
  }
  return argv;
}

std::string Repairs::Refusal(const Repair& repair, const std::string& boot_id) const {
  if (repair.boot_id != boot_id) {
    return fmt::format("the evidence is of boot {}, this is boot {}", Quote(repair.boot_id),
                       Quote(boot_id));
  }
  if (parts_.clock->Wall() > repair.start_before) {
    return "it should have started before " + FormatWall(repair.start_before);
  }
  switch (repair.rung) {
    case Rung::kRestartUnit:
      if (config_.restart_unit_command.empty()) {
        return "executor.restart_unit_command is empty in the config";
      }
      if (!ValidUnit(repair.unit)) return "no unit of this name can be: " + Quote(repair.unit);
      return "";
    case Rung::kReboot:
      if (config_.reboot_command.empty()) return "executor.reboot_command is empty in the config";
      return "";
    case Rung::kResetGpu:
    case Rung::kReattachInterface:
    case Rung::kReplace:
    case Rung::kPerson:
      break;
  }
  return fmt::format("this executor does not support {}", RungName(repair.rung));
}

void Repairs::Take(const Repair& repair, const std::string& boot_id) {
  if (const auto found = entries_.find(repair.id); found != entries_.end()) {
    if (found->second.phase == Phase::kEnded) found->second.tell = true;
    return;
  }
  Entry entry;
  entry.repair = repair;
  entry.report.id = repair.id;
  // Its record could not be read at the start: it may have run.
  const bool has_file = FsRoot().Exists(FileOf(repair.id));
  Entry& kept = entries_.emplace(repair.id, std::move(entry)).first->second;
  if (has_file) {
    kept.phase = Phase::kEnded;
    kept.report.outcome = RepairOutcome::kUnknown;
    kept.report.message = "its record cannot be read: it may have run";
    kept.tell = true;
    return;
  }
  const std::string refusal = Refusal(repair, boot_id);
  if (!refusal.empty()) return End(&kept, RepairOutcome::kRefused, refusal);
  if (waiting_.size() >= kWaitingMax) {
    return End(&kept, RepairOutcome::kRefused, fmt::format("{} repairs wait already", kWaitingMax));
  }
  waiting_.push_back(repair.id);
  Poll(boot_id);
}

void Repairs::Start(Entry* entry, const std::string& boot_id) {
  // Looked at again: it may have waited.
  const std::string refusal = Refusal(entry->repair, boot_id);
  if (!refusal.empty()) return End(entry, RepairOutcome::kRefused, refusal);
  entry->phase = Phase::kIntent;
  entry->boot_id = boot_id;
  if (const Status saved = Save(*entry); !saved) {
    // Half a record is none, but one that is only perhaps durable is not started either.
    return End(entry, RepairOutcome::kRefused, saved.error().message);
  }
  Command command;
  command.argv = CommandOf(entry->repair);
  const auto work = [command, inbox = inbox_, id = entry->repair.id, clock = parts_.clock,
                     timeout = config_.repair_timeout] {
    const Result<CommandResult> result = RunCommand(command, *clock, clock->Mono() + timeout);
    Ended ended{.id = id, .outcome = RepairOutcome::kUnknown, .message = ""};
    if (!result) {
      // Killed at its deadline it may have done its work; what could not be started did nothing.
      const bool late = result.error().code == Code::kDeadlineExceeded;
      ended.outcome = late ? RepairOutcome::kUnknown : RepairOutcome::kFailed;
      ended.message = result.error().message;
    } else {
      ended.outcome = result->status.ok() ? RepairOutcome::kDone : RepairOutcome::kFailed;
      ended.message = OutcomeText(*result);
    }
    inbox->Post(std::move(ended));
  };
  const Status submitted = parts_.workers->Submit("repair", work);
  if (!submitted) return End(entry, RepairOutcome::kRefused, submitted.error().message);
  running_ = entry->repair.id;
  LogInfo("a repair starts",
          {{"repair", Quote(entry->repair.id)}, {"rung", RungName(entry->repair.rung)}});
}

void Repairs::End(Entry* entry, RepairOutcome outcome, std::string message) {
  entry->phase = Phase::kEnded;
  entry->report.id = entry->repair.id;
  entry->report.outcome = outcome;
  entry->report.message = std::move(message);
  entry->tell = true;
  entry->judge_at = kMonoForever;
  if (running_ == entry->repair.id) running_.clear();
  // Where it cannot be saved, the intent stays, and a restart says that it is unknown.
  if (const Status saved = Save(*entry); !saved) {
    LogError("cannot save a repair's outcome", {{"error", saved.error().message}});
  }
  LogInfo("a repair ended", {{"repair", Quote(entry->repair.id)},
                             {"outcome", RepairOutcomeName(outcome)},
                             {"message", entry->report.message}});
}

void Repairs::TakeEnded(const Ended& ended) {
  const auto found = entries_.find(ended.id);
  if (found == entries_.end() || found->second.phase != Phase::kIntent) return;
  Entry& entry = found->second;
  if (entry.repair.rung == Rung::kReboot && ended.outcome == RepairOutcome::kDone) {
    // The command only asks for it. What counts is another boot.
    entry.judge_at = parts_.clock->Mono() + config_.repair_timeout;
    return;
  }
  End(&entry, ended.outcome, ended.message);
}

void Repairs::Poll(const std::string& boot_id) {
  for (const Ended& ended : inbox_->TakeAll()) TakeEnded(ended);
  if (!running_.empty()) {
    Entry& entry = entries_.at(running_);
    if (entry.repair.rung == Rung::kReboot && boot_id != entry.boot_id) {
      End(&entry, RepairOutcome::kDone, "the host booted again");
    } else if (parts_.clock->Mono() >= entry.judge_at) {
      End(&entry, RepairOutcome::kUnknown, "asked for, but the host did not boot again");
    }
  }
  while (running_.empty() && !waiting_.empty()) {
    const std::string id = waiting_.front();
    waiting_.pop_front();
    Start(&entries_.at(id), boot_id);
  }
  Prune();
}

void Repairs::Prune() {
  if (entries_.size() <= kRecordsMax) return;
  // The one whose time is longest past; come again, it is refused by that time.
  auto oldest = entries_.end();
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (entry->second.phase != Phase::kEnded || entry->second.tell) continue;
    if (parts_.clock->Wall() <= entry->second.repair.start_before) continue;
    if (oldest == entries_.end() ||
        entry->second.repair.start_before < oldest->second.repair.start_before) {
      oldest = entry;
    }
  }
  if (oldest == entries_.end()) return;
  (void)RemoveTree(FileOf(oldest->first));
  entries_.erase(oldest);
}

std::vector<RepairReport> Repairs::TakeReports() {
  std::vector<RepairReport> reports;
  for (auto& [id, entry] : entries_) {
    if (std::exchange(entry.tell, false)) reports.push_back(entry.report);
  }
  return reports;
}

}  // namespace fleetmedic
