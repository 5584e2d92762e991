// Lines of logs as the stream looks at them.
#include <array>
#include <optional>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/text.h"
#include "stream/line_level.h"
#include "stream/mined_template.h"
#include "stream/template_miner.h"
#include "tests/fuzz/targets.h"

namespace fleetmedic {
namespace {

// Lines, the first byte of each saying where it comes from.
void Templates(std::string_view bytes) {
  constexpr std::array<std::string_view, 4> kSources = {"kernel", "journal:a-1.service",
                                                        "journal:a-2.service", "file:/var/log/x"};
  constexpr std::array<std::string_view, 3> kHosts = {"", "web-1.example", "Mar"};
  TemplateLimits limits;
  limits.templates_max = 20;
  limits.bytes_max = 40'000;
  limits.children_max = 3;
  limits.siblings_max = 4;
  limits.shapes_max = 16;
  TemplateMiner miner(limits);
  int64_t minute = 1;
  for (const std::string_view text : Split(bytes, '\n')) {
    if (text.empty()) continue;
    const auto how = static_cast<unsigned char>(text[0]);
    const std::string_view line = text.substr(1);
    const std::string_view source = kSources[how % kSources.size()];
    const TemplateRef ref = miner.Add(line, {miner.Source(source), source, kHosts[how / 4 % 3],
                                             WallTime(Minutes(minute++)), 1U + how / 64});
    FLEETMEDIC_CHECK(miner.templates() <= limits.templates_max);
    const std::optional<MinedTemplate> mined = miner.Find(ref.id);
    FLEETMEDIC_CHECK(mined.has_value() && mined->id == ref.id);
    FLEETMEDIC_CHECK(TemplateMatches(*mined, line));
    FLEETMEDIC_CHECK(TextOf(*mined).size() <= PatternCount::kTextBytesMax);
  }
  // Room for all of them, and no more than that to be made each time.
  limits.bytes_max *= 2;
  TemplateMiner again(limits);
  for (const MinedTemplate& mined : miner.Export()) {
    const Result<Json> json = Json::Parse(ToJson(mined).Dump());
    FLEETMEDIC_CHECK(json.has_value());
    const Result<MinedTemplate> read = MinedTemplateFromJson(*json);
    FLEETMEDIC_CHECK(read.has_value() && *read == mined);
    FLEETMEDIC_CHECK(again.Import(*read, TemplateMiner::Counts::kTake));
    FLEETMEDIC_CHECK(again.Find(mined.id).has_value());
  }
}

// A template as the store has it, or as whoever writes there.
void MinedTemplates(std::string_view bytes) {
  const Result<Json> json = Json::Parse(bytes);
  if (!json) return;
  const Result<MinedTemplate> mined = MinedTemplateFromJson(*json);
  if (!mined) return;
  FLEETMEDIC_CHECK(MinedTemplateFromJson(ToJson(*mined)) == *mined);
  (void)TextOf(*mined);
  (void)VariablesOf(*mined);
  TemplateLimits limits;
  limits.shapes_max = 16;
  TemplateMiner miner(limits);
  for (const TemplateMiner::Counts counts :
       {TemplateMiner::Counts::kTake, TemplateMiner::Counts::kLearn}) {
    if (!miner.Import(*mined, counts)) continue;
    FLEETMEDIC_CHECK(miner.templates() == 1 && miner.Find(mined->id).has_value());
  }
}

void Level(std::string_view bytes) {
  const bool warns = TextWarns(bytes);
  // What stands before a level in its usual form says nothing.
  if (bytes.find('\n') == std::string_view::npos && bytes.size() < 64) {
    FLEETMEDIC_CHECK(!TextWarns("<6>" + std::string(bytes)));
    FLEETMEDIC_CHECK(TextWarns("<3>" + std::string(bytes)));
  }
  FLEETMEDIC_CHECK(TextWarns(bytes) == warns);
}

constexpr FuzzTarget kTargets[] = {
    {"template_miner", Templates},
    {"mined_template", MinedTemplates},
    {"line_level", Level},
};

}  // namespace

std::span<const FuzzTarget> StreamFuzzTargets() { return kTargets; }

}  // namespace fleetmedic
