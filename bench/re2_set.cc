#include "bench/re2_set.h"

#include <re2/re2.h>
#include <re2/set.h>

namespace fleetmedic {
namespace {

RE2::Options SetOptions() {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  options.set_max_mem(Re2Set::kBytesMax);
  return options;
}

}  // namespace

struct Re2Set::Engine {
  RE2::Set set{SetOptions(), RE2::UNANCHORED};
};

Re2Set::Re2Set(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Re2Set::Re2Set(Re2Set&&) noexcept = default;
Re2Set::~Re2Set() = default;

Result<Re2Set> Re2Set::Compile(std::span<const Rule> rules) {
  Re2Set made(std::make_unique<Engine>());
  for (const Rule& rule : rules) {
    // All of a set have the same options: the case of one stands in its expression.
    const std::string pattern = rule.ignore_case ? "(?i:" + rule.pattern + ")" : rule.pattern;
    std::string error;
    if (made.engine_->set.Add(pattern, &error) < 0) {
      return Fail(Code::kInvalidArgument, "RE2::Set: " + error);
    }
  }
  if (!made.engine_->set.Compile()) return Fail(Code::kFull, "RE2::Set: out of its memory");
  return made;
}

size_t Re2Set::Match(std::string_view line) {
  found_.clear();
  (void)engine_->set.Match(re2::StringPiece(line.data(), line.size()), &found_);
  return found_.size();
}

}  // namespace fleetmedic
