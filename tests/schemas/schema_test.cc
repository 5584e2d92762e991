// docs/schemas against the code that reads and writes the values. The samples are those that the
// fuzz targets keep.
#include <filesystem>
#include <functional>
#include <set>

#include <gtest/gtest.h>

#include "base/file.h"
#include "model/audit.h"
#include "model/command.h"
#include "model/evidence_bundle.h"
#include "model/finding.h"
#include "model/fleet_issue.h"
#include "model/health_event.h"
#include "model/host_facts.h"
#include "model/pattern_count.h"

namespace fleetmedic {
namespace {

constexpr size_t kFileBytesMax = 1 << 20;

struct Described {
  std::string schema;   // docs/schemas/NAME.schema.json
  std::string samples;  // tests/fuzz/corpus/NAME
  // The value read and written again.
  std::function<Result<Json>(const Json&)> again;
};

template <typename Value, Result<Value> (*read)(const Json&)>
Result<Json> Again(const Json& json) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Value value, read(json));
  return ToJson(value);
}

const std::vector<Described>& AllDescribed() {
  static const std::vector<Described> all = {
      {"health-event", "health_event", Again<HealthEvent, HealthEventFromJson>},
      {"host-facts", "host_facts", Again<HostFacts, HostFactsFromJson>},
      {"finding", "finding", Again<Finding, FindingFromJson>},
      {"pattern-count", "pattern_count", Again<PatternCount, PatternCountFromJson>},
      {"fleet-issue", "fleet_issue", Again<FleetIssue, FleetIssueFromJson>},
      {"command", "command", Again<ExecutorCommand, ExecutorCommandFromJson>},
      {"task-report", "executor_report", Again<ExecutorReport, ExecutorReportFromJson>},
      {"audit-entry", "audit_entry", Again<AuditEntry, AuditEntryFromJson>},
      {"evidence-bundle", "evidence_bundle", Again<EvidenceBundle, EvidenceBundleFromJson>},
  };
  return all;
}

Json ReadJson(const std::string& path) {
  const Result<std::string> text = ReadFile(path, kFileBytesMax);
  EXPECT_TRUE(text) << path;
  const Result<Json> json = Json::Parse(text.value_or("null"));
  EXPECT_TRUE(json) << path << ": " << (json ? "" : json.error().message);
  return json.value_or(Json());
}

Json SchemaOf(const std::string& name) { return ReadJson("docs/schemas/" + name + ".schema.json"); }

std::vector<Json> SamplesOf(const Described& described) {
  std::vector<Json> samples;
  for (const auto& entry :
       std::filesystem::directory_iterator("tests/fuzz/corpus/" + described.samples)) {
    if (entry.path().extension() == ".json") samples.push_back(ReadJson(entry.path().string()));
  }
  EXPECT_FALSE(samples.empty()) << described.samples;
  return samples;
}

// The part of JSON Schema that docs/schemas uses; a keyword that is not known fails the test.
class Validator {
 public:
  explicit Validator(const Json& root) : root_(root) {}

  // What is wrong with the value, with its place; empty: nothing.
  std::string Check(const Json& schema, const Json& value, const std::string& place) const {
    if (const std::string* ref = schema["$ref"].string()) {
      return Check(root_["$defs"][ref->substr(std::string("#/$defs/").size())], value, place);
    }
    for (const auto& [keyword, unused] : *schema.object()) {
      if (!Known().contains(keyword)) return place + ": unknown keyword " + keyword;
    }
    if (const Json::Array* words = schema["enum"].array()) {
      for (const Json& word : *words) {
        if (word.Dump() == value.Dump()) return "";
      }
      return place + ": " + value.Dump() + " is none of the enum";
    }
    const std::string* const type = schema["type"].string();
    if (type == nullptr) return "";  // anything
    if (!IsOf(*type, value)) return place + ": " + value.Dump() + " is no " + *type;
    if (value.object() != nullptr) return CheckObject(schema, value, place);
    if (const Json::Array* items = value.array(); items && schema["items"].is_object()) {
      if (schema["maxItems"].integer().value_or(INT64_MAX) < static_cast<int64_t>(items->size())) {
        return place + ": too many items";
      }
      for (const Json& item : *items) {
        const std::string wrong = Check(schema["items"], item, place + "[]");
        if (!wrong.empty()) return wrong;
      }
    }
    return CheckBounds(schema, value, place);
  }

