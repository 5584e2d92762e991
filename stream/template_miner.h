// Lines that no rule matches, mined into templates: "nvme «…»: I/O «…» QID «…» timeout, aborting".
// After Drain (He et al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS
// 2017), with a look-up before it. Pure.
//
//  1. A line whose words are all known but for those that are variables by themselves
//     (line_words.h) is one look-up by the hash of these words: no allocation, some 100 ns.
//  2. Else the tree: lines of one source class with as many words and the same between them, by
//     the first two words that are no variables; there, the template that shares the most words.
//     Where enough are shared, the words that differ become variables; a word that tells one state
//     from another ("up", "down") never does.
//  3. Else the line is a template of its own.
//
// Identity. A template's id is the SHA-256 of the source class and the first line's words, without
// its variables, so that every replica and every restart gives the same id to lines that differ in
// variables of line_words.h alone, in whatever order they come; the id stays when the template
// generalises, and when it was evicted and comes back. Which line comes first decides where words
// without digits differ ("user bob", "user alice"): two replicas then know the template by two ids,
// until one of them imports the other's. It goes on with the id that was seen first, the smaller of
// two in the same minute; the other is its alias and both replicas, given each other's templates,
// come to the same one.
//
// Limits. Everything has one, counted when it bites. When there are too many templates those go
// first that had fewer than kProvenLines lines, the least recently seen of them, so that a storm of
// unlike lines puts out its own templates and not those of the fleet.
//
// In a role: one miner for each thread; for each frame Source(frame.source) once, and for each line
// that no rule matched and that is a warning (line_level.h) Add. A new template's text is
// TextOf(*Find(id)). Export(change) from time to time is what the store keeps; Import(…, kTake) at
// the start of a partition, Import(…, kLearn) for what other replicas found.
#ifndef FLEETMEDIC_STREAM_TEMPLATE_MINER_H_
#define FLEETMEDIC_STREAM_TEMPLATE_MINER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "stream/line_words.h"
#include "stream/mined_template.h"
#include "stream/value_counts.h"

namespace fleetmedic {

struct TemplateLimits {
  size_t templates_max = 50'000;
  // Of the templates, their values and their examples.
  size_t bytes_max = size_t{256} << 20;
  // Known beginnings below one node of the tree; what is past it shares one place.
  size_t children_max = 100;
  // Templates that a line is compared with, the latest that matched.
  size_t siblings_max = 32;
  // Forms of lines that are found by one look-up; rounded up to a power of two.
  size_t shapes_max = size_t{1} << 17;
  size_t sources_max = 4096;  // more are of the class "other"
};

struct TemplateRef {
  uint64_t id = 0;
  bool is_new = false;

  bool operator==(const TemplateRef&) const = default;
};

// Where a line comes from. Views are read during the call alone.
struct LineOrigin {
  uint32_t source_class = 0;  // TemplateMiner::Source
  std::string_view source;    // LogFrame::source
  std::string_view host;
  WallTime at = kWallNever;  // the minute counts
  uint64_t times = 1;
};

// Owned by one thread.
class TemplateMiner {
 public:
  static constexpr uint64_t kProvenLines = 3;
  static constexpr size_t kExampleLineBytesMax = PatternExample::kLineBytesMax;

  explicit TemplateMiner(TemplateLimits limits = {});
  ~TemplateMiner();
  TemplateMiner(const TemplateMiner&) = delete;
  TemplateMiner& operator=(const TemplateMiner&) = delete;

  // The class of a source: as it is, but that parts with a digit are '*' ("docker-*.scope").
  uint32_t Source(std::string_view source);

  // The template of a line, without its end, of any bytes.
  TemplateRef Add(std::string_view line, const LineOrigin& origin);

  // By an id or an alias; none where it is not known (any more). Lines of variables that are words
  // without digits are counted as of the last Export.
  std::optional<MinedTemplate> Find(uint64_t id) const;
  // The id that a template goes by now; the same where it is no alias.
  uint64_t Resolve(uint64_t id) const;

  // Those that changed after `change`, which is 0 or what an earlier Change() was; by id.
  std::vector<MinedTemplate> Export(uint64_t change = 0);
  uint64_t Change() const { return change_; }

  // kTake: its lines and values are ours, as they were exported. kLearn: they are another
  // replica's; only what the template is is learnt. False where it is not well formed.
  enum class Counts : uint8_t { kTake, kLearn };
  bool Import(const MinedTemplate& mined, Counts counts);

  // Two templates were found to be one: {the id that is an alias now, the id that stays}. Since the
  // last call, the latest kMergesMax.
  static constexpr size_t kMergesMax = 1000;
  std::vector<std::pair<uint64_t, uint64_t>> TakeMerges();

