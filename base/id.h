// Identifiers that do not mix: a HostId is not a JobId.
#ifndef FLEETMEDIC_BASE_ID_H_
#define FLEETMEDIC_BASE_ID_H_

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace fleetmedic {

template <typename Tag>
class Id {
 public:
  Id() = default;
  explicit Id(std::string text) : text_(std::move(text)) {}

  const std::string& str() const { return text_; }
  bool empty() const { return text_.empty(); }

  auto operator<=>(const Id&) const = default;
  bool operator==(const Id&) const = default;

  template <typename H>
  friend H AbslHashValue(H h, const Id& id) {
    return H::combine(std::move(h), id.text_);
  }

 private:
  std::string text_;
};

}  // namespace fleetmedic

template <typename Tag>
struct std::hash<fleetmedic::Id<Tag>> {
  size_t operator()(const fleetmedic::Id<Tag>& id) const noexcept {
    return std::hash<std::string_view>()(id.str());
  }
};

#endif  // FLEETMEDIC_BASE_ID_H_
