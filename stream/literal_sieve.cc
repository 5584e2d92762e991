#include "stream/literal_sieve.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/result.h"

namespace fleetmedic {
namespace {

constexpr size_t kGramBytes = 4;
// Every this many bytes the text is looked at.
constexpr size_t kStep = 4;
// What is looked at before anything is decided.
constexpr size_t kBlockBytes = 64;
// Letters in either case are one; other bytes that become one with this cost a comparison.
constexpr uint32_t kFold = 0x20202020;
constexpr uint32_t kMultiplier = 0x9E3779B1;  // 2^32 over the golden ratio
// A word of the table is that of a window's hash. Eight of its bits are for more of the hash, eight
// for the two bytes before the window, and sixteen for the two behind it; one of each is a
// window's.
constexpr size_t kSideBytes = 2;
constexpr uint32_t kSideMultiplier = 0x9E3B;
constexpr int kOwnLog = 3;
constexpr int kBeforeLog = 3;
constexpr int kBehindLog = 4;
constexpr uint32_t kOwnBits = 1u << kOwnLog;
constexpr uint32_t kBeforeBits = 1u << kBeforeLog;
constexpr uint32_t kBehindBits = 1u << kBehindLog;
constexpr uint32_t kBeforeAt = kOwnBits;
constexpr uint32_t kBehindAt = kOwnBits + kBeforeBits;
static_assert(kOwnBits + kBeforeBits + kBehindBits == 32);
constexpr uint32_t kAnyBefore = ((1u << kBeforeBits) - 1) << kBeforeAt;
constexpr uint32_t kAnyBehind = ((1u << kBehindBits) - 1) << kBehindAt;
constexpr int kWordsLogMin = GramCounts::kCrowdBits;
constexpr int kWordsLogMax = 18;
// Places that the guess from characters weighs like.
constexpr double kGuessedPlaces = 4096;

uint32_t GramAt(const char* text) {
  uint32_t gram;
  std::memcpy(&gram, text, sizeof(gram));
  return gram | kFold;
}
uint32_t Hash(uint32_t gram) { return gram * kMultiplier; }

uint16_t SideAt(const char* side) {
  uint16_t bytes;
  std::memcpy(&bytes, side, sizeof(bytes));
  return bytes | (kFold & 0xffff);
}

// Of two bytes, as many bits as asked for.
uint32_t SideHash(const char* side, int bits) {
  const uint32_t product = SideAt(side) * kSideMultiplier;
  return (product & 0xffff) >> (16 - bits);
}
// Which bits of its word are those of the window at `text`.
uint32_t OwnBit(uint32_t hash, int shift) { return (hash >> (shift - kOwnLog)) % kOwnBits; }
uint32_t BeforeBit(const char* text) { return kBeforeAt + SideHash(text - kSideBytes, kBeforeLog); }
uint32_t BehindBit(const char* text) { return kBehindAt + SideHash(text + kGramBytes, kBehindLog); }

// Whether the window at `text`, with these two bytes before and behind it, is known.
bool Known(const uint32_t* words, int shift, const char* text) {
  const uint32_t hash = Hash(GramAt(text));
  const uint32_t word = words[hash >> shift];
  return ((word >> OwnBit(hash, shift)) & (word >> BeforeBit(text)) & (word >> BehindBit(text)) &
          1) != 0;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// How many of a log's characters are this one, roughly.
double GuessedShare(char c) {
  static constexpr std::string_view kOften = " etaoinsr0123456789";
  static constexpr std::string_view kSometimes = "lcdhumpgfbyvwk-.:=\"/_,";
  c = Lower(c);
  if (kOften.find(c) != std::string_view::npos) return 0.035;
  if (kSometimes.find(c) != std::string_view::npos) return 0.012;
  return 0.002;
}

// Whether the two bytes before the window, or behind it, are the literal's too.
bool HasBefore(int offset) { return offset >= static_cast<int>(kSideBytes); }
bool HasBehind(int length, int offset) {
  return offset >= 0 && offset + static_cast<int>(kGramBytes + kSideBytes) <= length;
}

// The windows at `offset`: calls `window` with each gram that the text may show there.
template <typename Visit>
void ForEachGram(std::string_view literal, int offset, Visit visit) {
  std::array<char, kGramBytes> bytes{};
  const auto length = static_cast<int>(literal.size());
  if (offset >= 0 && offset + static_cast<int>(kGramBytes) <= length) {
    std::memcpy(bytes.data(), literal.data() + offset, kGramBytes);
    return visit(bytes);
  }
  const size_t unknown = offset < 0 ? 0 : kGramBytes - 1;
  const size_t from = offset < 0 ? 0 : static_cast<size_t>(offset);
  std::memcpy(bytes.data() + (offset < 0 ? 1 : 0), literal.data() + from, kGramBytes - 1);
  // Bytes that are one when folded are asked for once.
  for (int byte = 0; byte < 256; ++byte) {
    if ((byte & 0x20) == 0) continue;
    bytes[unknown] = static_cast<char>(byte);
    visit(bytes);
  }
}

constexpr size_t kBatchBlocks = 128;

// Blocks with a window that is known: which of them, and by bit i the window at the block's 4 i.
struct Suspects {
  std::array<uint32_t, kBatchBlocks + 1> known{};
  std::array<uint32_t, kBatchBlocks + 1> blocks{};
  size_t count = 0;

  // Without a branch.
  void Note(size_t block, uint32_t known_windows) {
    known[count] = known_windows;
    blocks[count] = static_cast<uint32_t>(block);
    count += known_windows != 0 ? 1 : 0;
  }
};

#if defined(__x86_64__)
// Bit i of the answer: the window at text + 4 i is known. Reads two bytes before `text` and 68 from
// there.
__attribute__((target("avx2"))) inline uint32_t LookAtBlock(const char* text, const uint32_t* words,
                                                            int shift) {
  const __m256i fold = _mm256_set1_epi32(static_cast<int>(kFold));
  const __m256i multiplier = _mm256_set1_epi32(static_cast<int>(kMultiplier));
  // Of each four bytes the two lower ones alone.
  const __m256i side_multiplier = _mm256_set1_epi32(kSideMultiplier);
  const __m256i own_mask = _mm256_set1_epi32(kOwnBits - 1);
  const __m256i before_at = _mm256_set1_epi32(kBeforeAt);
  const __m256i behind_at = _mm256_set1_epi32(kBehindAt);
  const __m128i to_word = _mm_cvtsi32_si128(shift);
  const __m128i to_own = _mm_cvtsi32_si128(shift - kOwnLog);
  const auto load = [&fold](const char* at) __attribute__((target("avx2"))) {
    return _mm256_or_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)), fold);
  };
  uint32_t known = 0;
  for (int i = 0; i < 2; ++i, text += sizeof(__m256i)) {
    const __m256i hash = _mm256_mullo_epi32(load(text), multiplier);
    const __m256i own = _mm256_and_si256(_mm256_srl_epi32(hash, to_own), own_mask);
    const __m256i before = _mm256_srli_epi32(
        _mm256_mullo_epi16(load(text - kSideBytes), side_multiplier), 16 - kBeforeLog);
    const __m256i behind = _mm256_srli_epi32(
        _mm256_mullo_epi16(load(text + kGramBytes), side_multiplier), 16 - kBehindLog);
    const __m256i word = _mm256_i32gather_epi32(reinterpret_cast<const int*>(words),
                                                _mm256_srl_epi32(hash, to_word), sizeof(uint32_t));
    const __m256i sides =
        _mm256_and_si256(_mm256_srlv_epi32(word, _mm256_add_epi32(before, before_at)),
                         _mm256_srlv_epi32(word, _mm256_add_epi32(behind, behind_at)));
    const __m256i both = _mm256_and_si256(_mm256_srlv_epi32(word, own), sides);
    const int mask = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_slli_epi32(both, 31)));
    known |= static_cast<uint32_t>(mask) << (8 * i);
  }
  return known;
}

