// How TemplateMiner's templates come, change and go, and how they are kept.
#include <algorithm>
#include <bit>
#include <tuple>
#include <utility>

#include "stream/template_parts.h"

namespace fleetmedic {
namespace {

// Of those that are put out at once: so that it is seldom.
constexpr size_t kEvictedShare = 16;
// New templates may be this share before they are put out for one another alone.
constexpr size_t kUnprovenShare = 4;

WallTime MinuteOf(WallTime at) {
  constexpr Micros kMinute = Minutes(1);
  const Micros since = at.time_since_epoch();
  const Micros into = ((since % kMinute) + kMinute) % kMinute;
  return WallTime(since - into);
}

}  // namespace

TemplateMiner::Template* TemplateMiner::Make(std::string_view line, const LineWords& words,
                                             uint32_t source_class, uint64_t id) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.push_back(std::make_unique<Template>());
    slots_.back()->slot = free_slots_.back();
  }
  Template* const of = slots_[free_slots_.back()].get();
  free_slots_.pop_back();
  of->id = id;
  of->source_class = source_class;
  of->cut = words.cut;
  of->structure = words.structure;
  of->variable_mask = words.variable_mask;
  of->spans.reserve(words.count);
  of->hashes.reserve(words.count);
  for (uint32_t i = 0; i < words.count; ++i) {
    of->text += GapBefore(line, words, i);
    const auto begin = static_cast<uint32_t>(of->text.size());
    of->text += words.words[i].span.In(line);
    of->spans.push_back({begin, static_cast<uint32_t>(of->text.size())});
    of->hashes.push_back(words.words[i].hash);
  }
  of->text += GapBefore(line, words, words.count);
  const auto variables = static_cast<size_t>(std::popcount(words.variable_mask));
  of->values.resize(std::min(variables, MinedTemplate::kVariablesMax));
  of->bytes = sizeof(Template) + of->text.size() +
              of->spans.size() * (sizeof(WordSpan) + sizeof(uint64_t)) +
              of->values.size() * sizeof(ValueCounts);
  // A variable that is a word without digits is counted with its shape; it has had its value.
  for (size_t i = 0; i < words.count; ++i) {
    const size_t at = of->ValuesOf(i);
    const bool in_shape = (words.shape_mask >> i & 1) != 0;
    if (!of->VariableAt(i) || in_shape || at >= of->values.size()) continue;
    of->bytes += of->values[at].Add(of->WordAt(i), 0);
  }
  bytes_ += of->bytes;
  by_id_.emplace(id, of->slot);
  return of;
}

void TemplateMiner::MakeVariable(size_t word, Template* of) {
  const size_t at = of->ValuesOf(word);
  of->variable_mask |= uint64_t{1} << word;
  if (at >= MinedTemplate::kVariablesMax) return;
  const size_t before = of->values.size();
  ValueCounts values;
  // The lines whose shapes are still known bring it with them.
  size_t grown = values.Add(of->WordAt(word), of->folded_lines);
  of->values.insert(of->values.begin() + static_cast<std::ptrdiff_t>(at), std::move(values));
  if (of->values.size() > MinedTemplate::kVariablesMax) of->values.pop_back();
  grown += (of->values.size() - before) * sizeof(ValueCounts);
  of->bytes += grown;
  bytes_ += grown;
}

TemplateMiner::Template* TemplateMiner::Generalise(std::string_view line, const LineWords& words,
                                                   Template* of) {
  bool changed = false;
  for (uint32_t i = 0; i < words.count; ++i) {
    const LineWord& word = words.words[i];
    if (!of->VariableAt(i)) {
      if (!word.variable && word.hash == of->hashes[i]) continue;
      MakeVariable(i, of);
      changed = true;
    }
    // Counted with the line's shape, but it has had this value from now on.
    const size_t at = of->ValuesOf(i);
    if ((words.shape_mask >> i & 1) != 0 || at >= of->values.size()) continue;
    const size_t grown = of->values[at].Add(word.span.In(line), 0);
    of->bytes += grown;
    bytes_ += grown;
  }
  if (!changed) return of;
  ++stats_.generalised;
  return JoinEqual(of);
}

