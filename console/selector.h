// Which hosts a text means: "pool=web,rack!=r17,state=suspect". Pure. The API's ?l= and the
// command line's -l.
#ifndef FLEETMEDIC_CONSOLE_SELECTOR_H_
#define FLEETMEDIC_CONSOLE_SELECTOR_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/host_record.h"

namespace fleetmedic {

// A host is selected when every term holds. Keys are the facts and labels (FactValue), and
// "state". A term with != holds only where the host has the key with another value: a key that is
// misspelt selects nothing, in either form.
class Selector {
 public:
  static constexpr size_t kTextBytesMax = 4096;
  static constexpr size_t kTermsMax = 32;

  // Selects nothing.
  Selector() = default;
  // kInvalidArgument names the term. The empty text is a selector without terms: it selects
  // nothing, never all.
  static Result<Selector> Parse(std::string_view text);

  bool Matches(const HostRecord& record) const;
  bool empty() const { return terms_.empty(); }

 private:
  struct Term {
    std::string key;
    std::string value;
    bool equal = true;
  };
  std::vector<Term> terms_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONSOLE_SELECTOR_H_
