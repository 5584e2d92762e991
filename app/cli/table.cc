#include "app/cli/table.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/result.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

constexpr std::string_view kGap = "  ";
// One cell never takes more than this, so that one long name cannot push the rest off the screen;
// the last column has the rest of the line.
constexpr size_t kCellColumnsMax = 48;

std::string_view Escape(Color color) {
  switch (color) {
    case Color::kNone:
      return "";
    case Color::kBold:
      return "\x1b[1m";
    case Color::kDim:
      return "\x1b[2m";
    case Color::kRed:
      return "\x1b[31m";
    case Color::kYellow:
      return "\x1b[33m";
    case Color::kGreen:
      return "\x1b[32m";
    case Color::kBlue:
      return "\x1b[34m";
  }
  return "";
}

bool Continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// At most `columns` characters; a cut ends in an ellipsis.
std::string Cut(std::string_view text, size_t columns) {
  if (ColumnsOf(text) <= columns) return std::string(text);
  if (columns == 0) return "";
  size_t bytes = 0;
  for (size_t taken = 0; taken + 1 < columns; ++taken) {
    do ++bytes;
    while (bytes < text.size() && Continues(text[bytes]));
  }
  return std::string(text.substr(0, bytes)) + "…";
}

// The bytes of the character that begins at `i`: VisibleText sees to it that they are valid.
size_t CharacterBytes(std::string_view text, size_t i) {
  size_t bytes = 1;
  while (i + bytes < text.size() && Continues(text[i + bytes])) ++bytes;
  return bytes;
}

uint32_t CodePoint(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return lead;
  uint32_t code_point = lead & (0x7fu >> character.size());
  for (const char c : character.substr(1)) {
    code_point = code_point << 6 | (static_cast<unsigned char>(c) & 0x3fu);
  }
  return code_point;
}

}  // namespace

std::string Paint(const TextStyle& style, Color color, std::string_view text) {
  if (!style.color || color == Color::kNone) return std::string(text);
  return std::string(Escape(color)) + std::string(text) + "\x1b[0m";
}

size_t ColumnsOf(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return !Continues(c); }));
}

TextTable::TextTable(std::vector<std::string> titles, int indent)
    : titles_(std::move(titles)), indent_(indent) {}

TextTable::Cell::Cell(std::string_view t, Color c) : text(VisibleText(t)), color(c) {
  if (text.empty()) text = "-";
}

void TextTable::Add(std::vector<Cell> cells) {
  FLEETMEDIC_CHECK(cells.size() == titles_.size());
  rows_.push_back(std::move(cells));
}

std::vector<size_t> TextTable::Widths() const {
  std::vector<size_t> widths;
  for (const std::string& title : titles_) widths.push_back(ColumnsOf(title));
  for (const std::vector<Cell>& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], std::min(ColumnsOf(row[i].text), kCellColumnsMax));
    }
  }
  return widths;
}

std::string TextTable::Line(const TextStyle& style, const std::vector<Cell>& cells,
                            const std::vector<size_t>& widths, bool title) const {
  std::string line(static_cast<size_t>(indent_), ' ');
  size_t used = line.size();
  for (size_t i = 0; i < cells.size(); ++i) {
    const bool last = i + 1 == cells.size();
    std::string text = cells[i].text;
    if (last) {
      const size_t columns = static_cast<size_t>(std::max(style.columns, 0));
      // Where the line is full already, some of the last column is shown all the same.
      constexpr size_t kLastColumnsMin = 8;
      if (columns > 0)
        text = Cut(text, std::max(columns > used ? columns - used : 0, kLastColumnsMin));
    } else if (!style.wide) {
      text = Cut(text, widths[i]);
    }
    const size_t width = ColumnsOf(text);
    line += Paint(style, title ? Color::kDim : cells[i].color, text);
    if (last) break;
    const size_t padding = widths[i] > width ? widths[i] - width : 0;
    line.append(padding, ' ').append(kGap);
    used += width + padding + kGap.size();
  }
  while (line.ends_with(' ')) line.pop_back();
  return line + "\n";
}

std::string TextTable::Text(const TextStyle& style) const {
  const std::vector<size_t> widths = Widths();
  const std::vector<Cell> titles(titles_.begin(), titles_.end());
  return Line(style, titles, widths, true) + RowsText(style, widths);
}

std::string TextTable::RowsText(const TextStyle& style, const std::vector<size_t>& widths) const {
  std::string text;
  for (const std::vector<Cell>& row : rows_) text += Line(style, row, widths, false);
  return text;
}

std::string ShortDuration(Micros duration) {
  const int64_t seconds =
      std::max<int64_t>(0, std::chrono::duration_cast<Seconds>(duration).count());
  if (seconds < 100) return fmt::format("{}s", seconds);
  if (seconds < 100 * 60) return fmt::format("{}m", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / 86400);
}

std::string Age(WallTime since, WallTime now) {
  return since == kWallNever ? "-" : ShortDuration(now - since);
}

std::string TerminalJson(std::string_view json) {
  std::string safe;
  for (size_t i = 0; i < json.size();) {
    const std::string_view character = json.substr(i, CharacterBytes(json, i));
    i += character.size();
    const bool plain = character[0] == '\n' || VisibleText(character) == character;
    if (plain) {
      safe += character;
      continue;
    }
    const uint32_t c = CodePoint(character);
    if (c > 0xffff) {
      const uint32_t rest = c - 0x10000;
      safe += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (rest >> 10), 0xdc00 + (rest & 0x3ff));
    } else {
      safe += fmt::format("\\u{:04x}", c);
    }
  }
  return safe;
}

}  // namespace fleetmedic::cli
