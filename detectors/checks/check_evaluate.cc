#include "detectors/checks/check_evaluate.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/cap_text.h"
#include "base/text.h"
#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

// Of a line, before it is made visible: that makes at most 8 bytes of one.
constexpr size_t kLineBytesMax = 4 << 10;

// Lines that are not blank, made visible, each at most `bytes_max` long.
std::vector<std::string> VisibleLines(std::string_view output, size_t lines_max, size_t bytes_max) {
  std::vector<std::string> lines;
  while (!output.empty() && lines.size() < lines_max) {
    const size_t end = std::min(output.find_first_of("\r\n"), output.size());
    const std::string_view line = Trim(output.substr(0, std::min(end, kLineBytesMax)));
    output.remove_prefix(std::min(end + 1, output.size()));
    if (line.empty()) continue;
    std::string visible = VisibleText(line);
    if (visible.size() > bytes_max) {
      CapText(&visible, bytes_max - 3);
      visible += "...";
    }
    lines.push_back(std::move(visible));
  }
  return lines;
}

}  // namespace

std::string CheckMessage(std::string_view output) {
  std::vector<std::string> lines = VisibleLines(output, 1, kCheckMessageBytesMax);
  return lines.empty() ? "" : std::move(lines[0]);
}

Condition EvaluateCheck(const CheckConfig& check, const CheckRun& run) {
  const auto make = [&](Verdict verdict, std::string_view reason, std::string message) {
    return MakeConditionOf(check.type, check.severity, check.name, verdict, reason,
                           std::move(message));
  };
  switch (run.outcome) {
    case CheckRun::Outcome::kTimedOut:
      return make(Verdict::kUnknown, "TimedOut",
                  fmt::format("killed after {}: {}", FormatDuration(check.deadline), run.error));
    case CheckRun::Outcome::kCannotStart:
      return make(Verdict::kUnknown, "CannotStart", run.error);
    case CheckRun::Outcome::kNoTurn:
      return make(Verdict::kUnknown, "NoTurn", run.error);
    case CheckRun::Outcome::kEnded:
      break;
  }
  std::vector<std::string> lines =
      VisibleLines(run.output, 1 + Condition::kEvidenceLinesMax, Condition::kEvidenceLineBytesMax);
  const std::string said = CheckMessage(run.output);
  const std::string message = said.empty() ? "it printed nothing" : said;
  Condition condition;
  if (run.status.signal != 0) {
    condition = make(Verdict::kUnknown, "EndedBySignal", run.status.Text() + ": " + message);
  } else if (run.status.exit_code == 0) {
    condition = make(Verdict::kOk, "CheckPassed", message);
  } else if (run.status.exit_code == 1) {
    condition = make(Verdict::kBad, "CheckFailed", message);
  } else if (run.status.exit_code == 2) {
    condition = make(Verdict::kUnknown, "CheckUnknown", message);
  } else {
    condition = make(Verdict::kUnknown, "UnexpectedExit", run.status.Text() + ": " + message);
  }
  if (condition.verdict == Verdict::kBad && lines.size() > 1) {
    condition.evidence.assign(lines.begin() + 1, lines.end());
  }
  return condition;
}

}  // namespace fleetmedic
