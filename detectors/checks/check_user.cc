#include "detectors/checks/check_user.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/text.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kGroupsMax = 256;

// (uid_t)-1 means "leave as it is" to setresuid(2) and is nobody's number.
std::optional<uint32_t> ParseId(std::string_view text) {
  const std::optional<uint64_t> id = ParseCount(text);
  if (!id || *id >= std::numeric_limits<uint32_t>::max()) return std::nullopt;
  return static_cast<uint32_t>(*id);
}

}  // namespace

Result<ChildUser> FindUser(std::string_view name, std::string_view passwd, std::string_view group) {
  ChildUser user;
  if (const size_t colon = name.find(':'); colon != std::string_view::npos) {
    const std::optional<uint32_t> uid = ParseId(name.substr(0, colon));
    const std::optional<uint32_t> gid = ParseId(name.substr(colon + 1));
    if (!uid || !gid) return Fail(Code::kNotFound, Quote(name) + " is no UID:GID");
    user.uid = *uid;
    user.gid = *gid;
    return user;
  }
  bool found = false;
  for (const std::string_view line : Lines(passwd)) {
    // name:password:UID:GID:...
    const std::vector<std::string_view> parts = Split(line, ':');
    if (parts.size() < 4 || parts[0] != name) continue;
    const std::optional<uint32_t> uid = ParseId(parts[2]);
    const std::optional<uint32_t> gid = ParseId(parts[3]);
    if (!uid || !gid) continue;
    user.uid = *uid;
    user.gid = *gid;
    found = true;
    break;
  }
  if (!found) return Fail(Code::kNotFound, "there is no user " + Quote(name) + " in /etc/passwd");
  for (const std::string_view line : Lines(group)) {
    // name:password:GID:member,member
    const std::vector<std::string_view> parts = Split(line, ':');
    if (parts.size() < 4 || user.groups.size() >= kGroupsMax) continue;
    const std::vector<std::string_view> members = Split(Trim(parts[3]), ',');
    const std::optional<uint32_t> gid = ParseId(parts[2]);
    if (gid && std::ranges::find(members, name) != members.end()) user.groups.push_back(*gid);
  }
  return user;
}

}  // namespace fleetmedic