__attribute__((target("avx2"))) void LookAtBlocks(const char* text, size_t blocks,
                                                  const uint32_t* words, int shift,
                                                  Suspects* suspects) {
  for (size_t i = 0; i < blocks; ++i) {
    suspects->Note(i, LookAtBlock(text + i * kBlockBytes, words, shift));
  }
}

bool HasWide() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}
#else
bool HasWide() { return false; }
#endif

}  // namespace

GramCounts::GramCounts() : counts_(size_t{1} << kBits) {}

void GramCounts::Learn(std::string_view text) {
  if (text.size() < kGramBytes) return;
  if (places_ >= kPlacesMax) {
    for (uint32_t& count : counts_) count /= 2;
    places_ /= 2;
  }
  const size_t places = text.size() - kGramBytes + 1;
  for (size_t i = 0; i < places; ++i) ++counts_[Hash(GramAt(text.data() + i)) >> (32 - kBits)];
  places_ += places;
}

double GramCounts::Share(std::string_view four_bytes) const {
  double guess = kGuessedPlaces;
  for (const char c : four_bytes.substr(0, kGramBytes)) guess *= GuessedShare(c);
  const double seen = counts_[Hash(GramAt(four_bytes.data())) >> (32 - kBits)];
  return (seen + guess) / (static_cast<double>(places_) + kGuessedPlaces);
}

