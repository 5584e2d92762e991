// Where the lines of a text begin, some of them or all, at a cost near that of reading it: a call
// of memchr for each line costs more than the bytes of most lines. Pure.
#ifndef FLEETMEDIC_STREAM_LINE_BEGINS_H_
#define FLEETMEDIC_STREAM_LINE_BEGINS_H_

#include <bitset>
#include <cstddef>
#include <string_view>

#include "absl/functional/function_ref.h"

namespace fleetmedic {

// Calls `line` with each place, in order, where a line begins with one of the bytes: the text's
// begin, and behind each '\n' but one that ends the text. A line without a byte begins with '\n'.
void ForEachLineBegin(std::string_view text, const std::bitset<256>& bytes,
                      absl::FunctionRef<void(size_t begin)> line);

// How the text is looked at; the plain way is for processors without AVX2, and for tests.
enum class LineWay { kBest, kPlain };
void ForEachLineBeginBy(LineWay way, std::string_view text, const std::bitset<256>& bytes,
                        absl::FunctionRef<void(size_t begin)> line);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_LINE_BEGINS_H_
