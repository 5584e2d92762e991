// Taste is a failing test: what the style asks of every file, checked on the files that git knows.
#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

constexpr size_t kColumnsMax = 100;
constexpr size_t kFileLinesMax = 600;
constexpr size_t kFunctionLinesMax = 70;

struct SourceFile {
  std::string path;  // from the top of the tree
  std::vector<std::string> lines;
};

// The sources that are tracked or could be; the test runs at the top of the tree.
std::vector<std::string> ListFiles(const std::string& patterns) {
  const std::string command =
      "git -c safe.directory='*' ls-files -co --exclude-standard " + patterns;
  std::vector<std::string> files;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return files;
  std::array<char, 4096> line{};
  while (std::fgets(line.data(), line.size(), pipe) != nullptr) {
    std::string path = line.data();
    while (!path.empty() && path.back() == '\n') path.pop_back();
    if (std::filesystem::exists(path)) files.push_back(path);
  }
  pclose(pipe);
  return files;
}

const std::vector<SourceFile>& Sources() {
  static const std::vector<SourceFile> sources = [] {
    std::vector<SourceFile> all;
    for (const std::string& path : ListFiles("'*.cc' '*.h'")) {
      SourceFile file{path, {}};
      std::ifstream in(path);
      for (std::string line; std::getline(in, line);) file.lines.push_back(line);
      all.push_back(std::move(file));
    }
    return all;
  }();
  return sources;
}

std::string FolderOf(const std::string& path) { return path.substr(0, path.find('/')); }

