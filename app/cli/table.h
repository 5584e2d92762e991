// Aligned text for a terminal. Whatever enters a cell passes VisibleText: log lines, names and
// messages of others can neither colour nor reorder nor break what stands around them.
#ifndef FLEETMEDIC_APP_CLI_TABLE_H_
#define FLEETMEDIC_APP_CLI_TABLE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace fleetmedic::cli {

// How the renderers write. Plain data, so that rendering is pure.
struct TextStyle {
  bool color = false;
  int columns = 0;  // lines of a table are cut here; 0: not cut
  bool wide = false;
};

enum class Color : uint8_t { kNone, kBold, kDim, kRed, kYellow, kGreen, kBlue };

// The text in that colour where the style has colours. Not for foreign text: it is not cleaned.
std::string Paint(const TextStyle& style, Color color, std::string_view text);

// Columns that the text takes on a terminal: its characters, wide ones counted as one.
size_t ColumnsOf(std::string_view text);

class TextTable {
 public:
  // Titles in upper case. `indent` spaces stand before each line.
  TextTable(std::vector<std::string> titles, int indent = 0);

  struct Cell {
    Cell(std::string_view t, Color c = Color::kNone);          // NOLINT(runtime/explicit)
    Cell(const char* t) : Cell(std::string_view(t)) {}         // NOLINT(runtime/explicit)
    Cell(const std::string& t) : Cell(std::string_view(t)) {}  // NOLINT(runtime/explicit)

    std::string text;  // one line of visible text
    Color color;
  };
  // Requires as many cells as there are titles.
  void Add(std::vector<Cell> cells);
  bool empty() const { return rows_.empty(); }

  // Lines that end in '\n', without trailing spaces. An empty cell is "-".
  std::string Text(const TextStyle& style) const;
  // The rows alone, in columns at least as wide as those of `Text`: for rows that follow later.
  std::string RowsText(const TextStyle& style, const std::vector<size_t>& widths) const;
  std::vector<size_t> Widths() const;

 private:
  std::string Line(const TextStyle& style, const std::vector<Cell>& cells,
                   const std::vector<size_t>& widths, bool title) const;

  std::vector<std::string> titles_;
  int indent_;
  std::vector<std::vector<Cell>> rows_;
};

// "45s", "4m", "3h", "2d": one unit, two digits where it can be. Below zero is "0s".
std::string ShortDuration(Micros duration);

// How long ago `since` was, or "-" where it is never.
std::string Age(WallTime since, WallTime now);

// The JSON text with every character escaped that a terminal could obey; the value is the same.
std::string TerminalJson(std::string_view json);

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_TABLE_H_