TemplateMiner::Template* TemplateMiner::JoinEqual(Template* of) {
  const std::vector<uint64_t> nodes = of->nodes;
  for (const uint64_t key : nodes) {
    const auto found = nodes_.find(key);
    if (found == nodes_.end()) continue;
    for (const uint32_t slot : found->second.slots) {
      Template* const other = slots_[slot].get();
      bool same = other != of && other->structure == of->structure &&
                  other->source_class == of->source_class &&
                  other->variable_mask == of->variable_mask &&
                  other->hashes.size() == of->hashes.size();
      for (size_t i = 0; same && i < of->hashes.size(); ++i) {
        same = of->VariableAt(i) || of->hashes[i] == other->hashes[i];
      }
      if (same) return Join(of, other);
    }
  }
  return of;
}

TemplateMiner::Template* TemplateMiner::Join(Template* a, Template* b) {
  const auto age = [](const Template& of) {
    return std::make_tuple(MinuteOf(of.first_seen), of.id);
  };
  Template* const into = age(*a) < age(*b) ? a : b;
  Template* const from = into == a ? b : a;
  const size_t before = into->bytes;
  into->lines += from->lines;
  // Of the lines that shapes still held for `from`, the words are not known any more.
  into->folded_lines += from->lines;
  into->first_seen = std::min(into->first_seen, from->first_seen);
  into->last_seen = std::max(into->last_seen, from->last_seen);
  into->changed = ++change_;
  for (size_t i = 0; i < std::min(into->values.size(), from->values.size()); ++i) {
    into->bytes += into->values[i].Add(from->values[i]);
  }
  for (PatternExample& example : from->examples) {
    if (into->examples.size() == MinedTemplate::kExamplesMax) break;
    if (std::ranges::find(into->examples, example.host, &PatternExample::host) !=
        into->examples.end()) {
      continue;
    }
    into->bytes += sizeof(PatternExample) + example.line.size() + example.source.size();
    into->examples.push_back(std::move(example));
  }
  bytes_ += into->bytes - before;
  std::vector<uint64_t> renamed = std::exchange(from->aliases, {});
  renamed.push_back(from->id);
  NoteMerge(from->id, into->id);
  Remove(from);
  for (const uint64_t id : renamed) AddAlias(id, into);
  return into;
}

void TemplateMiner::AddAlias(uint64_t id, Template* of) {
  if (id == of->id || by_id_.contains(id)) return;
  if (std::ranges::find(of->aliases, id) != of->aliases.end()) return;
  if (aliases_.size() >= limits_.templates_max && of->aliases.empty()) return;
  if (of->aliases.size() == MinedTemplate::kAliasesMax ||
      aliases_.size() >= limits_.templates_max) {
    aliases_.erase(of->aliases.front());
    of->aliases.erase(of->aliases.begin());
  }
  if (!aliases_.emplace(id, of->id).second) return;  // another's
  of->aliases.push_back(id);
}

void TemplateMiner::Remove(Template* of) {
  for (const uint64_t key : std::exchange(of->nodes, {})) LeaveNode(key, of->slot);
  by_id_.erase(of->id);
  for (const uint64_t id : of->aliases) aliases_.erase(id);
  bytes_ -= of->bytes;
  const uint32_t slot = of->slot;
  const uint32_t generation = of->generation + 1;
  *of = Template();
  of->slot = slot;
  of->generation = generation;
  free_slots_.push_back(slot);
}

void TemplateMiner::MakeRoom() {
  std::vector<std::pair<uint64_t, uint32_t>> unproven;
  std::vector<std::pair<uint64_t, uint32_t>> all;
  for (const std::unique_ptr<Template>& of : slots_) {
    if (of->id == 0) continue;
    all.emplace_back(of->changed, of->slot);
    if (of->lines < kProvenLines) unproven.emplace_back(of->changed, of->slot);
  }
  if (all.empty()) return;
  const size_t count = std::min(all.size(), all.size() / kEvictedShare + 1);
  auto& from = unproven.size() >= std::max(count, all.size() / kUnprovenShare) ? unproven : all;
  const auto end = from.begin() + static_cast<std::ptrdiff_t>(count);
  std::nth_element(from.begin(), end - 1, from.end());
  std::for_each(from.begin(), end, [this](const auto& one) { Remove(slots_[one.second].get()); });
  stats_.evicted += count;
}

