#include "config/diagnostics.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/text.h"

namespace fleetmedic {
namespace {

size_t CharsOf(std::string_view utf8) {
  return static_cast<size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// The byte at which character `index` (from 0) begins; the size past the end.
size_t ByteOfChar(std::string_view utf8, size_t index) {
  for (size_t i = 0; i < utf8.size(); ++i) {
    if ((utf8[i] & 0xc0) == 0x80) continue;
    if (index == 0) return i;
    --index;
  }
  return utf8.size();
}

std::string_view LineOf(std::string_view text, int line) {
  for (int i = 1; i < line; ++i) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

std::string Counted(size_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

std::string_view LevelName(Diagnostic::Level level) {
  switch (level) {
    case Diagnostic::Level::kError:
      return "error";
    case Diagnostic::Level::kWarning:
      return "warning";
  }
  FLEETMEDIC_CHECK(false);
}

}  // namespace

void Diagnostics::AddFile(std::string_view file, std::string_view text) {
  if (FileIndex(file) < files_.size()) return;
  files_.push_back({std::string(file), std::string(text)});
}

void Diagnostics::Error(SourcePlace place, int width, std::string message, std::string hint) {
  ++errors_;
  Add({Diagnostic::Level::kError, std::move(place), width, std::move(message), std::move(hint)});
}

void Diagnostics::Warning(SourcePlace place, int width, std::string message, std::string hint) {
  ++warnings_;
  Add({Diagnostic::Level::kWarning, std::move(place), width, std::move(message), std::move(hint)});
}

void Diagnostics::Add(Diagnostic diagnostic) {
  if (diagnostics_.size() < kDiagnosticsMax) diagnostics_.push_back(std::move(diagnostic));
}

size_t Diagnostics::FileIndex(std::string_view file) const {
  const auto at = std::find_if(files_.begin(), files_.end(),
                               [file](const File& known) { return known.name == file; });
  return static_cast<size_t>(at - files_.begin());
}

std::vector<Diagnostic> Diagnostics::Sorted() const {
  std::vector<Diagnostic> sorted = diagnostics_;
  const auto order = [this](const Diagnostic& d) {
    return std::make_tuple(FileIndex(d.place.file), d.place.line, d.place.column);
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&order](const auto& a, const auto& b) { return order(a) < order(b); });
  return sorted;
}

std::string Diagnostics::Headline(const Diagnostic& diagnostic) {
  std::string text = VisibleText(diagnostic.place.file);
  if (diagnostic.place.line > 0) {
    text +=
        ":" + std::to_string(diagnostic.place.line) + ":" + std::to_string(diagnostic.place.column);
  }
  return text + ": " + std::string(LevelName(diagnostic.level)) + ": " +
         VisibleText(diagnostic.message);
}

std::string Diagnostics::Snippet(const Diagnostic& diagnostic) const {
  const size_t index = FileIndex(diagnostic.place.file);
  const std::string hint = diagnostic.hint.empty() ? "" : "  " + VisibleText(diagnostic.hint);
  if (diagnostic.place.line <= 0 || index == files_.size()) {
    return hint.empty() ? "" : "   |" + hint + "\n";
  }
  const std::string_view line = LineOf(files_[index].text, diagnostic.place.line);
  const auto column = static_cast<size_t>(std::max(diagnostic.place.column, 1));
  const size_t byte = ByteOfChar(line, column - 1);
  // Columns of the picture, not of the file: a hidden character is shown by several.
  size_t mark = CharsOf(VisibleText(line.substr(0, byte)));
  std::string shown = VisibleText(line);
  if (CharsOf(shown) > kSnippetCharsMax) {
    const size_t start = mark > kSnippetCharsMax / 2 ? mark - kSnippetCharsMax / 2 : 0;
    const size_t from = ByteOfChar(shown, start);
    const size_t to = from + ByteOfChar(std::string_view(shown).substr(from), kSnippetCharsMax);
    shown =
        (from > 0 ? "..." : "") + shown.substr(from, to - from) + (to < shown.size() ? "..." : "");
    mark = mark - start + (from > 0 ? 3 : 0);
  }
  const size_t room = CharsOf(shown) > mark ? CharsOf(shown) - mark : 1;
  const size_t width =
      std::clamp<size_t>(static_cast<size_t>(std::max(diagnostic.width, 1)), 1, room);
  const std::string number = " " + std::to_string(diagnostic.place.line) + " | ";
  return number + shown + "\n" + std::string(number.size() - 2, ' ') + "| " +
         std::string(mark, ' ') + std::string(width, '^') + hint + "\n";
}

std::string Diagnostics::Text() const {
  std::string text;
  for (const Diagnostic& diagnostic : Sorted()) {
    text += Headline(diagnostic) + "\n" + Snippet(diagnostic);
  }
  const size_t total = errors_ + warnings_;
  if (total > diagnostics_.size()) {
    text += "and " + std::to_string(total - diagnostics_.size()) + " more\n";
  }
  text += Counted(files_.size(), "file") + ", " + Counted(errors_, "error") + ", " +
          Counted(warnings_, "warning") + "\n";
  return text;
}

Json Diagnostics::ToJson() const {
  Json json;
  json.Set("files", uint64_t{files_.size()});
  json.Set("errors", uint64_t{errors_});
  json.Set("warnings", uint64_t{warnings_});
  Json list(Json::Array{});
  for (const Diagnostic& diagnostic : Sorted()) {
    Json item;
    item.Set("level", LevelName(diagnostic.level));
    item.Set("file", diagnostic.place.file);
    item.Set("line", diagnostic.place.line);
    item.Set("column", diagnostic.place.column);
    item.Set("message", diagnostic.message);
    if (!diagnostic.hint.empty()) item.Set("hint", diagnostic.hint);
    list.Append(std::move(item));
  }
  json.Set("diagnostics", std::move(list));
  return json;
}

Status Diagnostics::AsStatus() const {
  if (ok()) return {};
  return Fail(Code::kInvalidArgument, Text());
}

}  // namespace fleetmedic
