// JSON that is read where it lies: for decoders of what comes by the hundred thousand, and for
// which a Json, with an allocation for each member, is too dear.
#ifndef FLEETMEDIC_BASE_JSON_ELEMENT_H_
#define FLEETMEDIC_BASE_JSON_ELEMENT_H_

#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/json.h"

namespace fleetmedic {

class JsonMembers;

// One value of a text; valid in the call that it is lent to. What it says is what the Json of the
// same text says.
class JsonElement {
 public:
  using Members = JsonMembers;

  JsonElement() = default;  // null

  bool is_null() const;
  bool is_object() const;
  bool is_array() const;
  std::optional<std::string_view> string() const;
  std::optional<int64_t> integer() const;
  std::optional<double> number() const;
  std::optional<bool> boolean() const;

  // Until `visit` is false. Of several members with one key each comes: the last counts.
  void EachElement(absl::FunctionRef<bool(const JsonElement&)> visit) const;
  void EachMember(absl::FunctionRef<bool(std::string_view, const JsonElement&)> visit) const;

 private:
  friend class JsonElementCodec;

  // A parser's element, whose header stays out of here. Null: none.
  const void* document_ = nullptr;
  [[maybe_unused]] size_t at_ = 0;  // copied as a whole, with document_
};

// The members of one object, for look-ups by key.
class JsonMembers {
 public:
  explicit JsonMembers(const JsonElement& object);

  bool is_object() const { return is_object_; }
  // Null where there is none.
  JsonElement operator[](std::string_view key) const;

 private:
  using Member = std::pair<std::string_view, JsonElement>;

  std::span<const Member> all() const;

  bool is_object_;
  bool in_order_ = true;  // each key behind the one before
  size_t size_ = 0;
  std::array<Member, 12> few_;
  std::vector<Member> many_;  // where they are more
};

extern template class JsonReaderOf<JsonElement>;

// Lends the text's root to `read`, which must not read another text meanwhile. False, and `read`
// was not called, where Json::Parse would refuse the text, and for some that it would not: it has
// the last word.
bool ReadJsonElement(std::string_view text, absl::FunctionRef<void(const JsonElement&)> read);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_JSON_ELEMENT_H_
