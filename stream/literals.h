// What every line that a pattern matches must hold, read from the pattern itself: the text that is
// looked for before any expression is asked. Pure.
//
// The reader knows the language of config/pattern.h. What it does not follow it takes for "any
// text", which asks more lines and never fewer: a line without one of the literals is never a match
// of RE2's.
#ifndef FLEETMEDIC_STREAM_LITERALS_H_
#define FLEETMEDIC_STREAM_LITERALS_H_

#include <bitset>
#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"

namespace fleetmedic {

// Bytes below 0x80, never '\n' or '\r': a literal never goes past its line's end.
struct Literal {
  std::string text;
  // Letters count in either case; the text's own are then lower.
  bool ignore_case = false;

  auto operator<=>(const Literal&) const = default;
};

// Shorter text is in too many lines to tell anything.
constexpr size_t kLiteralBytesMin = 3;

// A line fulfils kLiteral by holding it, kEach by fulfilling every part, and kOneOf by fulfilling
// at least one. To look for what fulfils any single part of kEach is enough, and all parts of
// kOneOf are needed.
struct Requirement {
  enum class Kind { kNothing, kLiteral, kEach, kOneOf };
  Kind kind = Kind::kNothing;
  Literal literal;
  std::vector<Requirement> parts;

  bool operator==(const Requirement&) const = default;
};

// Of a pattern that ReadPattern and RE2 let through.
Requirement RequiredLiterals(std::string_view pattern, bool ignore_case);

// Where every match of the pattern starts with the line: the bytes that the line may start with.
// Null where it may start elsewhere, or with anything.
std::optional<std::bitset<256>> LineBegins(std::string_view pattern, bool ignore_case);

// "(a & (b | c))", for tests and messages; literals that ignore case have an 'i' behind them.
std::string ToText(const Requirement& requirement);

struct LiteralPick {
  std::vector<Literal> literals;  // sorted, each once, at most kLiteralsOfPatternMax
  double cost = 0;                // the sum of theirs
};
constexpr size_t kLiteralsOfPatternMax = 64;

// The literals of which every line that fulfils the requirement holds one, for the least cost. Null
// where there are none, or where each choice has one of infinite cost.
std::optional<LiteralPick> Cheapest(const Requirement& requirement,
                                    absl::FunctionRef<double(const Literal&)> cost);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_LITERALS_H_