double GramCounts::CrowdShare(std::string_view four_bytes) const {
  constexpr size_t kTogether = size_t{1} << (kBits - kCrowdBits);
  const size_t first = (Hash(GramAt(four_bytes.data())) >> (32 - kCrowdBits)) * kTogether;
  double seen = 0;
  for (size_t i = first; i < first + kTogether; ++i) seen += counts_[i];
  return seen / (static_cast<double>(places_) + kGuessedPlaces);
}

SieveWindow LiteralSieve::BestWindow(const Literal& literal, const GramCounts& counts) {
  FLEETMEDIC_CHECK(literal.text.size() >= kBytesMin);
  const auto length = static_cast<int>(literal.text.size());
  // Of the windows from -1 on, and of all that share a word with them.
  std::vector<double> shares;
  std::vector<double> crowds;
  for (int offset = -1; offset + static_cast<int>(kGramBytes) <= length + 1; ++offset) {
    shares.push_back(0);
    crowds.push_back(0);
    ForEachGram(literal.text, offset, [&](const std::array<char, kGramBytes>& gram) {
      shares.back() += counts.Share({gram.data(), gram.size()});
      crowds.back() += counts.CrowdShare({gram.data(), gram.size()});
    });
  }
  // How often a window is there with what is at its sides, or is taken to be for others of its
  // word.
  const auto cost = [&](int offset) {
    const double* at = &shares[static_cast<size_t>(offset + 1)];
    double with_sides = *at;
    double others = crowds[static_cast<size_t>(offset + 1)] / kOwnBits;
    if (HasBefore(offset)) {
      with_sides = std::min(with_sides, *(at - kSideBytes));
      others /= kBeforeBits;
    }
    if (HasBehind(length, offset)) {
      with_sides = std::min(with_sides, *(at + kSideBytes));
      others /= kBehindBits;
    }
    return with_sides + others;
  };
  // Longer ones have no need of windows that reach out.
  const bool inside = length >= static_cast<int>(kGramBytes + kStep) - 1;
  const int last = (inside ? length : length + 1) - static_cast<int>(kGramBytes + kStep) + 1;
  SieveWindow best{0, std::numeric_limits<double>::infinity()};
  for (int first = inside ? 0 : -1; first <= last; ++first) {
    double share = 0;
    for (int i = 0; i < static_cast<int>(kStep); ++i) share += cost(first + i) / kStep;
    if (share < best.share) best = {first, share};
  }
  return best;
}

