#include "model/directive.h"

#include "model/words.h"

namespace fleetmedic {
namespace {

constexpr Words<Want, 3> kWants = {{{Want::kSchedulable, "schedulable"},
                                    {Want::kTainted, "tainted"},
                                    {Want::kDrained, "drained"}}};

}  // namespace

std::string_view WantName(Want want) { return WordOf(kWants, want); }
std::optional<Want> ParseWant(std::string_view word) { return ValueOf(kWants, word); }

Json ToJson(const Directive& directive) {
  Json json;
  json.Set("host", directive.host.str());
  json.Set("revision", directive.revision);
  json.Set("want", WantName(directive.want));
  json.Set("reason", directive.reason);
  if (directive.drain_deadline != kWallNever) {
    json.Set("drain_deadline", directive.drain_deadline);
  }
  return json;
}

Result<Directive> DirectiveFromJson(const Json& json) {
  Directive directive;
  JsonReader in(json, "directive");
  ReadId(&in, "host", &directive.host);
  in.Required("revision", &directive.revision);
  in.Word("want", &directive.want, ParseWant);
  in.Optional("reason", &directive.reason);
  in.Optional("drain_deadline", &directive.drain_deadline);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return directive;
}

Json ToJson(const HostView& view) {
  Json json;
  json.Set("host", view.host.str());
  json.Set("revision", view.revision);
  json.Set("want", WantName(view.want));
  json.Set("connected", view.connected);
  json.Set("tasks_left", view.tasks_left);
  json.Set("blocked_by", view.blocked_by);
  json.Set("foreign_taint", view.foreign_taint);
  return json;
}

Result<HostView> HostViewFromJson(const Json& json) {
  HostView view;
  int64_t tasks_left = 0;
  JsonReader in(json, "host view");
  ReadId(&in, "host", &view.host);
  in.Required("revision", &view.revision);
  in.Word("want", &view.want, ParseWant);
  in.Required("connected", &view.connected);
  in.Required("tasks_left", &tasks_left);
  in.Optional("blocked_by", &view.blocked_by);
  in.Optional("foreign_taint", &view.foreign_taint);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  if (tasks_left < 0 || tasks_left > 1'000'000) {
    return Fail(Code::kInvalidArgument, "host view.tasks_left: out of range");
  }
  view.tasks_left = static_cast<int>(tasks_left);
  return view;
}

}  // namespace fleetmedic
