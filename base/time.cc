#include "base/time.h"

#include <array>
#include <cctype>
#include <charconv>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

constexpr size_t kQuotedTextCharsMax = 64;

tl::unexpected<Error> BadTime(std::string_view text) {
  return Fail(Code::kInvalidArgument,
              fmt::format("not an RFC 3339 time: \"{}\"", text.substr(0, kQuotedTextCharsMax)));
}

// Reads exactly `digits` digits at `at`; -1 where they are not there.
int ReadDigits(std::string_view text, size_t at, size_t digits) {
  if (text.size() < at + digits) return -1;
  int value = 0;
  for (size_t i = at; i < at + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

bool CharIs(std::string_view text, size_t at, std::string_view any_of) {
  return at < text.size() && any_of.find(text[at]) != std::string_view::npos;
}

// "Z", "+hh:mm" or "-hh:mm" and nothing after it.
bool ReadOffset(std::string_view text, Minutes* offset) {
  if (text == "Z" || text == "z") {
    *offset = Minutes(0);
    return true;
  }
  const int hours = ReadDigits(text, 1, 2);
  const int minutes = ReadDigits(text, 4, 2);
  if (text.size() != 6 || !CharIs(text, 0, "+-") || text[3] != ':' || hours < 0 || hours > 23 ||
      minutes < 0 || minutes > 59) {
    return false;
  }
  *offset = Minutes(hours * 60 + minutes) * (text[0] == '-' ? -1 : 1);
  return true;
}

struct Unit {
  std::string_view name;
  Millis length;
};
constexpr std::array<Unit, 5> kUnits = {{
    {"d", Hours(24)},
    {"h", Hours(1)},
    {"m", Minutes(1)},
    {"s", Seconds(1)},
    {"ms", Millis(1)},
}};
constexpr Millis kDurationMax = Hours(24) * 3650;

// Exactly `digits` of them.
void PutDigits(uint64_t value, size_t digits, char* out) {
  for (size_t i = digits; i-- > 0; value /= 10) out[i] = static_cast<char>('0' + value % 10);
}

// One whose year has not four digits.
std::string FormatFarWall(std::chrono::sys_time<Micros> at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<Micros> clock(at - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", int(date.year()),
                     unsigned(date.month()), unsigned(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

}  // namespace

// By hand: a record of the remediator's has dozens of them.
std::string FormatWall(WallTime time) {
  const std::chrono::sys_time<Micros> at(time.time_since_epoch());
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const int year = int(date.year());
  if (year < 0 || year > 9999) return FormatFarWall(at);
  const std::chrono::hh_mm_ss<Micros> clock(at - day);
  std::string text = "0000-00-00T00:00:00.000000Z";
  PutDigits(static_cast<uint64_t>(year), 4, text.data());
  PutDigits(unsigned(date.month()), 2, text.data() + 5);
  PutDigits(unsigned(date.day()), 2, text.data() + 8);
  PutDigits(static_cast<uint64_t>(clock.hours().count()), 2, text.data() + 11);
  PutDigits(static_cast<uint64_t>(clock.minutes().count()), 2, text.data() + 14);
  PutDigits(static_cast<uint64_t>(clock.seconds().count()), 2, text.data() + 17);
  PutDigits(static_cast<uint64_t>(clock.subseconds().count()), 6, text.data() + 20);
  return text;
}

std::string FormatWallSecond(WallTime time) {
  constexpr size_t kToTheSecond = sizeof("2026-03-01T02:03:04") - 1;
  return FormatWall(std::chrono::ceil<Seconds>(time)).substr(0, kToTheSecond) + "Z";
}

Result<WallTime> ParseWall(std::string_view text) {
  using std::chrono::day;
  using std::chrono::month;
  using std::chrono::year;
  const int y = ReadDigits(text, 0, 4);
  const int mo = ReadDigits(text, 5, 2);
  const int d = ReadDigits(text, 8, 2);
  const int h = ReadDigits(text, 11, 2);
  const int mi = ReadDigits(text, 14, 2);
  const int s = ReadDigits(text, 17, 2);
  if (y < 0 || mo < 0 || d < 0 || h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s > 60 ||
      text[4] != '-' || text[7] != '-' || !CharIs(text, 10, "Tt ") || text[13] != ':' ||
      text[16] != ':') {
    return BadTime(text);
  }
  const std::chrono::year_month_day date{year{y}, month{static_cast<unsigned>(mo)},
                                         day{static_cast<unsigned>(d)}};
  if (!date.ok()) return BadTime(text);

  size_t at = 19;
  int64_t micros = 0;
  if (CharIs(text, at, ".")) {
    size_t digits = 0;
    for (++at; at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0; ++at) {
      if (++digits <= 6) micros = micros * 10 + (text[at] - '0');
    }
    if (digits == 0 || digits > 9) return BadTime(text);
    for (; digits < 6; ++digits) micros *= 10;
  }
  Minutes offset{};
  if (!ReadOffset(text.substr(at), &offset)) return BadTime(text);
  const Micros since_epoch = std::chrono::sys_days(date).time_since_epoch() + Hours(h) +
                             Minutes(mi) + Seconds(s) + Micros(micros) - offset;
  return WallTime(since_epoch);
}

Result<Millis> ParseDuration(std::string_view text) {
  const auto bad = [&] {
    return Fail(Code::kInvalidArgument,
                fmt::format("not a duration such as \"30s\" or \"1h30m\": \"{}\"",
                            text.substr(0, kQuotedTextCharsMax)));
  };
  if (text.empty()) return bad();
  Millis total(0);
  std::string_view rest = text;
  while (!rest.empty()) {
    int64_t count = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
    if (error != std::errc() || count < 0 || count > kDurationMax.count()) return bad();
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    size_t letters = 0;
    while (letters < rest.size() && rest[letters] >= 'a' && rest[letters] <= 'z') ++letters;
    const std::string_view name = rest.substr(0, letters);
    rest.remove_prefix(letters);
    const Unit* unit = nullptr;
    for (const Unit& candidate : kUnits) {
      if (candidate.name == name) unit = &candidate;
    }
    if (unit == nullptr || count > kDurationMax / unit->length) return bad();
    total += unit->length * count;
    if (total > kDurationMax) return bad();
  }
  return total;
}

std::string FormatDuration(Millis duration) {
  if (duration == Millis(0)) return "0s";
  std::string text = duration < Millis(0) ? "-" : "";
  Millis rest = duration < Millis(0) ? -duration : duration;
  for (const Unit& unit : kUnits) {
    const int64_t count = rest / unit.length;
    if (count == 0) continue;
    text += fmt::format("{}{}", count, unit.name);
    rest -= unit.length * count;
  }
  return text;
}

}  // namespace fleetmedic
