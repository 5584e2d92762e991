#include "detectors/clock/clock_evaluate.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_list.h"

namespace fleetmedic {
namespace {

std::string Show(Micros time) {
  return fmt::format("{:.3f} ms", static_cast<double>(time.count()) / 1e3);
}

void EvaluateSynchronised(const ClockSample& sample, const KernelTime& time,
                          const ClockHistory& history, const ClockThresholds& thresholds,
                          ConditionList* out) {
  if (time.synchronised) {
    out->Fine("ClockUnsynchronised", "Synchronised",
              "synchronised, maximum error " + Show(time.maximum_error));
    if (time.maximum_error < thresholds.maximum_error_max) return;
    out->Bad("ClockUnsynchronised", "", Severity::kSoft, "NotUpdated",
             fmt::format("no update for long: the maximum error grew to {} (at most {})",
                         Show(time.maximum_error), FormatDuration(thresholds.maximum_error_max)));
    return;
  }
  const Micros since = history.UnsynchronisedFor();
  const std::string service =
      sample.service.empty() ? "no time service seen" : "time service " + sample.service;
  if (history.was_synchronised()) {
    out->Bad("ClockUnsynchronised", "", Severity::kSoft, "Lost",
             "the kernel's clock was synchronised in this boot and is no longer; " + service);
  } else if (!thresholds.required && sample.service.empty()) {
    out->Fine("ClockUnsynchronised", "NotExpected",
              "not synchronised, as nobody does it here: no time service was seen and the config "
              "does not require it");
  } else if (since >= thresholds.grace) {
    out->Bad("ClockUnsynchronised", "", Severity::kSoft,
             sample.service.empty() ? "NoService" : "NeverSynchronised",
             fmt::format("the kernel's clock is not synchronised, seen for {} (at most {}); {}",
                         FormatDuration(std::chrono::duration_cast<Seconds>(since)),
                         FormatDuration(thresholds.grace), service));
  } else {
    out->Fine("ClockUnsynchronised", "NotYet", "not synchronised yet; " + service);
  }
}

void EvaluateOffset(const KernelTime& time, const ClockThresholds& thresholds, ConditionList* out) {
  // Without a service behind it the figure means nothing.
  if (!time.synchronised) return;
  out->Fine("ClockOffset", "Small", "offset " + Show(time.offset));
  const Micros offset = time.offset < Micros(0) ? -time.offset : time.offset;
  if (offset < thresholds.offset_max) return;
  out->Bad("ClockOffset", "", Severity::kSoft, "Large",
           fmt::format("the clock is off by {} (at most {}), estimated error {}, maximum {}",
                       Show(time.offset), FormatDuration(thresholds.offset_max),
                       Show(time.estimated_error), Show(time.maximum_error)));
}

void EvaluateSource(const ClockSample& sample, const ClockHistory& history, ConditionList* out) {
  if (sample.source.empty()) return;
  const std::string source = Quote(sample.source);
  out->Fine("ClockSourceUnstable", "Stable", "the clock source is " + source);
  if (!IsSlowClockSource(sample.source)) return;
  std::string available;
  for (const std::string& name : sample.available) {
    available += (available.empty() ? "" : ", ") + Quote(name);
  }
  if (!history.fast_source().empty()) {
    out->Bad("ClockSourceUnstable", "", Severity::kSoft, "Lost",
             fmt::format("the clock source changed from {} to {}; available: {}",
                         Quote(history.fast_source()), source, available));
  } else if (sample.steady_tsc) {
    out->Bad("ClockSourceUnstable", "", Severity::kInfo, "Slow",
             fmt::format("the clock source is {} though the processor has a steady time-stamp "
                         "counter; available: {}",
                         source, available));
  }
}

}  // namespace

void ClockHistory::Add(const ClockSample& sample, MonoTime now) {
  last_ = now;
  if (sample.time && sample.time->synchronised) {
    was_synchronised_ = true;
    unsynchronised_ = false;
  } else if (sample.time && !unsynchronised_) {
    unsynchronised_ = true;
    unsynchronised_since_ = now;
  }
  if (!unsynchronised_) unsynchronised_since_ = now;
  if (sample.was_synchronised) was_synchronised_ = true;
  if (fast_source_.empty() && !sample.source.empty() && !IsSlowClockSource(sample.source)) {
    fast_source_ = sample.source;
  }
}

bool IsSlowClockSource(std::string_view source) {
  constexpr std::array<std::string_view, 5> kSlow = {"acpi_pm", "hpet", "jiffies", "pit",
                                                     "refined-jiffies"};
  return std::ranges::find(kSlow, source) != kSlow.end();
}

std::vector<Condition> EvaluateClock(const ClockSample& sample, const ClockHistory& history,
                                     const ClockThresholds& thresholds) {
  ConditionList out;
  if (sample.time) {
    EvaluateSynchronised(sample, *sample.time, history, thresholds, &out);
    EvaluateOffset(*sample.time, thresholds, &out);
  } else {
    const bool denied = sample.time.error().code == Code::kPermissionDenied;
    const std::string_view reason = denied ? "NoPermission" : "CannotAsk";
    const std::string message =
        (denied ? "no permission (system call adjtimex): " : "") + sample.time.error().message;
    out.Unknown("ClockUnsynchronised", "", reason, message);
    out.Unknown("ClockOffset", "", reason, message);
  }
  EvaluateSource(sample, history, &out);
  return std::move(out).Take();
}

}  // namespace fleetmedic
