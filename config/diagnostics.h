// What is wrong with files that people write: collected, so that one run shows all of it.
//
//   fleetmedic.toml:23:17: error: api.port: expected an integer from 0 to 65535, got "5"
//    23 | port = "5"
//       |        ^^^  remove the quotes
//   3 files, 2 errors, 1 warning
#ifndef FLEETMEDIC_CONFIG_DIAGNOSTICS_H_
#define FLEETMEDIC_CONFIG_DIAGNOSTICS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "config/rule.h"

namespace fleetmedic {

struct Diagnostic {
  enum class Level : uint8_t { kError, kWarning };

  Level level = Level::kError;
  // line 0: the whole file, or something that is no file (an environment variable).
  SourcePlace place;
  // Characters from the place on that are marked; at least 1 is.
  int width = 1;
  std::string message;
  // What to do about it, shown behind the marks; may be empty.
  std::string hint;

  bool operator==(const Diagnostic&) const = default;
};

// Not synchronised.
class Diagnostics {
 public:
  // Past this many they are counted and no longer kept.
  static constexpr size_t kDiagnosticsMax = 500;
  // Of one snippet line; a longer one is shown around its mark.
  static constexpr size_t kSnippetCharsMax = 120;

  // A file that was looked at; its lines are the snippets. Each file once.
  void AddFile(std::string_view file, std::string_view text);

  void Error(SourcePlace place, int width, std::string message, std::string hint = {});
  void Warning(SourcePlace place, int width, std::string message, std::string hint = {});

  size_t errors() const { return errors_; }
  size_t warnings() const { return warnings_; }
  size_t files() const { return files_.size(); }
  bool ok() const { return errors_ == 0; }

  // In the order of files, then lines, then columns; errors and warnings mixed.
  std::vector<Diagnostic> Sorted() const;
  // One line of it: "FILE:LINE:COLUMN: error: MESSAGE".
  static std::string Headline(const Diagnostic& diagnostic);
  // All of them with their snippets, and the line that counts. Ends with a newline. What came from
  // the files is shown as VisibleText.
  std::string Text() const;
  // {"files": 1, "errors": 1, "warnings": 0, "diagnostics": [{file, line, column, ...}]}
  Json ToJson() const;

  // OK where there are no errors; else kInvalidArgument with Text().
  Status AsStatus() const;

 private:
  void Add(Diagnostic diagnostic);
  std::string Snippet(const Diagnostic& diagnostic) const;
  size_t FileIndex(std::string_view file) const;

  struct File {
    std::string name;
    std::string text;
  };
  std::vector<File> files_;
  std::vector<Diagnostic> diagnostics_;
  size_t errors_ = 0;
  size_t warnings_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_DIAGNOSTICS_H_
