// The users of a host by its own files. Pure. Not through libc: a directory of users that hangs
// (LDAP) must not hang a check.
#ifndef FLEETMEDIC_DETECTORS_CHECKS_CHECK_USER_H_
#define FLEETMEDIC_DETECTORS_CHECKS_CHECK_USER_H_

#include <string_view>

#include "base/child_process.h"
#include "base/result.h"

namespace fleetmedic {

// `name` is a user of `passwd` (passwd(5)), with the groups of `group` (group(5)), or "UID:GID",
// which has no further groups. Errors: kNotFound.
Result<ChildUser> FindUser(std::string_view name, std::string_view passwd, std::string_view group);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_CHECKS_CHECK_USER_H_
