#include "detectors/mount_table.h"

#include <algorithm>

#include "base/text.h"
#include "detectors/proc_text.h"

namespace fleetmedic {

std::string UnescapeMount(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](size_t at) { return text[at] >= '0' && text[at] <= '7'; };
    if (text[i] == '\\' && i + 3 < text.size() && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      out.push_back(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                      (text[i + 3] - '0')));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

bool HasMountOption(std::string_view options, std::string_view wanted) {
  const std::vector<std::string_view> all = Split(options, ',');
  return std::ranges::find(all, wanted) != all.end();
}

std::vector<MountEntry> MountTable(std::string_view mountinfo, size_t mounts_max) {
  std::vector<MountEntry> mounts;
  for (const std::string_view line : Lines(mountinfo)) {
    // ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAGS...] - TYPE SOURCE SUPER-OPTIONS
    const std::vector<std::string_view> words = Fields(line);
    const auto dash = std::ranges::find(words, std::string_view("-"));
    if (words.size() < 10 || words.end() - dash < 4) continue;
    if (mounts.size() >= mounts_max) break;
    MountEntry entry;
    entry.device = words[2];
    entry.mount_point = UnescapeMount(words[4]);
    entry.type = *(dash + 1);
    entry.source = UnescapeMount(*(dash + 2));
    entry.read_only = HasMountOption(*(dash + 3), "ro");
    mounts.push_back(std::move(entry));
  }
  return mounts;
}

}  // namespace fleetmedic