TemplateMiner::Template* TemplateMiner::Known(uint64_t id) const {
  const auto found = by_id_.find(Resolve(id));
  return found == by_id_.end() ? nullptr : slots_[found->second].get();
}

uint64_t TemplateMiner::Resolve(uint64_t id) const {
  const auto alias = aliases_.find(id);
  return alias == aliases_.end() ? id : alias->second;
}

std::vector<std::pair<uint64_t, uint64_t>> TemplateMiner::TakeMerges() {
  return std::exchange(merges_, {});
}

std::optional<MinedTemplate> TemplateMiner::Find(uint64_t id) const {
  const Template* const of = Known(id);
  if (of == nullptr) return std::nullopt;
  return Describe(*of);
}

MinedTemplate TemplateMiner::Describe(const Template& of) const {
  MinedTemplate mined;
  mined.id = of.id;
  mined.aliases = of.aliases;
  mined.source_class = classes_[of.source_class].name;
  size_t at = 0;
  for (size_t i = 0; i < of.spans.size(); ++i) {
    const auto [begin, end] = of.spans[i];
    mined.words.push_back(
        {of.text.substr(at, begin - at), std::string(of.WordAt(i)), of.VariableAt(i)});
    at = end;
  }
  mined.end = of.text.substr(at);
  mined.cut = of.cut;
  if (of.first_seen != WallTime::max()) mined.first_seen = MinuteOf(of.first_seen);
  mined.last_seen = MinuteOf(of.last_seen);
  mined.lines = of.lines;
  for (uint32_t i = 0; i < of.spans.size(); ++i) {
    const size_t values = of.ValuesOf(i);
    if (!of.VariableAt(i) || values >= of.values.size()) continue;
    const ValueCounts& counts = of.values[values];
    mined.values.push_back(
        {i, counts.total(), counts.Distinct(), counts.Values(), counts.Registers()});
  }
  mined.examples = of.examples;
  return mined;
}

std::vector<MinedTemplate> TemplateMiner::Export(uint64_t change) {
  for (size_t i = 0; i < shapes_.size(); ++i) {
    if (shapes_[i].hash != 0) FoldShape(i);
  }
  std::vector<MinedTemplate> all;
  for (const std::unique_ptr<Template>& of : slots_) {
    if (of->id != 0 && of->changed > change) all.push_back(Describe(*of));
  }
  std::ranges::sort(all, {}, &MinedTemplate::id);
  return all;
}

namespace {

// The words of a template as those of a line, which is put together in `text`. False where no line
// has such words.
bool WordsOf(const MinedTemplate& mined, std::string* text, LineWords* words) {
  if (mined.id == 0 || mined.words.size() > LineWords::kWordsMax) return false;
  const auto is_gap = [](std::string_view gap) {
    return std::ranges::all_of(gap, IsWordDelimiter);
  };
  words->count = static_cast<uint32_t>(mined.words.size());
  words->cut = mined.cut;
  words->shape_mask = 0;
  words->variable_mask = 0;
  for (uint32_t i = 0; i < words->count; ++i) {
    const MinedTemplate::Word& word = mined.words[i];
    const bool plain = std::ranges::none_of(word.text, IsWordDelimiter);
    const bool joined = i == 0 || !word.gap.empty() || mined.words[i - 1].variable;
    if (word.text.empty() || !is_gap(word.gap) || !(plain || word.variable) || !joined)
      return false;
    if (word.text.find('\n') != std::string::npos) return false;
    *text += word.gap;
    LineWord& into = words->words[i];
    into.span.begin = static_cast<uint32_t>(text->size());
    *text += word.text;
    into.span.end = static_cast<uint32_t>(text->size());
    into.variable = word.variable;
    into.hash = WordHash(word.text);
    if (word.variable) words->variable_mask |= uint64_t{1} << i;
  }
  *text += mined.end;
  if (!is_gap(mined.end) || text->size() > 2 * LineShape::kBytesMax) return false;
  words->bytes = static_cast<uint32_t>(text->size());
  words->structure = StructureOf(*text, *words);
  return true;
}

}  // namespace

