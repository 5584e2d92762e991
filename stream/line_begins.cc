#include "stream/line_begins.h"

#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace fleetmedic {
namespace {

constexpr size_t kBlockBytes = 64;

class Teller {
 public:
  Teller(std::string_view text, const std::bitset<256>& bytes,
         absl::FunctionRef<void(size_t begin)> line)
      : text_(text), bytes_(bytes), line_(line) {}

  void Begin(size_t at) {
    if (at < text_.size() && bytes_[static_cast<unsigned char>(text_[at])]) line_(at);
  }
  // One by one from there on.
  void Rest(size_t at) {
    while (at < text_.size()) {
      const void* end = std::memchr(text_.data() + at, '\n', text_.size() - at);
      if (end == nullptr) return;
      at = static_cast<size_t>(static_cast<const char*>(end) - text_.data()) + 1;
      Begin(at);
    }
  }

 private:
  std::string_view text_;
  const std::bitset<256>& bytes_;
  absl::FunctionRef<void(size_t begin)> line_;
};

#if defined(__x86_64__)
// Bit i of the answer: text[i] is '\n'.
__attribute__((target("avx2"))) inline uint64_t EndsInBlock(const char* text) {
  const __m256i end = _mm256_set1_epi8('\n');
  const auto half = [&end](const char* at) __attribute__((target("avx2"))) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, end)));
  };
  return half(text) | uint64_t{half(text + sizeof(__m256i))} << 32;
}

// Up to where whole blocks go.
__attribute__((target("avx2"))) size_t TellBlocks(std::string_view text, Teller* teller) {
  size_t at = 0;
  for (; text.size() - at >= kBlockBytes; at += kBlockBytes) {
    for (uint64_t ends = EndsInBlock(text.data() + at); ends != 0; ends &= ends - 1) {
      teller->Begin(at + static_cast<size_t>(std::countr_zero(ends)) + 1);
    }
  }
  return at;
}

bool HasBlocks() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}
#else
bool HasBlocks() { return false; }
size_t TellBlocks(std::string_view, Teller*) { return 0; }
#endif

}  // namespace

void ForEachLineBegin(std::string_view text, const std::bitset<256>& bytes,
                      absl::FunctionRef<void(size_t begin)> line) {
  ForEachLineBeginBy(LineWay::kBest, text, bytes, line);
}

void ForEachLineBeginBy(LineWay way, std::string_view text, const std::bitset<256>& bytes,
                        absl::FunctionRef<void(size_t begin)> line) {
  Teller teller(text, bytes, line);
  teller.Begin(0);
  teller.Rest(way == LineWay::kBest && HasBlocks() ? TellBlocks(text, &teller) : 0);
}

}  // namespace fleetmedic
