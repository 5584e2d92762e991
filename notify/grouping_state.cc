// What a restart keeps of the groups.
#include "model/words.h"
#include "notify/grouping.h"

namespace fleetmedic {
namespace {

constexpr Words<NotifyEvent::Act, 4> kEventActs = {{{NotifyEvent::Act::kPage, "page"},
                                                    {NotifyEvent::Act::kNote, "note"},
                                                    {NotifyEvent::Act::kAcknowledge, "acknowledge"},
                                                    {NotifyEvent::Act::kEnd, "end"}}};

Json EventJson(const NotifyEvent& event) {
  Json json;
  json.Set("seq", event.seq);
  json.Set("at", event.at);
  json.Set("kind", EventKindName(event.kind));
  json.Set("act", WordOf(kEventActs, event.act));
  json.Set("noted", event.noted);
  json.Set("key", event.key);
  json.Set("object", event.object);
  json.Set("title", event.title);
  json.Set("why", event.why);
  json.Set("blast", ToJson(event.blast));
  return json;
}

Result<NotifyEvent> EventFromJson(const Json& json) {
  NotifyEvent event;
  JsonReader in(json, "event");
  in.Required("seq", &event.seq);
  in.Required("at", &event.at);
  in.Word("kind", &event.kind, ParseEventKind);
  in.Word("act", &event.act, [](std::string_view word) { return ValueOf(kEventActs, word); });
  in.Required("noted", &event.noted);
  in.Required("key", &event.key);
  in.Required("object", &event.object);
  in.Required("title", &event.title);
  in.Required("why", &event.why);
  event.blast = BlastRadiusFromJson(json["blast"]);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return event;
}

}  // namespace

class GroupingCodec {
 public:
  static Json ToJson(const Grouping& grouping) {
    Json json;
    Json groups(Json::Object{});
    for (const auto& [key, group] : grouping.groups_) groups.Set(key, GroupJson(group));
    json.Set("groups", std::move(groups));
    Json told(Json::Array{});
    for (const WallTime at : grouping.told_) told.Append(at);
    json.Set("told", std::move(told));
    Json digest(Json::Object{});
    for (const auto& [key, line] : grouping.digest_) {
      Json item;
      item.Set("text", line.text);
      item.Set("count", line.count);
      digest.Set(key, std::move(item));
    }
    json.Set("digest", std::move(digest));
    json.Set("digest_more", grouping.digest_more_);
    json.Set("digest_first_at", grouping.digest_first_at_);
    json.Set("untracked", grouping.untracked_);
    json.Set("last_number", grouping.last_number_);
    return json;
  }

  static Status Restore(const Json& json, Grouping* grouping) {
    Grouping read(grouping->config_);
    JsonReader in(json, "groups");
    in.Required("digest_more", &read.digest_more_);
    in.Required("digest_first_at", &read.digest_first_at_);
    in.Required("untracked", &read.untracked_);
    in.Required("last_number", &read.last_number_);
    std::vector<std::string> told;
    in.Required("told", &told);
    FLEETMEDIC_RETURN_IF_ERROR(in.Done());
    for (const std::string& text : told) {
      FLEETMEDIC_ASSIGN_OR_RETURN(const WallTime at, ParseWall(text));
      read.told_.push_back(at);
    }
    if (json["groups"].object() == nullptr || json["digest"].object() == nullptr) {
      return Fail(Code::kInvalidArgument, "groups.groups, groups.digest: expected objects");
    }
    for (const auto& [key, item] : *json["groups"].object()) {
      FLEETMEDIC_ASSIGN_OR_RETURN(read.groups_[key], GroupFromJson(item));
    }
    for (const auto& [key, item] : *json["digest"].object()) {
      JsonReader line(item, "digest");
      line.Required("text", &read.digest_[key].text);
      line.Required("count", &read.digest_[key].count);
      FLEETMEDIC_RETURN_IF_ERROR(line.Done());
    }
    grouping->groups_ = std::move(read.groups_);
    grouping->told_ = std::move(read.told_);
    grouping->digest_ = std::move(read.digest_);
    grouping->digest_more_ = read.digest_more_;
    grouping->digest_first_at_ = read.digest_first_at_;
    grouping->untracked_ = read.untracked_;
    grouping->last_number_ = read.last_number_;
    return {};
  }

 private:
  static Json GroupJson(const Grouping::Group& group) {
    Json json;
    json.Set("newest", EventJson(group.newest));
    json.Set("first_at", group.first_at);
    json.Set("events", group.events);
    json.Set("blast", fleetmedic::ToJson(group.blast));
    json.Set("untold", group.untold);
    json.Set("told", group.told);
    json.Set("acknowledge", group.acknowledge);
    json.Set("acknowledged", group.acknowledged);
    json.Set("ended", group.ended);
    json.Set("due_at", group.due_at);
    json.Set("told_at", group.told_at);
    json.Set("storm", group.storm);
    json.Set("members", group.members);
    return json;
  }

  static Result<Grouping::Group> GroupFromJson(const Json& json) {
    Grouping::Group group;
    JsonReader in(json, "group");
    in.RequiredAs("newest", &group.newest, EventFromJson);
    in.Required("first_at", &group.first_at);
    in.Required("events", &group.events);
    group.blast = BlastRadiusFromJson(json["blast"]);
    in.Required("untold", &group.untold);
    in.Required("told", &group.told);
    in.Required("acknowledge", &group.acknowledge);
    in.Required("acknowledged", &group.acknowledged);
    in.Required("ended", &group.ended);
    in.Required("due_at", &group.due_at);
    in.Required("told_at", &group.told_at);
    in.Required("storm", &group.storm);
    in.Required("members", &group.members);
    FLEETMEDIC_RETURN_IF_ERROR(in.Done());
    return group;
  }
};

Json Grouping::ToJson() const { return GroupingCodec::ToJson(*this); }
Status Grouping::Restore(const Json& json) { return GroupingCodec::Restore(json, this); }

}  // namespace fleetmedic
