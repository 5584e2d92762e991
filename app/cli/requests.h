// What several commands do alike.
#ifndef FLEETMEDIC_APP_CLI_REQUESTS_H_
#define FLEETMEDIC_APP_CLI_REQUESTS_H_

#include <string>
#include <string_view>

#include "app/cli/api_client.h"
#include "app/cli/terminal.h"

namespace fleetmedic::cli {

// Opens a client and sends one GET.
Answer<ApiReply> Ask(const Invocation& call, std::string_view target);

// Prints the failure; its exit code.
int Report(const Terminal& terminal, const Failure& failure);

// "key=value,key!=value". An empty selector, or an empty part of one, is an error: it never means
// all.
Status CheckSelector(std::string_view selector);

// A scope as the API writes it, from "pool:web" or "pool=web".
Result<std::string> ScopeArgument(std::string_view text);

// --reason, or kInvalidArgument where it is missing.
Result<std::string> RequiredReason(const Invocation& call);

// Opens a client and POSTs {"reason": --reason}, which is required; the answer is printed where
// JSON is asked for.
Answer<ApiReply> PostReason(const Invocation& call, const Terminal& terminal,
                            std::string_view target);

// 7 where the server took the request and waits for an approval, else 0.
int AcceptedCode(const ApiReply& reply);

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_REQUESTS_H_
