#include "stream/candidates.h"

#include <hs/hs.h>

#include <charconv>
#include <cstdlib>
#include <limits>

namespace fleetmedic {
namespace {

// SINGLEMATCH: one report of an expression a line is all there is to know, and without it ".*"
// reports every byte. Of a literal each occurrence counts, since a text has many lines.
unsigned FlagsOf(const CandidateExpression& expression) {
  return (expression.literal ? 0u : HS_FLAG_SINGLEMATCH) |
         (expression.ignore_case ? HS_FLAG_CASELESS : 0u);
}

// Hyperscan says "... at index 17."
CandidateProblem ProblemOf(size_t expression, hs_compile_error_t* error) {
  CandidateProblem problem{expression, 0, error == nullptr ? "no memory" : error->message};
  if (error != nullptr) hs_free_compile_error(error);
  constexpr std::string_view kAt = " at index ";
  const size_t at = problem.message.rfind(kAt);
  if (at != std::string::npos) {
    const char* digits = problem.message.data() + at + kAt.size();
    const char* end = problem.message.data() + problem.message.size();
    std::from_chars(digits, end, problem.offset);
    problem.message.resize(at);
  }
  if (problem.message.ends_with('.')) problem.message.pop_back();
  return problem;
}

// Every expression on its own, so that all mistakes are told and not the first alone.
void CheckEach(std::span<const CandidateExpression> expressions,
               std::vector<CandidateProblem>* problems) {
  for (size_t i = 0; i < expressions.size(); ++i) {
    if (expressions[i].literal) continue;
    hs_expr_info_t* info = nullptr;
    hs_compile_error_t* error = nullptr;
    const hs_error_t status =
        hs_expression_info(expressions[i].pattern.c_str(), FlagsOf(expressions[i]), &info, &error);
    if (status != HS_SUCCESS) {
      problems->push_back(ProblemOf(i, error));
      continue;
    }
    if (info->min_width == 0) {
      problems->push_back({i, 0, "matches the empty text, and so every line"});
    }
    free(info);
  }
}

using Found = absl::FunctionRef<void(size_t)>;
using FoundInText = absl::FunctionRef<void(size_t, size_t)>;

int OnMatch(unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
  (*static_cast<Found*>(context))(id);
  return 0;
}

int OnMatchInText(unsigned id, unsigned long long, unsigned long long end, unsigned,
                  void* context) {
  (*static_cast<FoundInText*>(context))(id, end);
  return 0;
}

// hs_compile_multi for expressions, hs_compile_lit_multi for literals.
hs_error_t CompileAll(std::span<const CandidateExpression> expressions, hs_database_t** database,
                      hs_compile_error_t** error) {
  std::vector<const char*> patterns;
  std::vector<unsigned> flags;
  std::vector<unsigned> ids;
  std::vector<size_t> lengths;
  const bool literals = expressions.front().literal;
  for (const CandidateExpression& expression : expressions) {
    FLEETMEDIC_CHECK(expression.literal == literals);
    ids.push_back(static_cast<unsigned>(patterns.size()));
    patterns.push_back(expression.pattern.c_str());
    flags.push_back(FlagsOf(expression));
    lengths.push_back(expression.pattern.size());
  }
  const auto count = static_cast<unsigned>(patterns.size());
  if (literals) {
    return hs_compile_lit_multi(patterns.data(), flags.data(), ids.data(), lengths.data(), count,
                                HS_MODE_BLOCK, nullptr, database, error);
  }
  return hs_compile_multi(patterns.data(), flags.data(), ids.data(), count, HS_MODE_BLOCK, nullptr,
                          database, error);
}

}  // namespace

struct CandidateDatabase::Handle {
  hs_database_t* database = nullptr;  // null where there is no expression
  ~Handle() { hs_free_database(database); }
};

struct CandidateScanner::Scratch {
  hs_scratch_t* scratch = nullptr;
  ~Scratch() { hs_free_scratch(scratch); }
};

CandidateDatabase::CandidateDatabase(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
CandidateDatabase::~CandidateDatabase() = default;

std::shared_ptr<const CandidateDatabase> CandidateDatabase::Compile(
    std::span<const CandidateExpression> expressions, std::vector<CandidateProblem>* problems) {
  const size_t before = problems->size();
  CheckEach(expressions, problems);
  if (problems->size() != before) return nullptr;
  auto handle = std::make_unique<Handle>();
  if (!expressions.empty()) {
    hs_compile_error_t* error = nullptr;
    const hs_error_t status = CompileAll(expressions, &handle->database, &error);
    if (status != HS_SUCCESS) {
      const int index = error == nullptr ? 0 : error->expression;
      problems->push_back(ProblemOf(index < 0 ? 0 : static_cast<size_t>(index), error));
      return nullptr;
    }
  }
  return std::shared_ptr<const CandidateDatabase>(new CandidateDatabase(std::move(handle)));
}

Result<std::string> CandidateDatabase::Serialized() const {
  if (handle_->database == nullptr) return std::string();
  char* bytes = nullptr;
  size_t length = 0;
  if (hs_serialize_database(handle_->database, &bytes, &length) != HS_SUCCESS) {
    return Fail(Code::kFull, "no memory to serialize the compiled rules");
  }
  std::string text(bytes, length);
  free(bytes);
  return text;
}

Result<std::shared_ptr<const CandidateDatabase>> CandidateDatabase::FromSerialized(
    std::string_view bytes) {
  auto handle = std::make_unique<Handle>();
  const hs_error_t status = hs_deserialize_database(bytes.data(), bytes.size(), &handle->database);
  if (status != HS_SUCCESS) {
    return Fail(Code::kInvalidArgument,
                "Hyperscan refuses the compiled rules: error " + std::to_string(status));
  }
  return std::shared_ptr<const CandidateDatabase>(new CandidateDatabase(std::move(handle)));
}

std::string CandidateDatabase::EngineName() {
  hs_platform_info_t platform = {};
  std::string name = hs_version();
  if (hs_populate_platform(&platform) != HS_SUCCESS) return name + " unknown";
  return name + " tune " + std::to_string(platform.tune) + " features " +
         std::to_string(platform.cpu_features);
}

size_t CandidateDatabase::bytes() const {
  size_t bytes = 0;
  if (handle_->database != nullptr) hs_database_size(handle_->database, &bytes);
  return bytes;
}

CandidateScanner::CandidateScanner(std::shared_ptr<const CandidateDatabase> database)
    : database_(std::move(database)), scratch_(std::make_unique<Scratch>()) {
  if (database_->handle_->database == nullptr) return;
  FLEETMEDIC_CHECK(hs_alloc_scratch(database_->handle_->database, &scratch_->scratch) ==
                   HS_SUCCESS);
}
CandidateScanner::~CandidateScanner() = default;

void CandidateScanner::Scan(std::string_view line,
                            absl::FunctionRef<void(size_t expression)> found) {
  if (database_->handle_->database == nullptr || line.empty()) return;
  FLEETMEDIC_CHECK(line.size() <= std::numeric_limits<int32_t>::max());
  // The database and the scratch are ours and the callback never stops a scan.
  FLEETMEDIC_CHECK(hs_scan(database_->handle_->database, line.data(),
                           static_cast<unsigned>(line.size()), 0, scratch_->scratch, OnMatch,
                           &found) == HS_SUCCESS);
}

void CandidateScanner::ScanText(std::string_view text,
                                absl::FunctionRef<void(size_t literal, size_t end)> found) {
  if (database_->handle_->database == nullptr || text.empty()) return;
  FLEETMEDIC_CHECK(text.size() <= std::numeric_limits<int32_t>::max());
  FLEETMEDIC_CHECK(hs_scan(database_->handle_->database, text.data(),
                           static_cast<unsigned>(text.size()), 0, scratch_->scratch, OnMatchInText,
                           &found) == HS_SUCCESS);
}

}  // namespace fleetmedic
