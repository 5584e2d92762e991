#include "bench/log_corpus.h"

#include <cmath>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/text.h"
#include "bench/log_kinds.h"
#include "stream/matcher.h"

namespace fleetmedic {
namespace {

constexpr int kDrawsMax = 100;  // of a line that is to match nothing
constexpr uint8_t kWarning = 4;
constexpr WallTime kBegin = WallFromMillis(1'767'225'600'000);

template <typename Item>
const Item& PickByWeight(std::span<const Item> items, Random* random) {
  int64_t all = 0;
  for (const Item& item : items) all += item.weight;
  auto left = static_cast<int64_t>(random->Below(static_cast<uint64_t>(all)));
  for (const Item& item : items) {
    left -= item.weight;
    if (left < 0) return item;
  }
  return items.back();
}

class Maker {
 public:
  Maker(const LogCorpusOptions& options, std::span<const RuleSample> samples,
        const std::shared_ptr<const RuleSet>& rules)
      : options_(options),
        samples_(samples),
        matcher_(rules),
        text_(options.seed),
        lines_left_(options.lines),
        matching_left_(std::llround(options.matching * static_cast<double>(options.lines))) {}

  Result<LogCorpus> Make() {
    LogCorpus corpus;
    while (lines_left_ > 0) {
      FLEETMEDIC_ASSIGN_OR_RETURN(CorpusFrame frame, MakeFrame(corpus.frames.size()));
      corpus.lines += frame.frame.lines;
      corpus.bytes += frame.frame.text.size();
      corpus.frames.push_back(std::move(frame));
    }
    corpus.matching = matching_;
    return corpus;
  }

 private:
  Result<CorpusFrame> MakeFrame(size_t number) {
    const LogKind& kind = PickByWeight(LogKinds(), &text_.random());
    CorpusFrame made;
    LogFrame& frame = made.frame;
    frame.host = HostId(fmt::format("host-{:05}", text_.random().Below(options_.hosts)));
    frame.boot_id = "5d1c0c9e-7a77-4d43-9d6e-2f6f5a0b1c11";
    frame.source = kind.source;
    frame.first_at = kBegin + Millis(100) * static_cast<int64_t>(number);
    // As of agents: files do not tell how bad a line is.
    frame.levels_known = !kind.source.starts_with("file:");
    constexpr size_t kTextBytesMax = LogFrame::kTextBytesMax - LogFrame::kLineBytesMax - 1;
    while (frame.lines < options_.frame_lines && lines_left_ > 0 &&
           frame.text.size() < kTextBytesMax && frame.warnings.size() < LogFrame::kWarningRunsMax) {
      uint8_t level = kWarning;
      FLEETMEDIC_ASSIGN_OR_RETURN(const std::string line, MakeLine(kind, &level));
      (frame.text += line) += '\n';
      made.levels.push_back(level);
      if (frame.levels_known && level <= kWarning) AddWarning(frame.lines, &frame);
      ++frame.lines;
      --lines_left_;
    }
    return made;
  }

  static void AddWarning(uint32_t line, LogFrame* frame) {
    if (!frame->warnings.empty() && frame->warnings.back().last + 1 == line) {
      frame->warnings.back().last = line;
    } else {
      frame->warnings.push_back({line, line});
    }
  }

  Result<std::string> MakeLine(const LogKind& kind, uint8_t* level) {
    // Selection sampling: exactly as many as are left to find, anywhere.
    if (text_.random().Below(lines_left_) < static_cast<uint64_t>(matching_left_)) {
      const RuleSample& sample = Sample();
      std::string line = sample.Line(&text_);
      if (!Matches(line, kind.source)) {
        return Fail(Code::kInvalidArgument,
                    "rule " + sample.rule.name + " does not match its line " + Quote(line));
      }
      --matching_left_;
      ++matching_;
      return line;
    }
    const bool near = text_.random().Chance(options_.near_misses);
    std::string line;
    for (int i = 0; i < kDrawsMax; ++i) {
      line = near ? NearMiss() : CalmLine(kind, level);
      if (!Matches(line, kind.source)) return line;
    }
    return Fail(Code::kInvalidArgument, "calm lines match rules, such as " + Quote(line));
  }

  std::string CalmLine(const LogKind& kind, uint8_t* level) {
    const LineForm& form = PickByWeight(kind.forms, &text_.random());
    std::string line;
    text_.Append(form.form, &line);
    text_.Step();
    *level = form.level;
    return line;
  }

  // A line of a rule with one word replaced.
  std::string NearMiss() {
    const std::string line = Sample().Line(&text_);
    const std::vector<std::string_view> words = Split(line, ' ');
    const size_t changed = text_.random().Below(words.size());
    std::string miss;
    for (size_t i = 0; i < words.size(); ++i) {
      if (i != 0) miss += ' ';
      if (i == changed) {
        text_.Append("{word}", &miss);
      } else {
        miss += words[i];
      }
    }
    return miss;
  }

  const RuleSample& Sample() { return samples_[text_.random().Below(samples_.size())]; }

  bool Matches(std::string_view line, std::string_view source) {
    bool matches = false;
    matcher_.Match(line, source, [&](const RuleMatch&) { matches = true; });
    return matches;
  }

  const LogCorpusOptions options_;
  const std::span<const RuleSample> samples_;
  Matcher matcher_;
  LineText text_;
  uint64_t lines_left_;
  int64_t matching_left_;
  uint64_t matching_ = 0;
};

}  // namespace

Result<LogCorpus> MakeLogCorpus(const LogCorpusOptions& options,
                                std::span<const RuleSample> samples,
                                const std::shared_ptr<const RuleSet>& rules) {
  return Maker(options, samples, rules).Make();
}

}  // namespace fleetmedic
