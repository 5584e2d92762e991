#include "model/command.h"

#include "model/words.h"

namespace fleetmedic {
namespace {

constexpr Words<Rung, 6> kRungs = {{{Rung::kRestartUnit, "restart_unit"},
                                    {Rung::kResetGpu, "reset_gpu"},
                                    {Rung::kReattachInterface, "reattach_interface"},
                                    {Rung::kReboot, "reboot"},
                                    {Rung::kReplace, "replace"},
                                    {Rung::kPerson, "person"}}};
constexpr Words<CommandKind, 4> kCommandKinds = {
    {{CommandKind::kRun, "run"},
     {CommandKind::kStop, "stop"},
     {CommandKind::kRepair, "repair"},
     {CommandKind::kCollectEvidence, "collect_evidence"}}};
constexpr Words<RepairOutcome, 4> kOutcomes = {{{RepairOutcome::kDone, "done"},
                                                {RepairOutcome::kFailed, "failed"},
                                                {RepairOutcome::kRefused, "refused"},
                                                {RepairOutcome::kUnknown, "unknown"}}};

}  // namespace

std::string_view RungName(Rung rung) { return WordOf(kRungs, rung); }
std::optional<Rung> ParseRung(std::string_view word) { return ValueOf(kRungs, word); }
std::string_view RepairOutcomeName(RepairOutcome outcome) { return WordOf(kOutcomes, outcome); }
std::optional<RepairOutcome> ParseRepairOutcome(std::string_view word) {
  return ValueOf(kOutcomes, word);
}

Json ToJson(const Repair& repair) {
  Json json;
  json.Set("id", repair.id);
  json.Set("rung", RungName(repair.rung));
  json.Set("unit", repair.unit);
  json.Set("boot_id", repair.boot_id);
  json.Set("start_before", repair.start_before);
  return json;
}

Result<Repair> RepairFromJson(const Json& json) {
  Repair repair;
  JsonReader in(json, "repair");
  in.Required("id", &repair.id);
  in.Word("rung", &repair.rung, ParseRung);
  in.Optional("unit", &repair.unit);
  in.Required("boot_id", &repair.boot_id);
  in.Required("start_before", &repair.start_before);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return repair;
}

Json ToJson(const ExecutorCommand& command) {
  Json json;
  json.Set("kind", WordOf(kCommandKinds, command.kind));
  json.Set("host", command.host.str());
  if (command.kind == CommandKind::kRepair) {
    json.Set("repair", ToJson(command.repair));
  } else if (command.kind == CommandKind::kCollectEvidence) {
    json.Set("evidence", ToJson(command.evidence));
  } else {
    json.Set("task", command.task.str());
    json.Set("job", ToJson(command.job));
  }
  return json;
}

Result<ExecutorCommand> ExecutorCommandFromJson(const Json& json) {
  ExecutorCommand command;
  JsonReader in(json, "command");
  in.Word("kind", &command.kind,
          [](std::string_view word) { return ValueOf(kCommandKinds, word); });
  ReadId(&in, "host", &command.host);
  if (command.kind == CommandKind::kRepair) {
    in.RequiredAs("repair", &command.repair, RepairFromJson);
  } else if (command.kind == CommandKind::kCollectEvidence) {
    in.RequiredAs("evidence", &command.evidence, EvidenceRequestFromJson);
  } else {
    ReadId(&in, "task", &command.task);
    in.RequiredAs("job", &command.job, JobFromJson);
  }
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return command;
}

Json ToJson(const RepairReport& report) {
  Json json;
  json.Set("id", report.id);
  json.Set("outcome", RepairOutcomeName(report.outcome));
  json.Set("message", report.message);
  return json;
}

Result<RepairReport> RepairReportFromJson(const Json& json) {
  RepairReport report;
  JsonReader in(json, "repair report");
  in.Required("id", &report.id);
  in.Word("outcome", &report.outcome, ParseRepairOutcome);
  in.Optional("message", &report.message);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return report;
}

Json ToJson(const ExecutorReport& report) {
  Json json;
  json.Set("host", report.host.str());
  json.Set("boot_id", report.boot_id);
  json.Set("sequence", report.sequence);
  json.Set("observed_at", report.observed_at);
  json.Set("complete", report.complete);
  json.Set("capacity", ToJson(report.capacity));
  Json::Array tasks;
  for (const TaskStatus& task : report.tasks) tasks.push_back(ToJson(task));
  json.Set("tasks", std::move(tasks));
  Json::Array repairs;
  for (const RepairReport& repair : report.repairs) repairs.push_back(ToJson(repair));
  json.Set("repairs", std::move(repairs));
  return json;
}

Result<ExecutorReport> ExecutorReportFromJson(const Json& json) {
  ExecutorReport report;
  JsonReader in(json, "executor report");
  ReadId(&in, "host", &report.host);
  in.Required("boot_id", &report.boot_id);
  in.Required("sequence", &report.sequence);
  in.Required("observed_at", &report.observed_at);
  in.Required("complete", &report.complete);
  in.OptionalAs("capacity", &report.capacity, ResourcesFromJson);
  in.ListAs("tasks", &report.tasks, TaskStatusFromJson);
  in.ListAs("repairs", &report.repairs, RepairReportFromJson);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return report;
}

}  // namespace fleetmedic
