// Cuts texts of others at a limit. Pure.
#ifndef FLEETMEDIC_BASE_CAP_TEXT_H_
#define FLEETMEDIC_BASE_CAP_TEXT_H_

#include <cstddef>
#include <string>

namespace fleetmedic {

// At most bytes_max bytes of it, not cut within a character of UTF-8: half of one would become
// another, longer, when the text is written as JSON.
inline void CapText(std::string* text, size_t bytes_max) {
  if (text->size() <= bytes_max) return;
  size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>((*text)[end]) & 0xC0) == 0x80) --end;
  text->resize(end);
}

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_CAP_TEXT_H_