// What remains of a line of code when comments and string literals are blanked out.
std::string CodeOf(const std::string& line) {
  static const std::regex kStrings(R"rx("(\\.|[^"\\])*")rx");
  const std::string blanked = std::regex_replace(line, kStrings, "\"\"");
  const size_t comment = blanked.find("//");
  return comment == std::string::npos ? blanked : blanked.substr(0, comment);
}

TEST(Tidy, TheTreeHasSources) { ASSERT_GT(Sources().size(), 20u); }

TEST(Tidy, LinesFitInOneHundredColumns) {
  for (const SourceFile& file : Sources()) {
    for (size_t i = 0; i < file.lines.size(); ++i) {
      // Columns, not bytes: continuation bytes of UTF-8 do not count.
      const auto columns = std::ranges::count_if(
          file.lines[i], [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
      EXPECT_LE(static_cast<size_t>(columns), kColumnsMax) << file.path << ":" << i + 1;
    }
  }
}

TEST(Tidy, FilesStayUnderSixHundredLines) {
  for (const SourceFile& file : Sources()) {
    EXPECT_LE(file.lines.size(), kFileLinesMax) << file.path;
  }
}

TEST(Tidy, SourcesAreFormatted) {
  // What the tool says, and its exit code on a line of its own.
  FILE* pipe = popen(
      "git -c safe.directory='*' ls-files -co --exclude-standard '*.cc' '*.h' | "
      "{ while read -r f; do [ ! -e \"$f\" ] || printf '%s\\n' \"$f\"; done; } | "
      "{ xargs -P 2 -n 100 clang-format-16 --dry-run -Werror 2>&1; echo exit $?; } | tail -n 40",
      "r");
  ASSERT_NE(pipe, nullptr);
  std::string said;
  std::array<char, 4096> line{};
  while (std::fgets(line.data(), line.size(), pipe) != nullptr) said += line.data();
  pclose(pipe);
  EXPECT_EQ(said, "exit 0\n") << "./dev fmt formats the tree; ./dev setup installs clang-format-16";
}

// A function's body, in the formatting that the tree keeps: it opens with a line at column 0 (or
// two, inside a class) that ends in "{" and closes with "}" at the same column.
TEST(Tidy, FunctionsStayUnderSeventyLines) {
  static const std::regex kOpens(R"(^(  )?[A-Za-z~].*\) ?(const|override|noexcept| )*\{$)");
  for (const SourceFile& file : Sources()) {
    for (size_t i = 0; i < file.lines.size(); ++i) {
      if (!std::regex_match(file.lines[i], kOpens)) continue;
      const std::string close = file.lines[i].starts_with("  ") ? "  }" : "}";
      size_t end = i + 1;
      // "}" of a function, "};" or "});" of a lambda.
      while (end < file.lines.size() && !file.lines[end].starts_with(close)) ++end;
      if (file.lines[i].starts_with("TEST")) continue;
      EXPECT_LE(end - i - 1, kFunctionLinesMax) << file.path << ":" << i + 1;
    }
  }
}

// folder -> folders it may include beside itself; the design's table.
const std::map<std::string, std::set<std::string>> kMayInclude = {
    {"base", {}},
    {"model", {"base"}},
    {"config", {"base", "model"}},
    {"store", {"base", "model"}},
    {"eventlog", {"base", "model"}},
    {"scheduler-hooks", {"base", "model"}},
    {"ratelimit", {"base", "model"}},
    {"detectors", {"base", "model", "config"}},
    {"stream", {"base", "model", "config"}},
    {"remediation", {"base", "model", "config", "ratelimit"}},
    {"scheduler", {"base", "model", "config"}},
    {"executor", {"base", "model", "config"}},
    {"notify", {"base", "model", "config"}},
    {"console", {"base", "model", "config", "ratelimit"}},
    // Names engines too: those in memory and those with faults.
    {"simulation",
     {"base", "model", "config", "store", "eventlog", "scheduler-hooks", "ratelimit", "detectors",
      "stream", "remediation", "scheduler", "executor", "notify"}},
};
// Headers that everyone of these folders may see though not their folder.
const std::map<std::string, std::set<std::string>> kMaySee = {
    {"ratelimit", {"store/store.h"}},
    {"detectors", {"eventlog/event_log.h"}},
    {"stream", {"eventlog/event_log.h", "store/store.h"}},
    {"remediation", {"eventlog/event_log.h", "store/store.h", "scheduler-hooks/scheduler_hook.h"}},
    {"scheduler", {"eventlog/event_log.h", "store/store.h"}},
    {"executor", {"eventlog/event_log.h"}},
    {"notify", {"eventlog/event_log.h", "store/store.h"}},
    {"console", {"store/store.h", "remediation/query.h"}},
};

TEST(Tidy, FoldersIncludeOnlyWhatTheTableAllows) {
  static const std::regex kInclude(R"re(^#include "([^"]+)")re");
  for (const SourceFile& file : Sources()) {
    const std::string folder = FolderOf(file.path);
    const auto allowed = kMayInclude.find(folder);
    const bool test = file.path.ends_with("_test.cc") || file.path.ends_with("_fixture.h");
    if (allowed == kMayInclude.end() || test) continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch match;
      if (!std::regex_search(file.lines[i], match, kInclude)) continue;
      const std::string header = match[1];
      const std::string from = FolderOf(header);
      if (header.find('/') == std::string::npos || !std::filesystem::exists(header)) continue;
      const auto seen = kMaySee.find(folder);
      const bool fine = from == folder || allowed->second.contains(from) ||
                        (seen != kMaySee.end() && seen->second.contains(header));
      EXPECT_TRUE(fine) << file.path << ":" << i + 1 << ": " << folder << " includes " << header;
    }
  }
}

TEST(Tidy, NobodyIncludesAppTestsOrBench) {
  static const std::regex kInclude(R"(^#include "(app|tests|bench)/)");
  for (const SourceFile& file : Sources()) {
    const std::string folder = FolderOf(file.path);
    if (folder == "app" || folder == "tests" || folder == "bench") continue;
    if (file.path.ends_with("_test.cc")) continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(file.lines[i], kInclude)) << file.path << ":" << i + 1;
    }
  }
}

TEST(Tidy, TimeRandomnessThreadsAndEnvironmentComeFromBase) {
  static const std::regex kBanned(
      R"(::now\(|sleep_for|sleep_until|\busleep\(|\bsleep\(|\brand\(|\bsrand\(|getenv\(|)"
      R"(std::(j?thread|mutex|condition_variable|async|random_device|mt19937)\b)");
  for (const SourceFile& file : Sources()) {
    if (FolderOf(file.path) == "base" || file.path == "tests/tidy/tidy_test.cc") continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(CodeOf(file.lines[i]), kBanned))
          << file.path << ":" << i + 1 << ": " << file.lines[i];
    }
  }
}

TEST(Tidy, PureFilesTouchNothing) {
  static const std::regex kImpure(
      R"(base/(clock|logging|metrics|file|http|sqlite|child_process|random|role|thread)|)"
      R"(absl/synchronization|eventlog/|store/|scheduler-hooks/)");
  // One a line, so that two changes that each add one get on.
  std::istringstream names(R"(
detectors/logs/journal_entry
detectors/logs/journal_file
detectors/logs/journal_place
notify/event
notify/grouping
notify/grouping_state
notify/message
notify/payload
notify/queue
notify/retry
ratelimit/brake
ratelimit/budget
ratelimit/ramp
remediation/audit_detail
remediation/evidence
remediation/host_machine
remediation/fleet_look
remediation/open_issues
remediation/reconcile
remediation/transitions
scheduler/cluster
scheduler/drain
scheduler/placement
scheduler/reconcile
stream/attribution
stream/baseline
stream/cohort_watch
stream/fact_comparison
stream/fleet_detect
stream/fleet_hosts
stream/fleet_watch
stream/fleet_watch_state
stream/issue_why
stream/fleet_facts
stream/fleet_scope
stream/host_table
stream/hypergeometric
stream/lag
stream/pattern_counter
stream/line_begins
stream/line_level
stream/line_words
stream/mined_template
stream/pattern_diff
stream/pattern_history
stream/pattern_syntax
stream/pattern_trace
stream/pattern_window
stream/plain_program
stream/tail_probability
stream/template_miner
stream/template_parts
stream/template_rule
stream/template_state
stream/literal_sieve
stream/literals
stream/thresholds
stream/value_counts
stream/why_text
)");
  const std::set<std::string> pure{std::istream_iterator<std::string>(names), {}};
  size_t seen = 0;
  for (const SourceFile& file : Sources()) {
    const std::string stem = file.path.substr(0, file.path.rfind('.'));
    if (!pure.contains(stem)) continue;
    ++seen;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      if (!file.lines[i].starts_with("#include")) continue;
      EXPECT_FALSE(std::regex_search(file.lines[i], kImpure)) << file.path << ":" << i + 1;
    }
  }
  EXPECT_GE(seen, 10u);
}

