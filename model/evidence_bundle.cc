#include "model/evidence_bundle.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "model/words.h"

namespace fleetmedic {
namespace {

constexpr size_t kEvidenceIdCharsMax = 100;
constexpr size_t kReasonBytesMax = 512;

constexpr Words<EvidencePartState, 4> kStates = {{{EvidencePartState::kCollected, "collected"},
                                                  {EvidencePartState::kAbsent, "absent"},
                                                  {EvidencePartState::kFailed, "failed"},
                                                  {EvidencePartState::kTimeout, "timeout"}}};

Result<EvidencePart> PartFromJson(const Json& json) {
  EvidencePart part;
  JsonReader in(json, "part");
  in.Required("name", &part.name);
  in.Word("state", &part.state, [](std::string_view word) { return ValueOf(kStates, word); });
  in.Optional("message", &part.message);
  in.Optional("text", &part.text);
  in.Optional("bytes_cut", &part.bytes_cut);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  if (part.text.size() > EvidencePart::kTextBytesMax) {
    return Fail(Code::kInvalidArgument, "a part is longer than its limit");
  }
  return part;
}

Json PartJson(const EvidencePart& part, bool with_text) {
  Json json;
  json.Set("name", part.name);
  json.Set("state", EvidencePartStateName(part.state));
  json.Set("message", part.message);
  json.Set("bytes", static_cast<uint64_t>(part.text.size()));
  json.Set("bytes_cut", part.bytes_cut);
  if (with_text) json.Set("text", part.text);
  return json;
}

Json BundleJson(const EvidenceBundle& bundle, bool with_text) {
  Json json;
  json.Set("id", bundle.id);
  json.Set("host", bundle.host.str());
  json.Set("boot_id", bundle.boot_id);
  json.Set("reason", bundle.reason);
  json.Set("collected_at", bundle.collected_at);
  json.Set("took_ms", bundle.took.count());
  Json parts(Json::Array{});
  for (const EvidencePart& part : bundle.parts) parts.Append(PartJson(part, with_text));
  json.Set("parts", std::move(parts));
  return json;
}

}  // namespace

bool ValidEvidenceId(std::string_view id) {
  // No name that begins with a dot leads to another folder or hides.
  return !id.empty() && id.size() <= kEvidenceIdCharsMax && id.front() != '.' &&
         std::ranges::all_of(id, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

std::string_view EvidencePartStateName(EvidencePartState state) { return WordOf(kStates, state); }

Json ToJson(const EvidenceRequest& request) {
  Json json;
  json.Set("id", request.id);
  json.Set("reason", request.reason);
  json.Set("asked_at", request.asked_at);
  return json;
}

Result<EvidenceRequest> EvidenceRequestFromJson(const Json& json) {
  EvidenceRequest request;
  JsonReader in(json, "evidence request");
  in.Required("id", &request.id);
  in.Optional("reason", &request.reason);
  in.Required("asked_at", &request.asked_at);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  if (!ValidEvidenceId(request.id)) {
    return Fail(Code::kInvalidArgument, "evidence request.id: " + Quote(request.id, 80));
  }
  if (request.reason.size() > kReasonBytesMax) {
    return Fail(Code::kInvalidArgument, "evidence request.reason is too long");
  }
  return request;
}

Json ToJson(const EvidenceBundle& bundle) { return BundleJson(bundle, true); }
Json SummaryJson(const EvidenceBundle& bundle) { return BundleJson(bundle, false); }

Result<EvidenceBundle> EvidenceBundleFromJson(const Json& json) {
  EvidenceBundle bundle;
  int64_t took_ms = 0;
  JsonReader in(json, "evidence bundle");
  in.Required("id", &bundle.id);
  ReadId(&in, "host", &bundle.host);
  in.Required("boot_id", &bundle.boot_id);
  in.Optional("reason", &bundle.reason);
  in.Required("collected_at", &bundle.collected_at);
  in.Optional("took_ms", &took_ms);
  in.ListAs("parts", &bundle.parts, PartFromJson);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  bundle.took = Millis(took_ms);
  size_t bytes = 0;
  for (const EvidencePart& part : bundle.parts) bytes += part.text.size();
  if (!ValidEvidenceId(bundle.id) || bundle.parts.size() > EvidenceBundle::kPartsMax ||
      bytes > EvidenceBundle::kTextBytesMax) {
    return Fail(Code::kInvalidArgument,
                fmt::format("evidence bundle {}: {} parts with {} bytes pass a limit",
                            Quote(bundle.id, 80), bundle.parts.size(), bytes));
  }
  return bundle;
}

}  // namespace fleetmedic
