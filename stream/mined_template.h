// A template of lines as plain data: what people see of it, and what is kept of it. Pure.
#ifndef FLEETMEDIC_STREAM_MINED_TEMPLATE_H_
#define FLEETMEDIC_STREAM_MINED_TEMPLATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/pattern_count.h"
#include "stream/value_counts.h"

namespace fleetmedic {

// "t-" and 16 hexadecimal digits: what PatternCount::pattern is of a template.
std::string TemplateIdText(uint64_t id);
std::optional<uint64_t> ParseTemplateId(std::string_view text);

struct MinedTemplate {
  struct Word {
    std::string gap;   // what stands before it, white space as one blank
    std::string text;  // of the line that the template was made from
    bool variable = false;

    bool operator==(const Word&) const = default;
  };
  // Of one variable word. Past kValuesMax variables of a template nothing is kept.
  struct Values {
    uint32_t word = 0;  // in `words`
    uint64_t lines = 0;
    uint64_t distinct = 0;           // about how many
    std::vector<ValueCount> values;  // the most frequent first
    std::string registers;           // ValueCounts::Registers

    bool operator==(const Values&) const = default;
  };
  static constexpr size_t kVariablesMax = PatternCount::kVariablesMax;
  static constexpr size_t kExamplesMax = PatternCount::kExamplesMax;
  static constexpr size_t kAliasesMax = 64;

  // Of the words that were no variables when it was made, and of its source class: the same in
  // every replica and after each restart.
  uint64_t id = 0;
  // Identities of templates that were found to be this one.
  std::vector<uint64_t> aliases;
  // "kernel", "journal:docker-*.scope": the source, its own variable parts as '*'.
  std::string source_class;
  std::vector<Word> words;
  std::string end;   // what stands behind the last word
  bool cut = false;  // longer lines than were looked at
  WallTime first_seen = kWallNever;
  WallTime last_seen = kWallNever;
  uint64_t lines = 0;
  std::vector<Values> values;  // by word
  std::vector<PatternExample> examples;

  bool operator==(const MinedTemplate&) const = default;
};

// "nvme «nvme0»: I/O «…» QID «…» timeout": a variable that only ever had one value shows it.
// Visible text of at most PatternCount::kTextBytesMax.
std::string TextOf(const MinedTemplate& mined);

// Its variables as PatternCount has them, by their numbers from 1.
std::vector<PatternVariable> VariablesOf(const MinedTemplate& mined);

// Whether the template says of the line what the line says: the same words at the same places, any
// at its variables. `host` as the miner was told.
bool TemplateMatches(const MinedTemplate& mined, std::string_view line);

// As it is kept in the store. Bytes of lines that are no printable ASCII are "%XX" there.
Json ToJson(const MinedTemplate& mined);
// kInvalidArgument for what breaks a limit or cannot be.
Result<MinedTemplate> MinedTemplateFromJson(const Json& json);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_MINED_TEMPLATE_H_
