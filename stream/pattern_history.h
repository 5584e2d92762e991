// The fleet's log patterns of the last 24 hours and its fleet issues, from what the stream wrote
// down: what the patterns page shows. Pure.
#ifndef FLEETMEDIC_STREAM_PATTERN_HISTORY_H_
#define FLEETMEDIC_STREAM_PATTERN_HISTORY_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/command.h"
#include "model/pattern_book.h"
#include "stream/host_table.h"
#include "stream/pattern_trace.h"

namespace fleetmedic {

struct PatternHistoryLimits {
  // Past it those that were seen last the longest ago make room.
  size_t patterns_max = 60'000;
  // A host of a pattern is one, about 30 bytes. Past it hosts are counted by the minute alone.
  size_t host_marks_max = 4'000'000;
  // Texts, examples and values of all patterns. Past it no more are taken.
  size_t text_bytes_max = size_t{128} << 20;
  // Past it the closed one that was updated the longest ago goes, then the open one.
  size_t issues_max = 1000;
  HostTableLimits hosts;
};

// What was left out because of a limit, since the start.
struct PatternHistoryDropped {
  uint64_t patterns = 0;
  uint64_t hosts = 0;  // that have no marks, once for each minute
  uint64_t texts = 0;
  uint64_t issues = 0;
  uint64_t out_of_time = 0;  // counts of minutes more than a day old, or not here yet
};

// Novelty is the share of a pattern's hosts that its own past does not explain:
//
//   novelty = max(0.01, 1 - 2 * mean / peak)
//
// of the distinct hosts in ten minutes: `peak` the most of them within the range that was asked,
// `mean` over the last 24 hours (before a pattern was seen first it had none; where the log that
// was read begins later than that, since then). What is there as always has 0.01, also where days
// differ from nights by half; what is there for the first time, or at many times its usual, has 1.
// The order of the page is hosts * novelty, so that neither one chatty host wins, nor what every
// host always says. A pattern rises when at least 3 hosts had it within the last ten minutes, and
// more than twice the mean.
class PatternHistory {
 public:
  explicit PatternHistory(const PatternHistoryLimits& limits = {});

  // A host that nothing was heard of for so long has left: it is not compared any more, but for
  // times when it was there.
  static constexpr Millis kGoneAfter = Hours(1);

  // `at`: when the host told it. What it says and what is counted on it says that it is there, too.
  void TakeFacts(const HostFacts& facts, WallTime at);
  void TakeWork(const ExecutorReport& report, WallTime at);
  void Heard(const HostId& host, WallTime at);
  void Take(const PatternCount& count, WallTime now);
  void TakeIssue(FleetIssue issue);
  // Forgets what is too old. About once a minute.
  void Prune(WallTime now);

  // As PatternBook says.
  PatternList List(const PatternQuery& query, WallTime now) const;
  Result<PatternDetail> Show(std::string_view pattern, Millis range, WallTime now) const;
  Result<PatternDiff> Diff(std::string_view pattern, const PatternSelection& selection,
                           WallTime now) const;
  std::vector<FleetIssuePtr> Issues() const;
  Result<FleetIssuePtr> Issue(std::string_view id) const;
  // Patterns that have one.
  size_t open_issues() const { return open_issue_.size(); }

  struct Figures {
    size_t rules = 0;
    size_t templates = 0;
    size_t fresh = 0;  // seen first within the last hour
    size_t issues_open = 0;
    size_t issue_hosts = 0;  // distinct ones of the open issues
    size_t host_marks = 0;
    size_t text_bytes = 0;
  };
  Figures Count(WallTime now) const;
  const PatternHistoryDropped& dropped() const { return dropped_; }
  size_t MemoryBytes() const;

 private:
  struct Row {
    PatternKind kind = PatternKind::kRule;
    std::string version;
    std::string text;
    WallTime first_seen = kWallNever;
    PatternTrace trace;
    std::vector<PatternExample> examples;  // the newest first
    std::vector<PatternVariable> variables;
    size_t text_bytes = 0;
  };
  // The minutes of a range, both ends.
  struct Span {
    Minute from = 0;
    Minute to = 0;
  };
  // Which hosts count: none of them means all.
  struct ScopeColumn {
    bool all = true;
    std::span<const ValueNumber> column;
    ValueNumber value = kValueUnknown;
    bool Has(HostIndex host) const {
      return all || (host < column.size() && column[host] == value && value != kValueUnknown);
    }
  };

  static Span SpanOf(Millis range, WallTime now);
  Row* RowFor(const PatternCount& count);
  void MakeRoom();
  void TakeTexts(Row* row, const PatternCount& count, bool lines_are_new);
  ScopeColumn ColumnOf(const IssueScope& scope) const;
  bool Wanted(const std::string& name, const Row& row, const PatternQuery& query) const;
  PatternSummary Summary(const std::string& name, const Row& row, Span span,
                         const ScopeColumn& scope) const;
  double MeanTenHosts(const Row& row, Minute now) const;
  std::vector<uint64_t> Trend(const Row& row, Span span) const;
  void MapIssues();
  void NoteHeard(HostIndex host, Minute minute);
  void PruneHosts(WallTime now);
  // A bit for each host that was there then or since, and has all of the facts; empty for all.
  Result<std::vector<uint64_t>> BitsAmong(const PatternSelection& selection, Minute from) const;

  const PatternHistoryLimits limits_;
  HostTable hosts_;
  // By the host's number. Numbers are given up when no mark of a pattern can have them.
  struct Presence {
    Minute heard = 0;
    bool gone = false;
  };
  std::vector<Presence> presence_;
  size_t gone_ = 0;
  std::map<std::string, Row, std::less<>> rows_;
  std::map<std::string, FleetIssuePtr, std::less<>> issues_;
  std::map<std::string, std::string, std::less<>> open_issue_;  // by pattern
  Minute begins_ = 0;                                           // the oldest minute that was told
  size_t marks_ = 0;
  size_t text_bytes_ = 0;
  PatternHistoryDropped dropped_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_PATTERN_HISTORY_H_
