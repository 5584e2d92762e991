// fleetmedic audit verify.
#ifndef FLEETMEDIC_APP_AUDIT_VERIFY_H_
#define FLEETMEDIC_APP_AUDIT_VERIFY_H_

#include "app/cli/command.h"

namespace fleetmedic {

// Takes nobody's word: what a server sends and what a file holds is hashed here.
int RunAuditVerify(const cli::Invocation& invocation);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_APP_AUDIT_VERIFY_H_
