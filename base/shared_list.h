// A list that copies of its owner share until one of them changes it: for values that are copied
// all the time and seldom changed.
#ifndef FLEETMEDIC_BASE_SHARED_LIST_H_
#define FLEETMEDIC_BASE_SHARED_LIST_H_

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

namespace fleetmedic {

// What is shared is never changed, so that copies may be read by any thread.
template <typename T>
class SharedList {
 public:
  using value_type = T;
  using const_iterator = const T*;
  using iterator = const_iterator;

  SharedList() = default;
  SharedList(std::vector<T> items) {  // NOLINT(runtime/explicit)
    if (!items.empty()) items_ = std::make_shared<const std::vector<T>>(std::move(items));
  }
  SharedList(std::initializer_list<T> items) : SharedList(std::vector<T>(items)) {}

  const T* begin() const { return items_ == nullptr ? nullptr : items_->data(); }
  const T* end() const { return begin() + size(); }
  size_t size() const { return items_ == nullptr ? 0 : items_->size(); }
  bool empty() const { return size() == 0; }
  const T& operator[](size_t i) const { return (*items_)[i]; }

  // A copy of its own, to be changed until this list is copied. A call copies the whole list.
  std::vector<T>& Edit() {
    auto own = std::make_shared<std::vector<T>>(begin(), end());
    items_ = own;
    return *own;
  }

  // Copies nothing where nothing goes.
  template <typename Drop>
  void EraseIf(const Drop& drop) {
    if (std::none_of(begin(), end(), drop)) return;
    std::vector<T> kept;
    kept.reserve(size());
    std::copy_if(begin(), end(), std::back_inserter(kept),
                 [&drop](const T& item) { return !drop(item); });
    *this = SharedList(std::move(kept));
  }

  bool operator==(const SharedList& other) const {
    return items_ == other.items_ || std::equal(begin(), end(), other.begin(), other.end());
  }

 private:
  std::shared_ptr<const std::vector<T>> items_;  // null: empty
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_SHARED_LIST_H_