bool TemplateMiner::Import(const MinedTemplate& mined, Counts counts) {
  std::string text;
  if (!WordsOf(mined, &text, &words_)) return false;
  // Its values come by themselves.
  if (counts == Counts::kTake) words_.shape_mask = words_.variable_mask;
  const uint32_t source_class = Source(mined.source_class);
  const Place place = PlaceOf(words_, source_class);
  Template* of = Known(mined.id);
  // One of that name that is another: nobody's state of ours.
  if (of != nullptr && (of->structure != words_.structure || of->source_class != source_class ||
                        of->hashes.size() != words_.count)) {
    return false;
  }
  if (of == nullptr) of = Search(text, words_, place);
  const auto told = [](const Template& one) {
    return std::make_tuple(one.id, one.variable_mask, one.aliases.size(), one.first_seen);
  };
  const auto before =
      of == nullptr ? std::make_tuple(uint64_t{0}, uint64_t{0}, size_t{0}, WallTime()) : told(*of);
  if (of != nullptr) {
    of = Generalise(text, words_, of);
  } else {
    if (by_id_.size() >= limits_.templates_max) MakeRoom();
    of = Make(text, words_, source_class, mined.id);
  }
  PutAt(place, of);
  TakeNames(mined, of);
  if (counts == Counts::kTake) TakeCounts(mined, of);
  // What says nothing new is not told on, or two replicas would tell each other for ever.
  if (told(*of) != before) of->changed = ++change_;
  return true;
}

void TemplateMiner::TakeNames(const MinedTemplate& mined, Template* of) {
  const bool dated = mined.first_seen != kWallNever;
  const WallTime first = dated ? mined.first_seen : WallTime::max();
  if (Resolve(mined.id) != of->id) {
    // Both are one: the one that was seen first gives the name.
    const bool theirs =
        std::make_tuple(first, mined.id) < std::make_tuple(MinuteOf(of->first_seen), of->id);
    const uint64_t loser = theirs ? of->id : mined.id;
    if (theirs) Rename(mined.id, of);
    AddAlias(loser, of);
    NoteMerge(loser, of->id);
  }
  for (const uint64_t id : mined.aliases) AddAlias(id, of);
  of->first_seen = std::min(of->first_seen, first);
}

void TemplateMiner::NoteMerge(uint64_t from, uint64_t into) {
  ++stats_.merged;
  merges_.emplace_back(from, into);
  if (merges_.size() > kMergesMax) merges_.erase(merges_.begin());
}

void TemplateMiner::Rename(uint64_t id, Template* of) {
  by_id_.erase(of->id);
  of->id = id;
  by_id_.emplace(id, of->slot);
  for (const uint64_t alias : of->aliases) aliases_[alias] = id;
}

void TemplateMiner::TakeCounts(const MinedTemplate& mined, Template* of) {
  of->lines += mined.lines;
  of->folded_lines += mined.lines;
  of->last_seen = std::max(of->last_seen, mined.last_seen);
  of->changed = ++change_;
  size_t grown = 0;
  for (const MinedTemplate::Values& values : mined.values) {
    ValueCounts counts;
    const bool there = values.word < of->spans.size() && of->VariableAt(values.word);
    const size_t at = there ? of->ValuesOf(values.word) : of->values.size();
    if (at >= of->values.size()) continue;
    if (!ValueCounts::Restore(values.lines, values.values, values.registers, &counts)) continue;
    grown += of->values[at].Add(counts);
  }
  for (const PatternExample& example : mined.examples) {
    if (of->examples.size() >= MinedTemplate::kExamplesMax) break;
    if (std::ranges::find(of->examples, example.host, &PatternExample::host) !=
        of->examples.end()) {
      continue;
    }
    of->examples.push_back(example);
    grown += sizeof(PatternExample) + example.line.size() + example.source.size();
  }
  of->bytes += grown;
  bytes_ += grown;
}

}  // namespace fleetmedic
