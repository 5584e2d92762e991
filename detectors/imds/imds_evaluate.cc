#include "detectors/imds/imds_evaluate.h"

#include <algorithm>

#include <fmt/format.h>

#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kAmazon = "Amazon EC2";
constexpr std::string_view kNoticeTypes[] = {"MaintenanceScheduled", "SpotInterruption",
                                             "RebalanceRecommended"};
constexpr size_t kAddressesNamedMax = 5;
constexpr size_t kUnitsMax = 64;  // of one type

bool HasMac(const NetworkTables& kernel, const std::string& mac) {
  return std::ranges::find(kernel.links, mac, &NetworkLink::mac) != kernel.links.end();
}

// Says of each type what holds, or that it is not known.
class Teller {
 public:
  explicit Teller(std::vector<Condition>* conditions) : conditions_(conditions) {}

  Condition* Bad(std::string_view type, std::string_view unit, std::string_view reason,
                 std::string message) {
    conditions_->push_back(MakeCondition(type, unit, Verdict::kBad, reason, std::move(message)));
    return &conditions_->back();
  }
  void Unknown(std::string_view type, std::string_view reason, const std::string& message) {
    conditions_->push_back(MakeCondition(type, "", Verdict::kUnknown, reason, message));
  }
  void UnknownUnlessTold(std::string_view type, std::string_view reason,
                         const std::string& message) {
    if (!Told(type)) Unknown(type, reason, message);
  }
  void OkUnlessTold(std::string_view type, std::string_view reason, std::string_view message) {
    if (Told(type)) return;
    conditions_->push_back(MakeCondition(type, "", Verdict::kOk, reason, std::string(message)));
  }

 private:
  bool Told(std::string_view type) const {
    return std::ranges::find(*conditions_, type, &Condition::type) != conditions_->end();
  }

  std::vector<Condition>* const conditions_;
};

void TellService(const ImdsAnswers& answers, Teller* tell) {
  constexpr std::string_view kType = "MetadataUnavailable";
  switch (answers.fault) {
    case ImdsFault::kNone:
      for (const std::string& what : {answers.notices_unreadable, answers.interfaces_unreadable}) {
        if (what.empty()) continue;
        tell->Unknown(kType, "Unreadable", what);
        break;
      }
      tell->OkUnlessTold(kType, "Answers", "the instance metadata service answers");
      return;
    case ImdsFault::kRefused:
    case ImdsFault::kHung:
    case ImdsFault::kUnauthorized:
    case ImdsFault::kBroken:
      tell->Bad(kType, "", ImdsFaultReason(answers.fault), answers.error);
      return;
    case ImdsFault::kUnreachable:
    case ImdsFault::kHopLimit:
    case ImdsFault::kDisabled:
    case ImdsFault::kNoService:
      // How the instance is set up, or where the agent runs: tasks may well reach it.
      tell->Unknown(kType, ImdsFaultReason(answers.fault), answers.error);
      return;
  }
}

void TellNotices(const ImdsAnswers& answers, Teller* tell) {
  for (const ImdsEvent& event : answers.events) {
    tell->Bad("MaintenanceScheduled", event.id.empty() ? event.code : event.id, "Scheduled",
              fmt::format("EC2 has scheduled {} between {} and {}: {}", event.code,
                          event.not_before.empty() ? "now" : event.not_before,
                          event.not_after.empty() ? "an unknown time" : event.not_after,
                          event.description));
  }
  if (answers.spot) {
    tell->Bad("SpotInterruption", "", "Interrupted",
              fmt::format("EC2 will {} this spot instance at {}", answers.spot->action,
                          answers.spot->time.empty() ? "once" : answers.spot->time));
  }
  if (answers.rebalance) {
    tell->Bad("RebalanceRecommended", "", "Recommended",
              fmt::format("EC2 recommends since {} to move what runs here: this spot instance is "
                          "likely to be interrupted",
                          *answers.rebalance));
  }
  if (!answers.notices_unreadable.empty()) {
    // Which of them it was does not matter: none of those that are not told is known not to be.
    for (const std::string_view type : kNoticeTypes) {
      tell->UnknownUnlessTold(type, "Unreadable", answers.notices_unreadable);
    }
  }
  tell->OkUnlessTold("MaintenanceScheduled", "NoneScheduled", "no maintenance is scheduled");
  tell->OkUnlessTold("SpotInterruption", "NoNotice", "no interruption is announced");
  tell->OkUnlessTold("RebalanceRecommended", "NoNotice", "no move is recommended");
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < kAddressesNamedMax; ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > kAddressesNamedMax) {
    text += fmt::format(" and {} more", names.size() - kAddressesNamedMax);
  }
  return text;
}

