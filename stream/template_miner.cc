#include "stream/template_miner.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/cap_text.h"
#include "base/text.h"
#include "stream/template_parts.h"

namespace fleetmedic {
namespace {

constexpr uint64_t kClassSeed = 0x8ebc6af09c88c6e3;
constexpr uint64_t kTreeSeed = 0x589965cc75374cc3;
constexpr std::string_view kOther = "other";
// Entries that one look-up looks at.
constexpr size_t kWays = 4;

uint64_t KeyOf(uint64_t parent, uint64_t what) {
  const char bytes[16] = {};
  uint64_t key = HashBytes({bytes, 1}, parent ^ kTreeSeed);
  key = HashBytes({bytes, 2}, key ^ what);
  return key;
}

bool IsDigitChar(char c) { return c >= '0' && c <= '9'; }
bool IsWordChar(char c) {
  return IsDigitChar(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Parts of letters and digits with a digit in them as '*'.
std::string ClassName(std::string_view source) {
  std::string name;
  for (size_t at = 0; at < source.size();) {
    size_t end = at;
    bool digit = false;
    for (; end < source.size() && IsWordChar(source[end]); ++end) {
      digit = digit || IsDigitChar(source[end]);
    }
    if (end == at) {
      name += source[at++];
      continue;
    }
    name += digit ? "*" : source.substr(at, end - at);
    at = end;
  }
  return name;
}

}  // namespace

TemplateMiner::TemplateMiner(TemplateLimits limits) : limits_(limits) {
  const size_t shapes = std::bit_ceil(std::max<size_t>(limits.shapes_max, kWays));
  shapes_.resize(shapes);
  shape_words_.resize(shapes);
  classes_.push_back({std::string(kOther), HashBytes(kOther, kClassSeed)});
  class_of_.emplace(kOther, 0);
}

TemplateMiner::~TemplateMiner() = default;

uint32_t TemplateMiner::Source(std::string_view source) {
  const auto at_hand = class_of_source_.find(source);
  if (at_hand != class_of_source_.end()) return at_hand->second;
  if (class_of_source_.size() >= limits_.sources_max) class_of_source_.clear();
  const std::string name = ClassName(source);
  auto found = class_of_.find(name);
  if (found == class_of_.end()) {
    if (classes_.size() >= limits_.sources_max) {
      ++stats_.sources_over;
      return 0;
    }
    found = class_of_.emplace(name, static_cast<uint32_t>(classes_.size())).first;
    classes_.push_back({name, HashBytes(name, kClassSeed)});
  }
  class_of_source_.emplace(source, found->second);
  return found->second;
}

TemplateRef TemplateMiner::Add(std::string_view line, const LineOrigin& origin) {
  if (bytes_ > limits_.bytes_max) [[unlikely]]
    MakeRoom();
  ++stats_.lines;
  ScanLine(line, classes_[origin.source_class].seed, &shape_);
  Shape* const shape = FindShape(shape_.hash);
  if (shape == nullptr) return AddUnknown(line, origin);
  ++stats_.looked_up;
  Template* const of = slots_[shape->slot].get();
  shape->lines += origin.times;
  shape->used = change_;
  const uint64_t mask = shape->mask;
  Count(line, origin, of);
  CountValues(line, mask, origin.times, of);
  return {of->id, false};
}

TemplateRef TemplateMiner::AddUnknown(std::string_view line, const LineOrigin& origin) {
  SplitLine(line, shape_, origin.host, &words_);
  if (words_.cut) ++stats_.lines_cut;
  const Place place = PlaceOf(words_, origin.source_class);
  Template* of = Search(line, words_, place);
  bool is_new = false;
  if (of != nullptr) {
    of = Generalise(line, words_, of);
  } else {
    const uint64_t id = IdOf(line, words_, classes_[origin.source_class].name);
    of = Known(id);
    is_new = of == nullptr;
    if (is_new) {
      if (by_id_.size() >= limits_.templates_max) MakeRoom();
      of = Make(line, words_, origin.source_class, id);
      ++stats_.born;
      if (place.shared) ++stats_.shared_places;
    } else {
      // It is, but stands in no list any more.
      of = Generalise(line, words_, of);
    }
    PutAt(place, of);
  }
  PutShape(line, words_, origin.times, of);
  Count(line, origin, of);
  CountValues(line, words_.shape_mask, origin.times, of);
  return {of->id, is_new};
}

void TemplateMiner::Count(std::string_view line, const LineOrigin& origin, Template* of) {
  of->lines += origin.times;
  of->changed = ++change_;
  if (origin.at < of->first_seen) of->first_seen = origin.at;
  if (origin.at > of->last_seen) of->last_seen = origin.at;
  if (of->examples.size() < MinedTemplate::kExamplesMax) TakeExample(line, origin, of);
}

void TemplateMiner::TakeExample(std::string_view line, const LineOrigin& origin, Template* of) {
  if (!ValidId(origin.host)) return;
  // Of different hosts.
  for (const PatternExample& example : of->examples) {
    if (example.host.str() == origin.host) return;
  }
  PatternExample example;
  example.host = HostId(std::string(origin.host));
  example.source = std::string(origin.source);
  example.line = VisibleText(line.substr(0, kExampleLineBytesMax));
  CapText(&example.line, kExampleLineBytesMax);
  example.at = origin.at;
  const size_t bytes = sizeof(PatternExample) + example.line.size() + example.source.size();
  of->examples.push_back(std::move(example));
  of->bytes += bytes;
  bytes_ += bytes;
}

void TemplateMiner::CountValues(std::string_view line, uint64_t shape_mask, uint64_t times,
                                Template* of) {
  uint32_t variable = 0;
  size_t grown = 0;
  size_t at = 0;
  // What is no variable by itself is counted with the shape.
  for (uint64_t mask = of->variable_mask; mask != 0 && at < of->values.size(); mask &= mask - 1) {
    if ((shape_mask & mask & (0 - mask)) != 0) {
      grown += of->values[at].Add(shape_.variables[variable++].In(line), times);
    }
    ++at;
  }
  of->bytes += grown;
  bytes_ += grown;
}

// ---- Shapes ----

TemplateMiner::Shape* TemplateMiner::FindShape(uint64_t hash) {
  const size_t first = hash & (shapes_.size() - 1) & ~(kWays - 1);
  for (size_t i = first; i < first + kWays; ++i) {
    if (shapes_[i].hash != hash) continue;
    return slots_[shapes_[i].slot]->generation == shapes_[i].generation ? &shapes_[i] : nullptr;
  }
  return nullptr;
}

void TemplateMiner::PutShape(std::string_view line, const LineWords& words, uint64_t times,
                             Template* of) {
  const size_t first = shape_.hash & (shapes_.size() - 1) & ~(kWays - 1);
  size_t place = first;
  for (size_t i = first; i < first + kWays; ++i) {
    const Shape& shape = shapes_[i];
    const bool stale = shape.hash == 0 || slots_[shape.slot]->generation != shape.generation;
    if (stale || shape.hash == shape_.hash) {
      place = i;
      break;
    }
    if (shape.used < shapes_[place].used) place = i;
  }
  if (shapes_[place].hash != 0) {
    FoldShape(place);
    ++stats_.shapes_evicted;
  }
  shapes_[place] = {shape_.hash, words.shape_mask, times, of->slot, of->generation, change_};
  ShapeWords& known = shape_words_[place];
  known.mask = of->variable_mask & ~words.shape_mask;
  known.text.clear();
  for (uint64_t mask = known.mask; mask != 0; mask &= mask - 1) {
    const auto word = static_cast<size_t>(std::countr_zero(mask));
    const std::string_view text = words.words[word].span.In(line);
    known.text.append(text.substr(0, ValueCounts::kValueBytesMax)) += '\n';
  }
}

void TemplateMiner::FoldShape(size_t index) {
  Shape& shape = shapes_[index];
  Template* const of = slots_[shape.slot].get();
  const uint64_t lines = std::exchange(shape.lines, 0);
  if (lines == 0 || of->generation != shape.generation) return;
  of->folded_lines += lines;
  std::string_view known = shape_words_[index].text;
  size_t grown = 0;
  for (uint64_t mask = of->variable_mask & ~shape.mask; mask != 0; mask &= mask - 1) {
    const auto word = static_cast<size_t>(std::countr_zero(mask));
    // A word that became a variable later was the template's own when the shape was made.
    std::string_view value = of->WordAt(word);
    if ((shape_words_[index].mask >> word & 1) != 0) {
      const size_t end = known.find('\n');
      value = known.substr(0, end);
      known.remove_prefix(end + 1);
    }
    const size_t at = of->ValuesOf(word);
    if (at < of->values.size()) grown += of->values[at].Add(value, lines);
  }
  of->bytes += grown;
  bytes_ += grown;
}

// ---- The tree ----

uint64_t TemplateMiner::ChildKey(uint64_t parent, const LineWords& words, size_t word,
                                 bool* shared) const {
  const bool none = word >= words.count;
  const uint64_t key = none ? KeyOf(parent, 0) : KeyOf(parent, words.words[word].hash + word + 1);
  if (none || nodes_.contains(key)) return key;
  const auto found = nodes_.find(parent);
  if (found == nodes_.end() || found->second.children < limits_.children_max) return key;
  *shared = true;
  return KeyOf(parent, 0);
}

TemplateMiner::Place TemplateMiner::PlaceOf(const LineWords& words, uint32_t source_class) const {
  const uint64_t constants =
      ~words.variable_mask & (words.count == 64 ? ~uint64_t{0} : (uint64_t{1} << words.count) - 1);
  const auto first = static_cast<size_t>(std::countr_zero(constants));
  const auto second = static_cast<size_t>(std::countr_zero(constants & (constants - 1)));
  Place place;
  place.all = KeyOf(words.structure, classes_[source_class].seed);
  place.first = ChildKey(place.all, words, first, &place.shared);
  place.leaf = ChildKey(place.first, words, second, &place.shared);
  return place;
}

TemplateMiner::Template* TemplateMiner::Search(std::string_view line, const LineWords& words,
                                               const Place& place) {
  if (Template* const of = SearchNode(place.leaf, line, words, true)) return of;
  // One that differs where the tree looks first.
  Template* const of = SearchNode(place.all, line, words, false);
  if (of != nullptr) PutAt(place, of);
  return of;
}

TemplateMiner::Template* TemplateMiner::SearchNode(uint64_t key, std::string_view line,
                                                   const LineWords& words, bool near) {
  const auto found = nodes_.find(key);
  if (found == nodes_.end()) return nullptr;
  std::vector<uint32_t>& slots = found->second.slots;
  size_t best = slots.size();
  Likeness best_likeness;
  for (size_t i = slots.size(); i-- > 0;) {
    const Template& of = *slots_[slots[i]];
    const Likeness likeness = Compare(words, of);
    if (!likeness.Enough(near)) continue;
    if (best < slots.size() && likeness.score <= best_likeness.score) continue;
    if (Opposite(line, words, of)) continue;
    best = i;
    best_likeness = likeness;
  }
  if (best == slots.size()) return nullptr;
  const uint32_t slot = slots[best];
  std::rotate(slots.begin() + static_cast<std::ptrdiff_t>(best),
              slots.begin() + static_cast<std::ptrdiff_t>(best) + 1, slots.end());
  return slots_[slot].get();
}

void TemplateMiner::PutAt(const Place& place, Template* of) {
  constexpr size_t kNodesOfOneMax = 8;
  if (of->nodes.size() >= kNodesOfOneMax) return;
  PutInNode(place.all, 0, of);
  if (nodes_.try_emplace(place.first, Node{place.all, 0, {}}).second) {
    ++nodes_.at(place.all).children;
  }
  PutInNode(place.leaf, place.first, of);
}

void TemplateMiner::PutInNode(uint64_t key, uint64_t parent, Template* of) {
  const auto [found, fresh] = nodes_.try_emplace(key, Node{parent, 0, {}});
  Node& node = found->second;
  if (fresh && parent != 0) ++nodes_.at(parent).children;
  if (std::ranges::find(of->nodes, key) != of->nodes.end()) return;
  node.slots.push_back(of->slot);
  of->nodes.push_back(key);
  if (node.slots.size() <= std::max<size_t>(limits_.siblings_max, 1)) return;
  ++stats_.siblings_left;
  std::erase(slots_[node.slots.front()]->nodes, key);
  node.slots.erase(node.slots.begin());
}

void TemplateMiner::LeaveNode(uint64_t key, uint32_t slot) {
  auto found = nodes_.find(key);
  if (found == nodes_.end()) return;
  std::erase(found->second.slots, slot);
  while (found->second.slots.empty() && found->second.children == 0) {
    const uint64_t parent = found->second.parent;
    nodes_.erase(found);
    found = nodes_.find(parent);
    if (parent == 0 || found == nodes_.end()) return;
    --found->second.children;
  }
}

}  // namespace fleetmedic