  // Whether it is known by this very id.
  bool Has(uint64_t id) const { return by_id_.contains(id); }
  size_t templates() const { return by_id_.size(); }
  size_t bytes() const { return bytes_; }
  struct Stats {
    uint64_t lines = 0;
    uint64_t looked_up = 0;  // of them found by their shape
    uint64_t born = 0;
    uint64_t generalised = 0;
    uint64_t merged = 0;
    uint64_t evicted = 0;         // for templates_max or bytes_max
    uint64_t shapes_evicted = 0;  // for shapes_max
    uint64_t siblings_left = 0;   // not compared any more, for siblings_max
    uint64_t shared_places = 0;   // births below a node with children_max
    uint64_t lines_cut = 0;       // longer than is looked at
    uint64_t sources_over = 0;    // frames whose source is "other", for sources_max
  };
  const Stats& stats() const { return stats_; }

 private:
  struct Template;
  struct SourceClass {
    std::string name;
    uint64_t seed = 0;
  };
  // A form of lines that is known. Lines are counted here for the variables that are in the form
  // itself, words without digits, and brought to them when the form goes or is asked for.
  struct Shape {
    uint64_t hash = 0;  // 0: none
    uint64_t mask = 0;  // LineWords::shape_mask
    uint64_t lines = 0;
    uint32_t slot = 0;
    uint32_t generation = 0;
    uint64_t used = 0;
  };
  struct ShapeWords {
    uint64_t mask = 0;
    std::string text;  // of each word of the mask, ended by '\n'
  };
  // A place in the tree. The templates of a node in the middle are all below it.
  struct Node {
    uint64_t parent = 0;
    size_t children = 0;
    std::vector<uint32_t> slots;  // the latest that matched last
  };

  TemplateRef AddUnknown(std::string_view line, const LineOrigin& origin);
  void Count(std::string_view line, const LineOrigin& origin, Template* of);
  void CountValues(std::string_view line, uint64_t shape_mask, uint64_t times, Template* of);
  void TakeExample(std::string_view line, const LineOrigin& origin, Template* of);

  // How much of a line's words a template has.
  struct Likeness {
    double score = 0;        // of the constants, 0 to 1
    uint32_t constants = 0;  // words that are none in both

    // `near`: where the first words are the same.
    bool Enough(bool near) const;
  };
  static Likeness Compare(const LineWords& words, const Template& of);
  // Whether words that tell one state from another are among those that differ.
  static bool Opposite(std::string_view line, const LineWords& words, const Template& of);
  static uint64_t IdOf(std::string_view line, const LineWords& words,
                       std::string_view source_class);

  // The tree.
  struct Place {
    uint64_t all = 0;  // of its source class and structure
    uint64_t first = 0;
    uint64_t leaf = 0;
    bool shared = false;  // there was no room for one of its own
  };
  Place PlaceOf(const LineWords& words, uint32_t source_class) const;
  uint64_t ChildKey(uint64_t parent, const LineWords& words, size_t word, bool* shared) const;
  Template* Search(std::string_view line, const LineWords& words, const Place& place);
  Template* SearchNode(uint64_t key, std::string_view line, const LineWords& words, bool near);
  void PutAt(const Place& place, Template* of);
  void PutInNode(uint64_t key, uint64_t parent, Template* of);
  void LeaveNode(uint64_t key, uint32_t slot);

  Template* Make(std::string_view line, const LineWords& words, uint32_t source_class, uint64_t id);
  // The template, or the one that it turned out to be.
  Template* Generalise(std::string_view line, const LineWords& words, Template* of);
  void MakeVariable(size_t word, Template* of);
  Template* JoinEqual(Template* of);
  Template* Join(Template* a, Template* b);
  void Remove(Template* of);
  void MakeRoom();
  void AddAlias(uint64_t id, Template* of);
  void Rename(uint64_t id, Template* of);
  void NoteMerge(uint64_t from, uint64_t into);
  Template* Known(uint64_t id) const;

  Shape* FindShape(uint64_t hash);
  void PutShape(std::string_view line, const LineWords& words, uint64_t times, Template* of);
  void FoldShape(size_t index);

  MinedTemplate Describe(const Template& of) const;
  void TakeNames(const MinedTemplate& mined, Template* of);
  void TakeCounts(const MinedTemplate& mined, Template* of);

  const TemplateLimits limits_;
  std::vector<SourceClass> classes_;
  std::map<std::string, uint32_t, std::less<>> class_of_;         // by its name
  std::map<std::string, uint32_t, std::less<>> class_of_source_;  // kept at hand
  std::vector<std::unique_ptr<Template>> slots_;
  std::vector<uint32_t> free_slots_;
  std::unordered_map<uint64_t, uint32_t> by_id_;
  std::unordered_map<uint64_t, uint64_t> aliases_;
  std::unordered_map<uint64_t, Node> nodes_;
  std::vector<Shape> shapes_;
  std::vector<ShapeWords> shape_words_;  // of each of them
  std::vector<std::pair<uint64_t, uint64_t>> merges_;
  uint64_t change_ = 0;
  size_t bytes_ = 0;
  Stats stats_;
  // Kept so that a line allocates nothing.
  LineShape shape_;
  LineWords words_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_TEMPLATE_MINER_H_
