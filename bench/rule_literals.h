// What a person would take from rules for the stock tools: the literals to look for first, and the
// expressions in the syntax of ripgrep.
#ifndef FLEETMEDIC_BENCH_RULE_LITERALS_H_
#define FLEETMEDIC_BENCH_RULE_LITERALS_H_

#include <string>
#include <string_view>
#include <vector>

namespace fleetmedic {

// Texts of which every match has at least one: the longest that stands in the pattern whatever else
// does, or the longest of each branch of an alternation. None where there is no such text of three
// characters or more. Case is as the pattern has it.
std::vector<std::string> RequiredLiterals(std::string_view pattern);

// The same expression for the regex crate of Rust: groups without names, and escaped there what
// only RE2 takes as it is.
std::string RustPattern(std::string_view pattern, bool ignore_case);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BENCH_RULE_LITERALS_H_