TEST(Tidy, HeavyHeadersStandInOneFileEach) {
  const std::array<std::string, 18> heavy = {"<httplib.h>",
                                             "<nlohmann/json.hpp>",
                                             "<toml++/toml.h>",
                                             "<CLI/CLI.hpp>",
                                             "<spdlog/spdlog.h>",
                                             "<sqlite3.h>",
                                             "<hs.h>",
                                             "<hs/hs.h>",
                                             "<lz4.h>",
                                             "<lz4frame.h>",
                                             "<re2/re2.h>",
                                             "<zstd.h>",
                                             "<systemd/sd-bus.h>",
                                             "<systemd/sd-journal.h>",
                                             "<openssl/sha.h>",
                                             "<openssl/ssl.h>",
                                             "<boost/math/special_functions/beta.hpp>",
                                             "<boost/math/special_functions/gamma.hpp>"};
  for (const std::string& header : heavy) {
    std::vector<std::string> users;
    for (const SourceFile& file : Sources()) {
      if (file.path.ends_with("_test.cc")) continue;
      for (const std::string& line : file.lines) {
        if (line.starts_with("#include " + header)) users.push_back(file.path);
      }
    }
    // HTTP has a server's wrapper and a client's; SQLite has its wrapper and the faulty disk; RE2
    // has its wrapper and the bench's peer.
    const bool two = header == "<httplib.h>" || header == "<sqlite3.h>" || header == "<re2/re2.h>";
    const size_t files_max = two ? 2 : 1;
    EXPECT_LE(users.size(), files_max) << header << " in " << ::testing::PrintToString(users);
  }
}

TEST(Tidy, EverySourceIsBuilt) {
  std::set<std::string> built;
  for (const std::string& path : ListFiles("'*CMakeLists.txt'")) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    static const std::regex kSource(R"(([A-Za-z0-9_/.-]+\.cc))");
    const std::string content = text.str();
    const std::string folder = std::filesystem::path(path).parent_path().string();
    for (std::sregex_iterator it(content.begin(), content.end(), kSource), end; it != end; ++it) {
      const std::filesystem::path source = std::filesystem::path(folder) / (*it)[1].str();
      built.insert(source.lexically_normal().string());
    }
  }
  for (const SourceFile& file : Sources()) {
    if (!file.path.ends_with(".cc")) continue;
    EXPECT_TRUE(built.contains(file.path)) << file.path << " is in no CMakeLists.txt";
  }
}

TEST(Tidy, EveryFolderTellsWhatItIsFor) {
  std::set<std::string> folders;
  for (const SourceFile& file : Sources()) folders.insert(FolderOf(file.path));
  for (const std::string& folder : folders) {
    const std::string readme = folder + "/README.md";
    ASSERT_TRUE(std::filesystem::exists(readme)) << readme;
    std::ifstream in(readme);
    size_t lines = 0;
    for (std::string line; std::getline(in, line);) ++lines;
    EXPECT_LE(lines, 60u) << readme << " is longer than a screen";
  }
}

TEST(Tidy, HeadersHaveTheGuardOfTheirPath) {
  for (const SourceFile& file : Sources()) {
    if (!file.path.ends_with(".h")) continue;
    std::string guard = "FLEETMEDIC_";
    for (const char c : file.path) {
      guard += std::isalnum(static_cast<unsigned char>(c)) != 0
                   ? static_cast<char>(std::toupper(static_cast<unsigned char>(c)))
                   : '_';
    }
    guard += '_';
    const bool has = std::ranges::find(file.lines, "#ifndef " + guard) != file.lines.end();
    EXPECT_TRUE(has) << file.path << ": expected " << guard;
  }
}

}  // namespace
}  // namespace fleetmedic