LiteralSieve::LiteralSieve(std::span<const Entry> entries) {
  std::vector<std::pair<uint32_t, Place>> windows;
  for (const Entry& entry : entries) {
    const auto literal = static_cast<uint32_t>(literals_.size());
    literals_.push_back(entry.literal);
    for (size_t i = 0; i < kStep; ++i) {
      const int offset = entry.offset + static_cast<int>(i);
      ForEachGram(entry.literal.text, offset, [&](const std::array<char, kGramBytes>& gram) {
        windows.push_back({GramAt(gram.data()), {literal, offset}});
      });
    }
  }
  std::ranges::sort(windows, {}, [](const auto& window) {
    return std::tuple(window.first, window.second.literal, window.second.offset);
  });
  const int log =
      std::clamp(static_cast<int>(std::bit_width(windows.size())), kWordsLogMin, kWordsLogMax);
  shift_ = 32 - log;
  words_.resize(size_t{1} << log);
  // A third stays free, so that what is not there is soon told.
  slots_.resize(std::bit_ceil(windows.size() * 3 / 2 + 2));
  slot_shift_ = 32 - std::countr_zero(slots_.size());
  for (const auto& [gram, place] : windows) {
    AddToTable(gram, place);
    AddToSlots(gram, place);
  }
}

void LiteralSieve::AddToSlots(uint32_t gram, const Place& place) {
  const std::string& text = literals_[place.literal].text;
  const char* window = text.data() + place.offset;
  Slot slot{gram, 0, 0, place};
  if (HasBefore(place.offset)) {
    slot.sides |= SideAt(window - kSideBytes);
    slot.sides_mask |= 0xffff;
  }
  if (HasBehind(static_cast<int>(text.size()), place.offset)) {
    slot.sides |= uint32_t{SideAt(window + kGramBytes)} << 16;
    slot.sides_mask |= 0xffff0000;
  }
  size_t at = Hash(gram) >> slot_shift_;
  while (slots_[at].used()) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = slot;
}

void LiteralSieve::AddToTable(uint32_t gram, const Place& place) {
  const std::string& text = literals_[place.literal].text;
  const char* window = text.data() + place.offset;
  const uint32_t hash = Hash(gram);
  uint32_t* word = &words_[hash >> shift_];
  *word |= 1u << OwnBit(hash, shift_);
  // Where the literal does not reach, anything may be.
  *word |= HasBefore(place.offset) ? 1u << BeforeBit(window) : kAnyBefore;
  *word |=
      HasBehind(static_cast<int>(text.size()), place.offset) ? 1u << BehindBit(window) : kAnyBehind;
}

struct LiteralSieve::Found {
  absl::FunctionRef<void(size_t, size_t)> call;
};

void LiteralSieve::Scan(std::string_view text,
                        absl::FunctionRef<void(size_t literal, size_t begin)> found) const {
  ScanBy(Way::kBest, text, found);
}

void LiteralSieve::ScanBy(Way way, std::string_view text,
                          absl::FunctionRef<void(size_t literal, size_t begin)> found) const {
  FLEETMEDIC_CHECK(text.size() <= std::numeric_limits<int32_t>::max());
  if (literals_.empty()) return;
  Found to{found};
  if (way == Way::kBest && HasWide()) {
    ScanWide(text, &to);
  } else {
    ScanPlainly(text, &to);
  }
}

// A batch of blocks is looked at before any suspect is: a guess of the processor's that goes wrong
// on a table's word, which comes late, throws away the looks behind it.
void LiteralSieve::ScanPlainly(std::string_view text, Found* found) const {
  ScanBatches(text, found, [this](const char* from, size_t blocks, Suspects* suspects) {
    for (size_t block = 0; block < blocks; ++block) {
      uint32_t known = 0;
#pragma GCC unroll 16
      for (size_t i = 0; i < kBlockBytes / kStep; ++i) {
        const bool one = Known(words_.data(), shift_, from + block * kBlockBytes + kStep * i);
        known |= (one ? 1u : 0u) << i;
      }
      suspects->Note(block, known);
    }
  });
}

