#include "model/pattern_book.h"

#include "model/words.h"

namespace fleetmedic {
namespace {

constexpr Words<PatternSort, 5> kSorts = {{{PatternSort::kRank, "rank"},
                                           {PatternSort::kHosts, "hosts"},
                                           {PatternSort::kLines, "lines"},
                                           {PatternSort::kNew, "new"},
                                           {PatternSort::kName, "name"}}};

}  // namespace

std::string_view PatternSortName(PatternSort sort) { return WordOf(kSorts, sort); }
std::optional<PatternSort> ParsePatternSort(std::string_view word) { return ValueOf(kSorts, word); }

}  // namespace fleetmedic
