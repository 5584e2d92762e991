#include "notify/retry.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr Millis kBackOffMin = Seconds(1);
constexpr Millis kBackOffMax = Minutes(1);
constexpr Millis kRetryAfterMax = Hours(1);
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// "Wed, 21 Oct 2015 07:28:00 GMT", the one form that RFC 9110 has senders write.
std::optional<WallTime> ParseHttpDate(std::string_view text) {
  const std::vector<std::string_view> parts = Split(text, ' ');
  if (parts.size() != 6 || parts[5] != "GMT") return std::nullopt;
  const auto* const month = std::ranges::find(kMonths, parts[2]);
  if (month == kMonths.end()) return std::nullopt;
  const Result<WallTime> time = ParseWall(
      fmt::format("{}-{:02}-{}T{}Z", parts[3], month - kMonths.begin() + 1, parts[1], parts[4]));
  if (!time) return std::nullopt;
  return *time;
}

}  // namespace

TryVerdict JudgeStatus(int status) {
  if (status >= 200 && status < 300) return TryVerdict::kDelivered;
  const bool later = status == 408 || status == 429 || status >= 500;
  return later ? TryVerdict::kRetry : TryVerdict::kFinal;
}

Millis BackOff(int failures, double unit) {
  const int doublings = std::clamp(failures - 1, 0, 10);
  const Millis whole = std::min(kBackOffMin * (1 << doublings), kBackOffMax);
  return whole / 2 + Millis(static_cast<int64_t>(static_cast<double>(whole.count()) / 2 * unit));
}

std::optional<Millis> RetryAfter(std::string_view header, WallTime now) {
  const std::string_view text = Trim(header);
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), seconds);
  if (error == std::errc() && end == text.end()) {
    return std::clamp<Millis>(Seconds(std::min<int64_t>(seconds, 86'400)), Millis(0),
                              kRetryAfterMax);
  }
  const std::optional<WallTime> date = ParseHttpDate(text);
  if (!date) return std::nullopt;
  return std::clamp(std::chrono::duration_cast<Millis>(*date - now), Millis(0), kRetryAfterMax);
}

}  // namespace fleetmedic
