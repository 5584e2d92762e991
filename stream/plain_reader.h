// Reads a plain pattern into the steps of its program: text, characters of classes as often as may
// be, choices, what may be missing, captures, edges. Not plain is what repeats more than one
// character, and what this reader does not follow: those are RE2's alone.
#ifndef FLEETMEDIC_STREAM_PLAIN_READER_H_
#define FLEETMEDIC_STREAM_PLAIN_READER_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "stream/plain_program.h"

namespace fleetmedic {

// Reads many patterns: it remembers what their classes hold.
class PlainReader {
 public:
  // Of a pattern that ReadPattern and RE2 let through. Null where it is not plain.
  std::optional<PlainCode> Read(std::string_view pattern, bool ignore_case);

 private:
  class OnePattern;

  // Which bytes are the class's, as "[a-f]" or "\d": asked of RE2, byte by byte. None where RE2
  // does not know it.
  const ByteSet& BytesOf(const std::string& one, bool ignore_case);

  std::map<std::pair<std::string, bool>, ByteSet> classes_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_PLAIN_READER_H_
