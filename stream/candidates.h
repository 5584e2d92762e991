// Which of many expressions may match a line, and which of many literals are in a text: Hyperscan's
// word, which is quick and, about expressions, final only where they do not match. The one place
// that knows Hyperscan (candidates.cc).
#ifndef FLEETMEDIC_STREAM_CANDIDATES_H_
#define FLEETMEDIC_STREAM_CANDIDATES_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/result.h"

namespace fleetmedic {

struct CandidateExpression {
  std::string pattern;  // Pattern::hyperscan, or the literal itself
  bool ignore_case = false;
  bool literal = false;
};

struct CandidateProblem {
  size_t expression = 0;
  size_t offset = 0;  // in the expression; 0 where Hyperscan names none
  std::string message;
};

// Immutable, thread-safe; the expressions are numbered from 0 in the order given. Either all or
// none of them are literals.
class CandidateDatabase {
 public:
  // Null where `problems` gets any. Compiling is slow: milliseconds an expression.
  static std::shared_ptr<const CandidateDatabase> Compile(
      std::span<const CandidateExpression> expressions, std::vector<CandidateProblem>* problems);
  ~CandidateDatabase();
  CandidateDatabase(const CandidateDatabase&) = delete;
  CandidateDatabase& operator=(const CandidateDatabase&) = delete;

  size_t bytes() const;

  // The database as bytes for a later process, and back. Bytes of another engine or machine are
  // refused with kInvalidArgument; bytes that were tampered with are not recognised by Hyperscan
  // in every case, so whoever keeps them must (stream/candidate_cache.h).
  Result<std::string> Serialized() const;
  static Result<std::shared_ptr<const CandidateDatabase>> FromSerialized(std::string_view bytes);
  // What must be the same for bytes to be of use: Hyperscan's version and the processor's kind.
  static std::string EngineName();

 private:
  friend class CandidateScanner;
  struct Handle;
  explicit CandidateDatabase(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

// What a scan works in. Owned by one thread.
class CandidateScanner {
 public:
  explicit CandidateScanner(std::shared_ptr<const CandidateDatabase> database);
  ~CandidateScanner();
  CandidateScanner(const CandidateScanner&) = delete;
  CandidateScanner& operator=(const CandidateScanner&) = delete;

  // Calls `found` at most once for each expression that may match somewhere in the line, in no
  // order. `line` is at most 2 GiB and holds no '\n'.
  void Scan(std::string_view line, absl::FunctionRef<void(size_t expression)> found);
  // For literals: calls `found` for each occurrence in a text of any bytes, lines or not, with the
  // offset behind it, in the order of these offsets.
  void ScanText(std::string_view text, absl::FunctionRef<void(size_t literal, size_t end)> found);

 private:
  struct Scratch;
  std::shared_ptr<const CandidateDatabase> database_;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_CANDIDATES_H_