#if defined(__x86_64__)
void LiteralSieve::ScanWide(std::string_view text, Found* found) const {
  ScanBatches(text, found, [this](const char* from, size_t blocks, Suspects* suspects) {
    LookAtBlocks(from, blocks, words_.data(), shift_, suspects);
  });
}
#else
void LiteralSieve::ScanWide(std::string_view text, Found* found) const { ScanPlainly(text, found); }
#endif

template <typename Look>
void LiteralSieve::ScanBatches(std::string_view text, Found* found, Look look) const {
  size_t at = std::min(kBlockBytes, text.size());
  ScanApart(text, 0, at, found);
  Suspects suspects;
  while (at + kBlockBytes + kGramBytes <= text.size()) {
    const size_t blocks = std::min((text.size() - at - kGramBytes) / kBlockBytes, kBatchBlocks);
    suspects.count = 0;
    look(text.data() + at, blocks, &suspects);
    for (size_t i = 0; i < suspects.count; ++i) {
      const size_t block = at + kBlockBytes * suspects.blocks[i];
      for (uint32_t known = suspects.known[i]; known != 0; known &= known - 1) {
        const size_t one = block + kStep * static_cast<size_t>(std::countr_zero(known));
        Suspect(text, one, text.data() + one, found);
      }
    }
    at += blocks * kBlockBytes;
  }
  ScanApart(text, at, text.size(), found);
}

void LiteralSieve::ScanApart(std::string_view text, size_t from, size_t to, Found* found) const {
  // What is before the text and behind it reads as zeros, where anything may be.
  std::array<char, kSideBytes + 2 * kBlockBytes + 2 * kGramBytes> apart{};
  const size_t first = from - std::min(from, kSideBytes);
  const size_t bytes = std::min(text.size(), to + kGramBytes + kSideBytes) - first;
  char* const begin = apart.data() + kSideBytes - (from - first);
  std::memcpy(begin, text.data() + first, bytes);
  for (size_t at = from; at < to; at += kStep) {
    const char* here = begin + (at - first);
    if (Known(words_.data(), shift_, here)) Suspect(text, at, here, found);
  }
}

void LiteralSieve::Suspect(std::string_view text, size_t at, const char* here, Found* found) const {
  const uint32_t gram = GramAt(here);
  const uint32_t sides = SideAt(here - kSideBytes) | uint32_t{SideAt(here + kGramBytes)} << 16;
  for (size_t i = Hash(gram) >> slot_shift_; slots_[i].used(); i = (i + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[i];
    if (slot.gram != gram || ((slot.sides ^ sides) & slot.sides_mask) != 0) continue;
    const auto begin = static_cast<int64_t>(at) - slot.place.offset;
    if (begin < 0 || !Holds(text, static_cast<size_t>(begin), slot.place.literal)) continue;
    found->call(slot.place.literal, static_cast<size_t>(begin));
  }
}

bool LiteralSieve::Holds(std::string_view text, size_t begin, uint32_t literal) const {
  const Literal& wanted = literals_[literal];
  if (text.size() - begin < wanted.text.size()) return false;
  const char* there = text.data() + begin;
  if (!wanted.ignore_case) return std::memcmp(there, wanted.text.data(), wanted.text.size()) == 0;
  for (size_t i = 0; i < wanted.text.size(); ++i) {
    if (Lower(there[i]) != wanted.text[i]) return false;
  }
  return true;
}

size_t LiteralSieve::bytes() const {
  size_t bytes = words_.size() * sizeof(words_[0]) + slots_.size() * sizeof(slots_[0]);
  for (const Literal& literal : literals_) bytes += sizeof(literal) + literal.text.size();
  return bytes;
}

}  // namespace fleetmedic
