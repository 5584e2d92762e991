// The identifiers of the model. Texts: 1 to 253 characters of [A-Za-z0-9._:/@-]; ValidId says so.
#ifndef FLEETMEDIC_MODEL_IDS_H_
#define FLEETMEDIC_MODEL_IDS_H_

#include <string_view>

#include "base/id.h"
#include "base/json.h"

namespace fleetmedic {

using HostId = Id<struct HostTag>;
using JobId = Id<struct JobTag>;
using TaskId = Id<struct TaskTag>;
using GrantId = Id<struct GrantTag>;
using OverrideId = Id<struct OverrideTag>;

constexpr size_t kIdCharsMax = 253;

// Whether `text` may be an identifier. Names come from config, from people and from the log; each
// reader checks before it makes an Id of one.
bool ValidId(std::string_view text);

// A required member that holds an identifier.
template <typename Value, typename Tag>
void ReadId(JsonReaderOf<Value>* in, std::string_view key, Id<Tag>* out) {
  in->RequiredAs(key, out, [](const Value& json) -> Result<Id<Tag>> {
    const auto text = json.string();
    if (!text || !ValidId(*text)) return Fail(Code::kInvalidArgument, "expected an identifier");
    return Id<Tag>(std::string(*text));
  });
}

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_IDS_H_
