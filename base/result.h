// Errors are values. A function that can fail returns Result<T> (or Status), never throws across
// a folder's edge, and says in the message what failed, where, and what to do about it.
#ifndef FLEETMEDIC_BASE_RESULT_H_
#define FLEETMEDIC_BASE_RESULT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace fleetmedic {

// The closed set of reasons for which an operation of ours fails. A caller decides by the code
// and shows the message; no code reads a message.
enum class Code : uint8_t {
  kInvalidArgument,   // the input is wrong; repeating it cannot help
  kNotFound,          // what was named does not exist
  kAlreadyExists,     // what was to be created exists
  kConflict,          // the world changed since the caller looked; look again
  kFenced,            // a newer leader exists; nothing was changed
  kRefused,           // a hold, a budget, a limit or a policy said no
  kBusy,              // somebody else has it for now; try again later
  kUnavailable,       // the other side cannot be reached; nothing is known to have happened
  kDeadlineExceeded,  // no answer in time; whether it happened is not known
  kPermissionDenied,  // a right is missing; the message names it
  kFull,              // no space, or a limit on bytes or entries was reached
  kCorrupt,           // data was read and cannot be right
  kUnsupported,       // this build, this host or this engine cannot do it
  kIo,                // an input/output error that none of the above names
};

// The stable lower-case name of a code ("not_found"), for logs, metrics and the API.
std::string_view CodeName(Code code);

struct Error {
  Code code = Code::kIo;
  std::string message;

  bool operator==(const Error&) const = default;
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> Fail(Code code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

// The same error with "what: " before its message; the code stays.
inline tl::unexpected<Error> Fail(std::string_view what, const Error& cause) {
  return tl::unexpected<Error>(Error{cause.code, std::string(what) + ": " + cause.message});
}

// An error from errno: its code is mapped (ENOENT kNotFound, EACCES and EPERM kPermissionDenied,
// ENOSPC and EDQUOT kFull, ETIMEDOUT kDeadlineExceeded, ...), its message is "what: strerror".
tl::unexpected<Error> FailErrno(std::string_view what, int error_number);

// Our own bugs end the process, in release builds too: prints the place and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace fleetmedic

#define FLEETMEDIC_CHECK(condition)                              \
  do {                                                           \
    if (!(condition)) [[unlikely]]                               \
      ::fleetmedic::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)

#define FLEETMEDIC_RETURN_IF_ERROR(expression)                                    \
  do {                                                                            \
    if (auto fm_status = (expression); !fm_status) [[unlikely]]                   \
      return ::tl::unexpected<::fleetmedic::Error>(std::move(fm_status).error()); \
  } while (false)

#define FLEETMEDIC_CONCAT_INNER(a, b) a##b
#define FLEETMEDIC_CONCAT(a, b) FLEETMEDIC_CONCAT_INNER(a, b)
#define FLEETMEDIC_ASSIGN_OR_RETURN_INNER(temporary, target, expression)        \
  auto temporary = (expression);                                                \
  if (!temporary) [[unlikely]]                                                  \
    return ::tl::unexpected<::fleetmedic::Error>(std::move(temporary).error()); \
  target = *std::move(temporary)

// FLEETMEDIC_ASSIGN_OR_RETURN(auto text, ReadFile(path));
#define FLEETMEDIC_ASSIGN_OR_RETURN(target, expression) \
  FLEETMEDIC_ASSIGN_OR_RETURN_INNER(FLEETMEDIC_CONCAT(fm_result_, __LINE__), target, expression)

#endif  // FLEETMEDIC_BASE_RESULT_H_
