#include "remediation/intake.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "model/command.h"

namespace fleetmedic {
namespace {

constexpr std::array kTopicsRead = {Topic::kHosts, Topic::kHealth, Topic::kFindings, Topic::kTasks,
                                    Topic::kIssues};
// What a dead letter keeps of a value that was too long to be one.
constexpr size_t kDeadLetterBytesMax = 4096;

// The host that the key names and the value repeats; a record whose two do not agree lies.
Status CheckKey(const LogRecord& record, const HostId& host) {
  if (record.record.key == host.str()) return {};
  return Fail(Code::kInvalidArgument, "the key names another host than the value");
}

Result<FleetIssue> IssueOf(const std::string& value) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(value));
  return FleetIssueFromJson(json);
}

}  // namespace

Intake::Intake(EventLog* log, Metrics* metrics) : log_(log), metrics_(metrics) {}

Status Intake::Open(const std::function<std::vector<Position>(Topic)>& offsets) {
  readers_.clear();
  dead_letters_.clear();
  issues_.clear();
  for (const Topic topic : kTopicsRead) {
    const std::vector<Position> from =
        topic == Topic::kIssues ? std::vector<Position>() : offsets(topic);
    FLEETMEDIC_ASSIGN_OR_RETURN(readers_[topic], log_->OpenAt(topic, from));
  }
  return ReadIssuesAgain(offsets(Topic::kIssues));
}

Status Intake::ReadIssuesAgain(const std::vector<Position>& committed) {
  while (true) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<LogRecord> records,
                                readers_[Topic::kIssues]->Poll(kRecordsPerPollMax));
    if (records.empty()) return {};
    for (const LogRecord& record : records) {
      const bool known = std::ranges::any_of(committed, [&](const Position& position) {
        return position.partition == record.partition && record.offset < position.offset;
      });
      DecodeIssue(record, !known);
    }
  }
}

Result<std::vector<HostInput>> Intake::Poll(WallTime now, bool* more) {
  std::vector<HostInput> inputs;
  *more = false;
  for (auto& [topic, reader] : readers_) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<LogRecord> records,
                                reader->Poll(kRecordsPerPollMax));
    *more = *more || records.size() == kRecordsPerPollMax;
    for (const LogRecord& record : records) {
      if (topic == Topic::kIssues) {
        DecodeIssue(record, true);
      } else {
        Decode(topic, record, now, &inputs);
      }
    }
  }
  FLEETMEDIC_RETURN_IF_ERROR(FlushDeadLetters());
  return inputs;
}

void Intake::Decode(Topic topic, const LogRecord& record, WallTime now,
                    std::vector<HostInput>* out) {
  if (topic == Topic::kHosts && record.record.value.empty()) return;  // a compaction tombstone
  if (record.record.value.size() > HealthEvent::kBytesMax && topic != Topic::kTasks) {
    return SetAside(topic, record, "too_long",
                    fmt::format("{} bytes; at most {} are read", record.record.value.size(),
                                HealthEvent::kBytesMax));
  }
  if (topic == Topic::kHealth) {
    if (Result<HealthEvent> event = HealthEventFromText(record.record.value)) {
      return TakeHealth(record, *std::move(event), now, out);
    }
  }
  const Result<Json> json = Json::Parse(record.record.value);
  if (!json) return SetAside(topic, record, "not_json", json.error().message);

  const auto take = [&](auto value, const HostId& host, auto input) {
    if (!value) return SetAside(topic, record, "invalid", value.error().message);
    if (const Status key = CheckKey(record, host); !key) {
      return SetAside(topic, record, "wrong_key", key.error().message);
    }
    out->push_back({host, std::move(input)});
  };
  if (topic == Topic::kHosts) {
    auto facts = HostFactsFromJson(*json);
    return take(facts, facts ? facts->host : HostId(), input::Facts{facts.value_or(HostFacts())});
  }
  if (topic == Topic::kHealth) {
    Result<HealthEvent> event = HealthEventFromJson(*json);
    if (!event) return SetAside(topic, record, "invalid", event.error().message);
    return TakeHealth(record, *std::move(event), now, out);
  }
  if (topic == Topic::kFindings) {
    auto finding = FindingFromJson(*json);
    if (finding && finding->last_at > now + HealthEvent::kFutureMax) {
      return SetAside(topic, record, "future", "found at " + FormatWall(finding->last_at));
    }
    return take(finding, finding ? finding->host : HostId(),
                input::Found{finding.value_or(Finding())});
  }
  auto report = ExecutorReportFromJson(*json);
  if (!report) return SetAside(topic, record, "invalid", report.error().message);
  for (const RepairReport& repair : report->repairs) {
    out->push_back({report->host, input::Repaired{repair}});
  }
}