void TellMissing(const ImdsSample& sample, const ImdsHistory& history,
                 const ImdsThresholds& thresholds, Teller* tell) {
  for (const ExpectedInterface& expected : *sample.expected) {
    const std::optional<MonoTime> since = history.MissingSince(expected.mac);
    if (!since || sample.at - *since < thresholds.missing_grace) continue;
    Condition* const condition = tell->Bad(
        "EniMissing", expected.id, "NotInKernel",
        fmt::format("{} ({}, device {}, {}) is attached by the metadata's word, and no interface "
                    "of this host has its MAC for {}",
                    expected.id, expected.mac, expected.device_number,
                    expected.ipv4s.empty() ? "no address" : expected.ipv4s.front(),
                    FormatDuration(std::chrono::duration_cast<Seconds>(sample.at - *since))));
    if (thresholds.interfaces_leave && expected.device_number != 0) {
      condition->severity = Severity::kInfo;
    }
  }
  tell->OkUnlessTold("EniMissing", "AllThere", "every interface that is attached is there");
}

void TellUnexpected(const ImdsSample& sample, Teller* tell) {
  size_t told = 0;
  for (const NetworkLink& link : sample.kernel->links) {
    if (!link.physical() || link.mac.empty() || told >= kUnitsMax) continue;
    const auto& expected = *sample.expected;
    if (std::ranges::find(expected, link.mac, &ExpectedInterface::mac) != expected.end()) continue;
    ++told;
    tell->Bad("EniUnexpected", link.name, "NotAttached",
              fmt::format("{} ({}) is a device of this host, and the metadata does not name it",
                          link.name, link.mac));
  }
  tell->OkUnlessTold("EniUnexpected", "AllAttached", "every device is attached");
}

void TellAddresses(const ImdsSample& sample, const ImdsThresholds& thresholds, Teller* tell) {
  const std::vector<NetworkAddress>& has = sample.kernel->addresses;
  for (const ExpectedInterface& expected : *sample.expected) {
    std::vector<std::string> unused;
    for (const std::string& address : expected.ipv4s) {
      if (std::ranges::find(has, address, &NetworkAddress::address) == has.end()) {
        unused.push_back(address);
      }
    }
    if (thresholds.unused_addresses && !unused.empty()) {
      tell->Bad("EniAddressMismatch", expected.id, "Unused",
                fmt::format("{} of the {} addresses of {} are on no interface: {}", unused.size(),
                            expected.ipv4s.size(), expected.id, Joined(unused)));
      continue;
    }
    std::vector<std::string> foreign;
    for (const NetworkAddress& address : has) {
      const NetworkLink* const link = sample.kernel->FindLink(address.index);
      if (link == nullptr || link->mac != expected.mac || !link->physical()) continue;
      if (address.ipv6 || !address.global || address.address.starts_with("169.254.")) continue;
      if (std::ranges::find(expected.ipv4s, address.address) != expected.ipv4s.end()) continue;
      foreign.push_back(address.address);
    }
    if (foreign.empty()) continue;
    tell->Bad("EniAddressMismatch", expected.id, "NotAssigned",
              fmt::format("the interface of {} has addresses that are not assigned to it, and that "
                          "the VPC drops: {}",
                          expected.id, Joined(foreign)));
  }
  tell->OkUnlessTold("EniAddressMismatch", "AsAssigned", "the addresses are those assigned");
}

}  // namespace

bool IsEc2(const DmiText& dmi) {
  if (dmi.sys_vendor == kAmazon || dmi.board_vendor == kAmazon) return true;
  return dmi.sys_vendor == "Xen" && dmi.bios_version.ends_with(".amazon");
}

void ImdsHistory::Add(const ImdsSample& sample) {
  if (!sample.expected || !sample.kernel) return;
  std::map<std::string, MonoTime> missing;
  for (const ExpectedInterface& expected : *sample.expected) {
    if (HasMac(*sample.kernel, expected.mac)) continue;
    const auto known = missing_.find(expected.mac);
    missing.emplace(expected.mac, known == missing_.end() ? sample.at : known->second);
  }
  missing_ = std::move(missing);
}

std::optional<MonoTime> ImdsHistory::MissingSince(const std::string& mac) const {
  const auto found = missing_.find(mac);
  if (found == missing_.end()) return std::nullopt;
  return found->second;
}

std::vector<Condition> EvaluateImds(const ImdsSample& sample, const ImdsHistory& history,
                                    const ImdsThresholds& thresholds) {
  std::vector<Condition> conditions;
  Teller tell(&conditions);
  TellService(sample.answers, &tell);
  const bool answers = sample.answers.fault == ImdsFault::kNone;
  if (answers) {
    TellNotices(sample.answers, &tell);
  } else {
    for (const std::string_view type : kNoticeTypes) {
      tell.Unknown(type, ImdsFaultReason(sample.answers.fault), sample.answers.error);
    }
  }
  if (answers && sample.expected && sample.kernel) {
    TellMissing(sample, history, thresholds, &tell);
    TellUnexpected(sample, &tell);
    TellAddresses(sample, thresholds, &tell);
    return conditions;
  }
  const std::string_view reason = !answers         ? ImdsFaultReason(sample.answers.fault)
                                  : !sample.kernel ? "CannotAskKernel"
                                                   : "Unreadable";
  const std::string& message = !answers         ? sample.answers.error
                               : !sample.kernel ? sample.kernel_error
                                                : sample.answers.interfaces_unreadable;
  for (const std::string_view type : {"EniMissing", "EniUnexpected", "EniAddressMismatch"}) {
    tell.Unknown(type, reason, message);
  }
  return conditions;
}

}  // namespace fleetmedic
