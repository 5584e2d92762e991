#include "console/selector.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kStateKey = "state";

std::string ValueFor(const HostRecord& record, std::string_view key) {
  if (key == kStateKey) return std::string(HostStateName(record.state));
  return FactValue(record.facts, key);
}

}  // namespace

Result<Selector> Selector::Parse(std::string_view text) {
  Selector selector;
  if (text.size() > kTextBytesMax) {
    return Fail(Code::kInvalidArgument,
                fmt::format("a selector may have at most {} bytes", kTextBytesMax));
  }
  if (Trim(text).empty()) return selector;
  for (const std::string_view part : Split(text, ',')) {
    const std::string_view term = Trim(part);
    const size_t sign = term.find('=');
    if (sign == std::string_view::npos || sign == 0) {
      return Fail(
          Code::kInvalidArgument,
          fmt::format("not a term of a selector: {}; write key=value or key!=value", Quote(term)));
    }
    Term parsed;
    parsed.equal = term[sign - 1] != '!';
    parsed.key = Trim(term.substr(0, parsed.equal ? sign : sign - 1));
    std::string_view value = term.substr(sign + 1);
    if (parsed.equal && value.starts_with('=')) value.remove_prefix(1);
    parsed.value = Trim(value);
    if (parsed.key.empty() || parsed.value.empty()) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("the term {} lacks a key or a value", Quote(term)));
    }
    if (parsed.key == kStateKey && !ParseHostState(parsed.value)) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("there is no state {}; states are healthy, suspect, tainted, "
                              "draining, drained, repairing, probation, retired",
                              Quote(parsed.value)));
    }
    selector.terms_.push_back(std::move(parsed));
  }
  if (selector.terms_.size() > kTermsMax) {
    return Fail(Code::kInvalidArgument,
                fmt::format("a selector may have at most {} terms", kTermsMax));
  }
  return selector;
}

bool Selector::Matches(const HostRecord& record) const {
  if (terms_.empty()) return false;
  return std::ranges::all_of(terms_, [&](const Term& term) {
    const std::string value = ValueFor(record, term.key);
    return !value.empty() && (value == term.value) == term.equal;
  });
}

}  // namespace fleetmedic
