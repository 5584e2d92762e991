// "task {task} blocked for {seconds} s": texts with holes for the captures of a rule.
#ifndef FLEETMEDIC_CONFIG_TEXT_TEMPLATE_H_
#define FLEETMEDIC_CONFIG_TEXT_TEMPLATE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/result.h"

namespace fleetmedic {

// Immutable, thread-safe.
class TextTemplate {
 public:
  TextTemplate() = default;

  // A hole is {name} with a name of a-z 0-9 _; "{{" and "}}" stand for the braces themselves.
  // kInvalidArgument, the offset in the message, for a brace that is neither.
  static Result<TextTemplate> Parse(std::string_view text);

  // The names of the holes, in order, each as often as it stands there.
  std::vector<std::string> Names() const;
  bool empty() const { return parts_.empty(); }

  // The text with each hole filled by what `value` says of its name.
  std::string Render(absl::FunctionRef<std::string(const std::string& name)> value) const;

 private:
  struct Part {
    std::string text;  // the name, for a hole
    bool hole = false;
  };
  std::vector<Part> parts_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_TEXT_TEMPLATE_H_