 private:
  static const std::set<std::string>& Known() {
    static const std::set<std::string> known = {
        "$schema",   "$defs",      "title",    "description",
        "type",      "properties", "required", "additionalProperties",
        "items",     "enum",       "format",   "minLength",
        "maxLength", "pattern",    "minimum",  "maximum",
        "maxItems"};
    return known;
  }
  static bool IsOf(const std::string& type, const Json& value) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.string() != nullptr;
    if (type == "number") return value.number().has_value();
    if (type == "integer") return value.integer().has_value();
    if (type == "boolean") return value.boolean().has_value();
    return false;
  }
  std::string CheckObject(const Json& schema, const Json& value, const std::string& place) const {
    if (const Json::Array* required = schema["required"].array()) {
      for (const Json& name : *required) {
        if (!value.object()->contains(*name.string())) return place + ": no " + *name.string();
      }
    }
    for (const auto& [name, member] : *value.object()) {
      const Json& known = schema["properties"][name];
      const Json& other = schema["additionalProperties"];
      if (!known.is_object() && !other.is_object())
        return place + ": " + name + " is not described";
      const std::string wrong =
          Check(known.is_object() ? known : other, member, place + "." + name);
      if (!wrong.empty()) return wrong;
    }
    return "";
  }
  static std::string CheckBounds(const Json& schema, const Json& value, const std::string& place) {
    if (const std::string* text = value.string()) {
      const auto size = static_cast<int64_t>(text->size());
      if (size < schema["minLength"].integer().value_or(0)) return place + ": too short";
      if (size > schema["maxLength"].integer().value_or(INT64_MAX)) return place + ": too long";
    }
    if (const std::optional<int64_t> number = value.integer()) {
      if (*number < schema["minimum"].integer().value_or(INT64_MIN)) return place + ": too small";
      if (*number > schema["maximum"].integer().value_or(INT64_MAX)) return place + ": too large";
    }
    return "";
  }

  const Json& root_;
};

TEST(Schemas, DescribeEverySampleAndAllThatTheCodeWrites) {
  for (const Described& described : AllDescribed()) {
    const Json schema = SchemaOf(described.schema);
    const Validator validator(schema);
    for (const Json& sample : SamplesOf(described)) {
      EXPECT_EQ(validator.Check(schema, sample, described.schema), "");
      const Result<Json> written = described.again(sample);
      ASSERT_TRUE(written) << described.schema << ": " << written.error().message;
      EXPECT_EQ(validator.Check(schema, *written, described.schema), "");
    }
  }
}

TEST(Schemas, RequireWhatTheReaderMissesAndNothingElse) {
  for (const Described& described : AllDescribed()) {
    const Json schema = SchemaOf(described.schema);
    const Validator validator(schema);
    for (const Json& sample : SamplesOf(described)) {
      for (const auto& [name, value] : *sample.object()) {
        Json without = sample;
        without.object()->erase(name);
        const bool missed = !described.again(without).has_value();
        const bool required = !validator.Check(schema, without, "").empty();
        // A command requires by its kind, which the schema's words leave to its description.
        if (described.schema == "command" && !required) continue;
        EXPECT_EQ(missed, required) << described.schema << "." << name;
      }
    }
  }
}

TEST(Schemas, EachFileIsOneOfThose) {
  std::set<std::string> wanted = {"README.md"};
  for (const Described& described : AllDescribed())
    wanted.insert(described.schema + ".schema.json");
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("docs/schemas")) {
    found.insert(entry.path().filename().string());
  }
  EXPECT_EQ(found, wanted);
}

}  // namespace
}  // namespace fleetmedic
