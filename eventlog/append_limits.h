// The limits of an append, checked alike by every implementation before it does anything.
#ifndef FLEETMEDIC_EVENTLOG_APPEND_LIMITS_H_
#define FLEETMEDIC_EVENTLOG_APPEND_LIMITS_H_

#include <span>
#include <string_view>

#include "eventlog/event_log.h"

namespace fleetmedic {

// kInvalidArgument, naming the topic, the first record that passes a limit, and the limit.
Status CheckAppend(Topic topic, std::span<const Record> records);

// kInvalidArgument unless `group` may name a group.
Status CheckGroup(std::string_view group);

// Key, value and headers.
size_t BytesOf(const Record& record);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EVENTLOG_APPEND_LIMITS_H_
