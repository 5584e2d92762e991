#include "detectors/dns/dns_evaluate.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_types.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

using Answer = DnsServerSample::Answer;

constexpr size_t kServerBytesMax = 64;  // an IPv6 address with a scope

bool IsBad(Answer answer) {
  switch (answer) {
    case Answer::kFails:
    case Answer::kTimedOut:
    case Answer::kNobody:
      return true;
    case Answer::kResolves:
    case Answer::kRefuses:
    case Answer::kNotAsked:
      return false;
  }
  return false;
}

std::string_view ReasonOf(Answer answer) {
  switch (answer) {
    case Answer::kResolves:
      return "Answers";
    case Answer::kFails:
      return "ServerFails";
    case Answer::kRefuses:
      return "QuestionRefused";
    case Answer::kTimedOut:
      return "TimedOut";
    case Answer::kNobody:
      return "PortClosed";
    case Answer::kNotAsked:
      return "CannotAsk";
  }
  return "";
}

std::string TextOf(const DnsSample& sample, const DnsServerSample& server) {
  switch (server.answer) {
    case Answer::kTimedOut:
      return fmt::format("{} did not answer within {}", server.server,
                         FormatDuration(sample.deadline));
    case Answer::kNobody:
      return server.server + " does not listen (port unreachable)";
    case Answer::kResolves:
    case Answer::kFails:
    case Answer::kRefuses:
      return fmt::format("{} said {} after {:.1f} ms", server.server, server.message,
                         static_cast<double>(server.took.count()) / 1000);
    case Answer::kNotAsked:
      return fmt::format("{} could not be asked: {}", server.server, server.message);
  }
  return "";
}

}  // namespace

std::vector<std::string> DnsServersFrom(std::string_view resolv_conf) {
  std::vector<std::string> servers;
  for (const std::string_view line : Lines(resolv_conf)) {
    const std::vector<std::string_view> fields = Fields(line);
    if (fields.size() < 2 || fields[0] != "nameserver") continue;
    if (fields[1].size() > kServerBytesMax) continue;
    servers.push_back(VisibleText(fields[1]));
    if (servers.size() == kDnsServersMax) break;
  }
  return servers;
}

std::vector<Condition> EvaluateDns(const DnsSample& sample) {
  std::vector<Condition> conditions;
  const auto count = [&](auto matches) {
    return std::ranges::count_if(sample.servers, matches, &DnsServerSample::answer);
  };
  const auto resolving = count([](Answer a) { return a == Answer::kResolves; });
  const auto bad = count(IsBad);
  std::string message = fmt::format("look-up of {}: ", Quote(sample.name));
  for (const DnsServerSample& server : sample.servers) {
    if (&server != &sample.servers.front()) message += "; ";
    message += TextOf(sample, server);
    if (!IsBad(server.answer)) continue;
    conditions.push_back(MakeCondition("DnsServerUnresponsive", server.server, Verdict::kBad,
                                       ReasonOf(server.answer), TextOf(sample, server)));
  }
  if (sample.servers.empty()) {
    conditions.push_back(MakeCondition("DnsUnavailable", "", Verdict::kUnknown, "NoServers",
                                       "resolv.conf names no server"));
    return conditions;
  }
  // One that resolves is enough; one that could not be judged may be.
  const auto verdict = resolving > 0                                     ? Verdict::kOk
                       : bad == static_cast<long>(sample.servers.size()) ? Verdict::kBad
                                                                         : Verdict::kUnknown;
  const auto worst = std::ranges::find_if(
      sample.servers,
      [verdict](Answer a) {
        return verdict == Verdict::kOk    ? a == Answer::kResolves
               : verdict == Verdict::kBad ? IsBad(a)
                                          : !IsBad(a) && a != Answer::kResolves;
      },
      &DnsServerSample::answer);
  conditions.push_back(
      MakeCondition("DnsUnavailable", "", verdict, ReasonOf(worst->answer), std::move(message)));
  if (bad == 0) {
    conditions.push_back(MakeCondition(
        "DnsServerUnresponsive", "", resolving > 0 ? Verdict::kOk : Verdict::kUnknown,
        ReasonOf(worst->answer), resolving > 0 ? "no server fails" : "no server could be judged"));
  }
  return conditions;
}

}  // namespace fleetmedic
