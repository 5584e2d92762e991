// Thousands of literals looked for in a text at once, at a cost near that of reading it. Pure.
//
// Of each literal four neighbouring windows of four bytes are known, so that a text that is looked
// at only at every fourth byte shows one of them wherever the literal begins. A look is one bit of
// a table that stays in the nearest cache; where it is set, the window and then the literal are
// compared in full. What makes this quick is that the windows are rare in the text: GramCounts
// learns which are.
#ifndef FLEETMEDIC_STREAM_LITERAL_SIEVE_H_
#define FLEETMEDIC_STREAM_LITERAL_SIEVE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "stream/literals.h"

namespace fleetmedic {

// How often each four bytes stand in the texts seen so far, letters in either case. Counts are
// kept in a fixed number of places that some share, so they are at least what is true.
class GramCounts {
 public:
  GramCounts();

  // Counts every place of the text; costs about a nanosecond a byte.
  void Learn(std::string_view text);
  // Of all places of texts, the share that has these four bytes. What was never seen is guessed
  // from its characters.
  double Share(std::string_view four_bytes) const;
  // Of all places, the share whose four bytes a sieve may take for these at first sight.
  double CrowdShare(std::string_view four_bytes) const;
  // Places learnt from; halved, with all counts, when they grow large.
  uint64_t places() const { return places_; }

  static constexpr int kBits = 17;
  static constexpr int kCrowdBits = 13;
  static constexpr uint64_t kPlacesMax = uint64_t{1} << 27;

 private:
  std::vector<uint32_t> counts_;
  uint64_t places_ = 0;
};

// Where the windows of a literal are, and what they cost.
struct SieveWindow {
  // Of the first of the four, from the literal's begin. A literal of fewer than seven bytes has
  // windows that reach one byte out of it, on either side: those are known with every byte there.
  int offset = 0;
  // Of all bytes of a text, the share at which a look leads to a comparison, as far as the counts
  // tell.
  double share = 0;
};

// Immutable, thread-safe. Literals are numbered from 0 in the order given.
class LiteralSieve {
 public:
  static constexpr size_t kBytesMin = 5;
  // The windows of the least share. Requires a literal of at least kBytesMin bytes.
  static SieveWindow BestWindow(const Literal& literal, const GramCounts& counts);

  struct Entry {
    Literal literal;
    int offset = 0;  // BestWindow's
  };
  explicit LiteralSieve(std::span<const Entry> entries);

  // Calls `found` for each occurrence, each once, overlapping ones too. The begins are in order but
  // for occurrences that overlap. The text is at most 2 GiB.
  void Scan(std::string_view text,
            absl::FunctionRef<void(size_t literal, size_t begin)> found) const;

  size_t bytes() const;

  // How the text is looked at; the plain way is for processors without AVX2, and for tests.
  enum class Way { kBest, kPlain };
  void ScanBy(Way way, std::string_view text,
              absl::FunctionRef<void(size_t literal, size_t begin)> found) const;

 private:
  static constexpr uint32_t kNone = 0xffffffff;
  struct Place {
    uint32_t literal = kNone;
    int32_t offset = 0;  // of the window in the literal
  };
  // A window, letters in either case, in a table with open addresses.
  struct Slot {
    uint32_t gram = 0;
    // The two bytes before the window and the two behind it, where the literal reaches that far.
    uint32_t sides = 0;
    uint32_t sides_mask = 0;
    Place place;
    bool used() const { return place.literal != kNone; }
  };
  struct Found;

  template <typename Look>
  void ScanBatches(std::string_view text, Found* found, Look look) const;
  void ScanPlainly(std::string_view text, Found* found) const;
  void ScanWide(std::string_view text, Found* found) const;
  // The begin and the end of the text, where a window may reach out of it. At most two blocks.
  void ScanApart(std::string_view text, size_t from, size_t to, Found* found) const;
  void AddToTable(uint32_t gram, const Place& place);
  void AddToSlots(uint32_t gram, const Place& place);
  // `here` is the place in the text, or in a copy that has bytes around it.
  void Suspect(std::string_view text, size_t at, const char* here, Found* found) const;
  bool Holds(std::string_view text, size_t begin, uint32_t literal) const;

  std::vector<Literal> literals_;
  std::vector<uint32_t> words_;
  int shift_ = 0;
  std::vector<Slot> slots_;  // a power of two
  int slot_shift_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_LITERAL_SIEVE_H_
