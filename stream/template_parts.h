// What TemplateMiner keeps of a template; for its own sources alone. Pure.
#ifndef FLEETMEDIC_STREAM_TEMPLATE_PARTS_H_
#define FLEETMEDIC_STREAM_TEMPLATE_PARTS_H_

#include <bit>
#include <string>
#include <vector>

#include "stream/template_miner.h"

namespace fleetmedic {

struct TemplateMiner::Template {
  uint64_t id = 0;
  uint32_t slot = 0;
  // How often the slot was given back: what points to it from before points to another.
  uint32_t generation = 0;
  uint32_t source_class = 0;
  bool cut = false;
  uint64_t variable_mask = 0;
  uint64_t lines = 0;
  // Of them, those that no shape holds any more.
  uint64_t folded_lines = 0;
  uint64_t changed = 0;  // TemplateMiner::change_ at its latest line
  WallTime first_seen = WallTime::max();
  WallTime last_seen = kWallNever;
  std::vector<ValueCounts> values;  // of the first variables, by word
  uint64_t structure = 0;
  size_t bytes = 0;
  // The line that it was made from, white space as one blank.
  std::string text;
  std::vector<WordSpan> spans;
  std::vector<uint64_t> hashes;  // of its words
  std::vector<PatternExample> examples;
  std::vector<uint64_t> aliases;
  std::vector<uint64_t> nodes;  // whose lists it is in

  std::string_view WordAt(size_t word) const { return spans[word].In(text); }
  bool VariableAt(size_t word) const { return (variable_mask >> word & 1) != 0; }
  // Where the word's values are, or would be.
  size_t ValuesOf(size_t word) const {
    return static_cast<size_t>(std::popcount(variable_mask & ((uint64_t{1} << word) - 1)));
  }
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_TEMPLATE_PARTS_H_