void Intake::TakeHealth(const LogRecord& record, HealthEvent event, WallTime now,
                        std::vector<HostInput>* out) {
  if (event.observed_at > now + HealthEvent::kFutureMax) {
    return SetAside(
        Topic::kHealth, record, "future",
        fmt::format("observed at {}, {} ahead of us", FormatWall(event.observed_at),
                    FormatDuration(std::chrono::duration_cast<Millis>(event.observed_at - now))));
  }
  if (const Status key = CheckKey(record, event.host); !key) {
    return SetAside(Topic::kHealth, record, "wrong_key", key.error().message);
  }
  HostId host = event.host;
  out->push_back({std::move(host), input::Report{std::move(event)}});
}

void Intake::DecodeIssue(const LogRecord& record, bool fresh) {
  if (record.record.value.empty()) return;  // a compaction tombstone
  Result<FleetIssue> issue = IssueOf(record.record.value);
  if (issue && issue->id != record.record.key) {
    issue = Fail(Code::kInvalidArgument, "the key names another issue than the value");
  }
  if (issue) {
    issues_.push_back({*std::move(issue), fresh});
  } else if (fresh) {
    SetAside(Topic::kIssues, record, "invalid", issue.error().message);
  }
}

void Intake::SetAside(Topic topic, const LogRecord& record, std::string_view kind,
                      std::string reason) {
  metrics_
      ->Counter("fleetmedic_dead_letters_total", "Records that could not be used, by reason.",
                {{"topic", std::string(TopicName(topic))}, {"reason", std::string(kind)}})
      .Add();
  Record letter;
  letter.key = record.record.key.empty() ? "unknown" : record.record.key;
  letter.value = record.record.value.substr(0, kDeadLetterBytesMax);
  letter.headers = {
      {"origin", fmt::format("{}/{}@{}", TopicName(topic), record.partition, record.offset)},
      {"kind", std::string(kind)},
      {"reason", reason.substr(0, 512)}};
  letter.timestamp = record.record.timestamp;
  dead_letters_.push_back(std::move(letter));
}

void Intake::SetAsideOtherBoot(const HostInput& in) {
  LogRecord record;
  record.record.key = in.host.str();
  Topic topic = Topic::kHealth;
  if (const auto* report = std::get_if<input::Report>(&in.input)) {
    record.record.value = ToJson(report->event).Dump();
    record.record.timestamp = report->event.observed_at;
  } else if (const auto* found = std::get_if<input::Found>(&in.input)) {
    topic = Topic::kFindings;
    record.record.value = ToJson(found->finding).Dump();
    record.record.timestamp = found->finding.last_at;
  } else {
    return;
  }
  SetAside(topic, record, "other_boot", "the host has booted since");
}

Status Intake::FlushDeadLetters() {
  if (dead_letters_.empty()) return {};
  FLEETMEDIC_RETURN_IF_ERROR(log_->Append(Topic::kDeadLetter, dead_letters_));
  dead_letters_.clear();
  return {};
}

std::vector<std::pair<Topic, std::vector<Position>>> Intake::Positions() const {
  std::vector<std::pair<Topic, std::vector<Position>>> all;
  for (const auto& [topic, reader] : readers_) all.emplace_back(topic, reader->Positions());
  return all;
}

Result<Millis> Intake::Lag(WallTime now) const {
  return LagOf({Topic::kHealth, Topic::kFindings}, now);
}

Result<Millis> Intake::OutcomesLag(WallTime now) const { return LagOf({Topic::kTasks}, now); }

Result<Millis> Intake::LagOf(std::initializer_list<Topic> topics, WallTime now) const {
  Millis lag(0);
  for (const Topic topic : topics) {
    const auto reader = readers_.find(topic);
    if (reader == readers_.end()) continue;
    FLEETMEDIC_ASSIGN_OR_RETURN(const Reader::Lag behind, reader->second->Behind());
    if (behind.oldest == kWallNever) continue;
    lag = std::max(lag, std::chrono::duration_cast<Millis>(now - behind.oldest));
  }
  return lag;
}

}  // namespace fleetmedic
