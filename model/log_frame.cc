#include "model/log_frame.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/lz4.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

// Before the warnings, where every other line is known to be none.
constexpr std::string_view kOnly = "only";

std::optional<std::string_view> Header(std::span<const std::pair<std::string, std::string>> headers,
                                       std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

// Written so that a compiler makes vectors of it: each byte of a log passes here, and to look for
// one line end after the other takes several times as long.
uint32_t CountLineEnds(std::string_view text) {
  constexpr size_t kLanes = 32;
  constexpr size_t kRowsMax = 255;  // a lane counts no further
  uint32_t count = 0;
  while (text.size() >= kLanes) {
    const size_t rows = std::min(kRowsMax, text.size() / kLanes);
    std::array<uint8_t, kLanes> lanes{};
    for (size_t row = 0; row < rows; ++row) {
      const char* const bytes = text.data() + row * kLanes;
      for (size_t i = 0; i < kLanes; ++i) lanes[i] += bytes[i] == '\n' ? 1 : 0;
    }
    for (const uint8_t lane : lanes) count += lane;
    text.remove_prefix(kLanes * rows);
  }
  return count + static_cast<uint32_t>(std::ranges::count(text, '\n'));
}

// Whether each line is short enough, of a text that ends with a line end: from line end to the
// last one that may follow it.
bool LinesFit(std::string_view text) {
  while (text.size() > LogFrame::kLineBytesMax + 1) {
    const size_t end = text.substr(0, LogFrame::kLineBytesMax + 1).rfind('\n');
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
  return true;
}

Status CheckText(std::string_view text, uint32_t lines) {
  if (text.size() > LogFrame::kTextBytesMax) {
    return Fail(Code::kInvalidArgument, "the text has " + std::to_string(text.size()) +
                                            " bytes, more than the limit of " +
                                            std::to_string(LogFrame::kTextBytesMax));
  }
  if (!text.empty() && !text.ends_with('\n')) {
    return Fail(Code::kInvalidArgument, "the text does not end with a line end");
  }
  if (LinesFit(text) && CountLineEnds(text) == lines) return {};
  uint32_t seen = 0;
  for (size_t at = 0; at < text.size(); ++seen) {
    const size_t end = text.find('\n', at);
    if (end - at > LogFrame::kLineBytesMax) {
      return Fail(Code::kInvalidArgument,
                  "line " + std::to_string(seen + 1) + " has " + std::to_string(end - at) +
                      " bytes, more than the limit of " + std::to_string(LogFrame::kLineBytesMax));
    }
    at = end + 1;
  }
  return Fail(Code::kInvalidArgument, "the header says " + std::to_string(lines) +
                                          " lines, the text has " + std::to_string(seen));
}

template <typename T>
bool ReadWhole(std::string_view text, T* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

// False where the header breaks what LogFrame says of it.
bool ReadRepeats(std::string_view text, uint32_t lines, std::vector<LogFrame::Repeats>* repeats) {
  for (const std::string_view one : Split(text, ' ')) {
    const size_t star = one.find('*');
    if (star == std::string_view::npos || repeats->size() == LogFrame::kRepeatsMax) return false;
    LogFrame::Repeats run;
    if (!ReadWhole(one.substr(0, star), &run.line) ||
        !ReadWhole(one.substr(star + 1), &run.times)) {
      return false;
    }
    const bool in_order = repeats->empty() || repeats->back().line < run.line;
    if (!in_order || run.line >= lines || run.times < 2) return false;
    repeats->push_back(run);
  }
  return true;
}

// False where the header breaks what LogFrame says of it.
bool ReadWarnings(std::string_view text, LogFrame* frame) {
  if (text.starts_with(kOnly)) {
    frame->levels_known = true;
    text.remove_prefix(kOnly.size());
    if (text.empty()) return true;
    if (text.front() != ' ') return false;
    text.remove_prefix(1);
  }
  for (const std::string_view one : Split(text, ' ')) {
    if (frame->warnings.size() == LogFrame::kWarningRunsMax) return false;
    const size_t dash = one.find('-');
    LogFrame::LineRun run;
    if (!ReadWhole(one.substr(0, dash), &run.first)) return false;
    run.last = run.first;
    if (dash != std::string_view::npos &&
        (!ReadWhole(one.substr(dash + 1), &run.last) || run.last <= run.first)) {
      return false;
    }
    const bool in_order = frame->warnings.empty() || frame->warnings.back().last + 1 < run.first;
    if (!in_order || run.last >= frame->lines) return false;
    frame->warnings.push_back(run);
  }
  return true;
}

std::string WarningsText(const LogFrame& frame) {
  std::string text(frame.levels_known ? kOnly : "");
  for (const LogFrame::LineRun& run : frame.warnings) {
    if (!text.empty()) text += ' ';
    text += std::to_string(run.first);
    if (run.last > run.first) text += "-" + std::to_string(run.last);
  }
  return text;
}

// A line "PID PATH" for each.
bool ReadCgroups(std::string_view text, LogFrame* frame) {
  for (const std::string_view line : Split(text, '\n')) {
    const size_t space = line.find(' ');
    if (space == std::string_view::npos || frame->cgroups.size() == LogFrame::kCgroupsMax) {
      return false;
    }
    const std::string_view path = line.substr(space + 1);
    uint32_t pid = 0;
    if (!ReadWhole(line.substr(0, space), &pid) || !path.starts_with('/') ||
        path.size() > LogFrame::kCgroupBytesMax) {
      return false;
    }
    frame->cgroups.emplace(line.substr(0, space), path);
  }
  return true;
}

// The text of a value, as its headers say that it is encoded.
Result<std::string> Decoded(std::span<const std::pair<std::string, std::string>> headers,
                            std::string value) {
  const std::optional<std::string_view> encoding = Header(headers, "content-encoding");
  if (!encoding) return value;
  if (*encoding != "lz4") {
    return Fail(Code::kInvalidArgument,
                "header content-encoding: expected lz4 or no such header, got " + Quote(*encoding));
  }
  Result<std::string> text = Lz4Decompress(value, LogFrame::kTextBytesMax);
  if (!text) return Fail(Code::kInvalidArgument, text.error().message);
  return text;
}

}  // namespace

uint64_t LogFrame::Written() const {
  uint64_t written = lines;
  for (const Repeats& run : repeats) written += run.times - 1;
  return written;
}

LogFrameHeaderList LogFrameHeaders(const LogFrame& frame) {
  LogFrameHeaderList headers = {{"host", frame.host.str()},
                                {"boot_id", frame.boot_id},
                                {"source", frame.source},
                                {"first_at", FormatWall(frame.first_at)},
                                {"lines", std::to_string(frame.lines)}};
  std::string repeats;
  for (const LogFrame::Repeats& run : frame.repeats) {
    if (!repeats.empty()) repeats += ' ';
    repeats += std::to_string(run.line) + "*" + std::to_string(run.times);
  }
  if (!repeats.empty()) headers.emplace_back("repeats", std::move(repeats));
  if (std::string warnings = WarningsText(frame); !warnings.empty()) {
    headers.emplace_back("warnings", std::move(warnings));
  }
  std::string cgroups;
  for (const auto& [pid, path] : frame.cgroups) {
    if (!cgroups.empty()) cgroups += '\n';
    cgroups += pid + " " + path;
  }
  if (!cgroups.empty()) headers.emplace_back("cgroups", std::move(cgroups));
  return headers;
}

Result<LogFrame> LogFrameFrom(std::string_view key,
                              std::span<const std::pair<std::string, std::string>> headers,
                              std::string value) {
  LogFrame frame;
  const auto fail = [](std::string_view header, std::string_view got) {
    return Fail(Code::kInvalidArgument,
                "header " + std::string(header) + ": expected it well formed, got " + Quote(got));
  };
  if (!ValidId(key)) {
    return Fail(Code::kInvalidArgument, "expected a host as the key, got " + Quote(key));
  }
  frame.host = HostId(std::string(key));
  const std::string_view host = Header(headers, "host").value_or(key);
  if (host != key) return fail("host", host);
  for (const std::string_view name : {"boot_id", "source", "first_at", "lines"}) {
    if (Header(headers, name)) continue;
    return Fail(Code::kInvalidArgument, "header " + std::string(name) + " is missing");
  }
  // An empty boot id is a host that does not tell it.
  frame.boot_id = *Header(headers, "boot_id");
  if (frame.boot_id.size() > LogFrame::kBootIdBytesMax ||
      (!frame.boot_id.empty() && !ValidId(frame.boot_id))) {
    return fail("boot_id", frame.boot_id);
  }
  frame.source = *Header(headers, "source");
  if (frame.source.empty() || frame.source.size() > LogFrame::kSourceBytesMax ||
      VisibleText(frame.source) != frame.source) {
    return fail("source", frame.source);
  }
  const Result<WallTime> first_at = ParseWall(*Header(headers, "first_at"));
  if (!first_at) return fail("first_at", *Header(headers, "first_at"));
  frame.first_at = *first_at;
  const std::string_view lines = *Header(headers, "lines");
  if (!ReadWhole(lines, &frame.lines)) return fail("lines", lines);
  const std::optional<std::string_view> repeats = Header(headers, "repeats");
  if (repeats && !ReadRepeats(*repeats, frame.lines, &frame.repeats)) {
    return fail("repeats", *repeats);
  }
  const std::optional<std::string_view> warnings = Header(headers, "warnings");
  if (warnings && !ReadWarnings(*warnings, &frame)) return fail("warnings", *warnings);
  const std::optional<std::string_view> cgroups = Header(headers, "cgroups");
  if (cgroups && !ReadCgroups(*cgroups, &frame)) return fail("cgroups", *cgroups);
  FLEETMEDIC_ASSIGN_OR_RETURN(frame.text, Decoded(headers, std::move(value)));
  FLEETMEDIC_RETURN_IF_ERROR(CheckText(frame.text, frame.lines));
  return frame;
}

}  // namespace fleetmedic
