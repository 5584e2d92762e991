#include "bench/log_rules.h"

#include <algorithm>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "config/rules_load.h"
#include "stream/rule_check.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kDrivers[] = {
    "mlx5_core",  "ixgbe",   "i40e",       "ice",      "ena",   "bnxt_en",   "igb",
    "virtio_net", "nvme",    "mpt3sas",    "megaraid", "ahci",  "md",        "dm-crypt",
    "bcache",     "xfs",     "btrfs",      "ext4",     "nfs",   "ceph",      "overlayfs",
    "fuse",       "iommu",   "amd_iommu",  "edac",     "mce",   "hwmon",     "ipmi",
    "watchdog",   "thermal", "usb",        "xhci_hcd", "kvm",   "vfio",      "netfilter",
    "conntrack",  "tcp",     "bonding",    "bridge",   "vxlan", "wireguard", "rdma",
    "nvidia",     "amdgpu",  "habanalabs", "scsi",     "zram",  "zfs",       "chronyd",
    "snapd",      "lxcfs",   "haproxy",    "consul",   "vault", "etcd",      "fluentd"};
constexpr std::string_view kKinds[] = {"primary", "shared",   "remote",   "stale",
                                       "shadow",  "cached",   "internal", "pending",
                                       "backup",  "upstream", "delayed",  "mirrored"};
constexpr std::string_view kObjects[] = {"completion queue",
                                         "doorbell",
                                         "journal",
                                         "lease",
                                         "snapshot",
                                         "descriptor ring",
                                         "firmware image",
                                         "mailbox",
                                         "superblock",
                                         "inode table",
                                         "extent tree",
                                         "quota file",
                                         "write cache",
                                         "thin pool",
                                         "bitmap",
                                         "parity block",
                                         "heartbeat",
                                         "quorum",
                                         "election",
                                         "token",
                                         "certificate",
                                         "handshake",
                                         "tunnel",
                                         "route cache",
                                         "neighbour table",
                                         "flow table",
                                         "checksum",
                                         "page table",
                                         "memory bank",
                                         "row buffer",
                                         "fan tachometer",
                                         "power rail",
                                         "voltage sensor",
                                         "thermal zone",
                                         "clock source",
                                         "timer wheel",
                                         "interrupt line",
                                         "work queue",
                                         "scheduler tick",
                                         "cgroup",
                                         "namespace",
                                         "mount point",
                                         "loop device",
                                         "socket buffer",
                                         "backlog",
                                         "listener",
                                         "endpoint",
                                         "replica",
                                         "shard",
                                         "log segment",
                                         "index",
                                         "compaction",
                                         "manifest",
                                         "layer",
                                         "registry mirror",
                                         "volume plugin",
                                         "secret store",
                                         "admission hook",
                                         "probe",
                                         "sidecar",
                                         "runtime shim",
                                         "image cache",
                                         "config map",
                                         "device plugin",
                                         "topology hint",
                                         "allocation",
                                         "reservation",
                                         "executor",
                                         "checkpoint",
                                         "ballot"};
constexpr std::string_view kEvents[] = {
    "timed out",        "is corrupted",     "was refused",        "overran",
    "underflowed",      "went missing",     "cannot be read",     "cannot be written",
    "failed to start",  "failed to stop",   "does not respond",   "was lost",
    "is read-only now", "ran out of space", "ran out of slots",   "is degraded",
    "has expired",      "was revoked",      "did not converge",   "is stuck",
    "was reset",        "returned garbage", "exceeded its limit", "fell behind",
    "is not reachable", "was torn down",    "has bad checksum",   "could not be locked",
    "has leaked",       "is out of sync",   "was poisoned",       "has stalled",
    "reported a fault", "did not drain",    "cannot be mapped",   "was evicted hard",
    "went offline",     "is throttled",     "cannot be resized",  "was truncated"};

// What a rule is written with: its pattern and its lines grow side by side.
class RuleWriter {
 public:
  RuleWriter(Random* random, std::set<std::string>* used) : random_(random), used_(used) {}

  template <size_t kSize>
  std::string Pick(const std::string_view (&from)[kSize]) {
    return std::string(from[random_->Below(kSize)]);
  }
  // Of no other rule.
  std::string Event() {
    while (true) {
      std::string event = Pick(kKinds) + " " + Pick(kObjects) + " " + Pick(kEvents);
      if (used_->insert(event).second) return event;
    }
  }

  RuleWriter& Syntax(std::string_view pattern) {
    pattern_ += pattern;
    return *this;
  }
  RuleWriter& Text(std::string_view text) {
    for (const char c : text) {
      if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) pattern_ += '\\';
      pattern_ += c;
    }
    pieces_.push_back({std::string(text)});
    return *this;
  }
  // What varies and is not kept.
  RuleWriter& Some(std::string_view pattern, std::vector<std::string> texts) {
    pattern_ += pattern;
    pieces_.push_back(std::move(texts));
    return *this;
  }
  RuleWriter& Capture(const std::string& name, std::string_view pattern,
                      std::vector<std::string> texts) {
    message_ += (message_.empty() ? "{" : ", {") + name + "}";
    return Some("(?P<" + name + ">" + std::string(pattern) + ")", std::move(texts));
  }
  RuleWriter& OneOf(const std::vector<std::string>& texts) {
    std::string pattern;
    for (const std::string& text : texts) pattern += (pattern.empty() ? "(?:" : "|") + text;
    return Some(pattern + ")", texts);
  }
  RuleWriter& Caseless() {
    ignore_case_ = true;
    return *this;
  }

  RuleSample Done(size_t number) {
    RuleSample sample;
    sample.rule.name = "made.rule_" + std::to_string(number);
    sample.rule.pattern = pattern_;
    sample.rule.ignore_case = ignore_case_;
    sample.rule.condition = "MadeCondition";
    sample.rule.reason = "Made";
    sample.rule.message = "made: " + message_;
    sample.rule.version = RuleVersion(sample.rule);
    sample.pieces = std::move(pieces_);
    return sample;
  }

 private:
  Random* random_;
  std::set<std::string>* used_;
  std::string pattern_;
  std::string message_;
  std::vector<std::vector<std::string>> pieces_;
  bool ignore_case_ = false;
};

void WriteKernelRule(uint64_t style, RuleWriter* rule) {
  const std::string driver = rule->Pick(kDrivers);
  rule->Syntax("^");
  if (style == 0) {
    rule->Text(driver + " ").Capture("device", "[0-9a-f:.]+", {"{pci}"}).Text(": " + rule->Event());
    rule->Text(", status ").Capture("status", R"(-?\d+)", {"{d:200}", "-{d:120}"});
  } else if (style == 1) {
    rule->Text(driver + " ").Capture("device", R"(\w+)", {"{iface}", "nvme{d:8}n1", "sd{x:1}"});
    rule->Text(": ").OneOf({rule->Event(), rule->Event()});
  } else if (style == 2) {
    rule->OneOf({driver, rule->Pick(kDrivers) + "_x", rule->Pick(kDrivers) + "_y"});
    rule->Some(R"((?:\[\d+\])?)", {"", "[{d:99999}]"}).Text(": " + rule->Event());
    rule->Text(" at ").Capture("address", "0x[0-9a-f]+", {"0x{x:8}", "0x{x:16}"});
  } else {
    rule->Text(driver + ": " + rule->Event()).Syntax("$");
  }
}

void WriteDaemonRule(uint64_t style, RuleWriter* rule) {
  if (style == 4) {
    rule->Syntax("^").Capture("unit", R"([\w.@-]+)", {"{unit}", "{unit}@{word}"});
    rule->Text(".service: " + rule->Event())
        .Some("(?:, will be tried again)?", {"", ", will be tried again"});
  } else if (style == 5) {
    rule->Some("level=(?:error|warning) msg=\"",
               {"time=\"{t}\" level=error msg=\"", "time=\"{t}\" level=warning msg=\""});
    rule->Text(rule->Event())
        .Some(R"([^"]*".* container=)",
              {": {word} {word}\" container=", "\" module={word} container="});
    rule->Capture("container", "[0-9a-f]+", {"{cid}"});
  } else if (style == 6) {
    rule->Some(R"(^[EW]\d{4} .*\] "?)",
               {"E{k} {d:9999} {word}.go:{d:999}] \"", "W{k} {d:9999} {word}.go:{d:999}] "});
    rule->Text(rule->Event()).Some(R"re(.* pod="(?P<pod>[^"]+)")re", {"\" pod=\"{ns}/{pod}\""});
  } else if (style == 7) {
    const std::string file = rule->Pick(kDrivers);
    rule->Some(R"(^[EFW]\d{8} \S+ +\d+ )", {"E{g} {d:99999} ", "W{g}   {d:9999} "});
    rule->Text(file + ".cpp:").Some(R"(\d+\] )", {"{d:999}] "}).Text(rule->Event() + " for task ");
    rule->Capture("task", R"(\S+)", {"{task}.{uuid}"});
  } else {
    rule->Some("\"level\":\"(?:error|fatal)\".*\"msg\":\"",
               {"{\"ts\":\"{t}\",\"level\":\"error\",\"logger\":\"{word}\",\"msg\":\""});
    rule->Text(rule->Event() + ": ");
    rule->Capture("why", "[^\"]*", {"{word} {word} {d:99}", "code {d:600}"}).Text("\"");
  }
}

void WriteLooseRule(uint64_t style, RuleWriter* rule) {
  const std::string driver = rule->Pick(kDrivers);
  if (style == 9) {
    rule->Some("", {"", "{word}[{d:9999}]: "}).Text(driver + ": " + rule->Event() + ": ");
    rule->Capture("why", ".*", {"{word} {word} on {iface}", "error {d:99}", "{path}"});
  } else if (style == 10) {
    std::string event = rule->Event();
    rule->Caseless().Some("", {"", driver + ": "}).Text(event).Text(" on ");
    rule->Capture("device", R"(\w+)", {"{iface}", "{disk}"});
  } else {
    rule->Some("", {"", "{word}: ", "({word}) "})
        .Syntax(R"(\b)")
        .Text(rule->Event())
        .Syntax(R"(\b)");
    rule->Some("", {"", " after {d:900} s", ", see {file}"});
  }
}

RuleSample MakeRule(size_t number, Random* random, std::set<std::string>* used) {
  // How the packs that ship are written: most of them anchored, some with what a daemon puts before
  // its words, few loose ones.
  constexpr uint64_t kStyles[] = {0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4,  4,  4,
                                  5, 5, 6, 6, 7, 7, 8, 9, 9, 9, 10, 11, 11};
  const uint64_t style = kStyles[random->Below(std::size(kStyles))];
  RuleWriter rule(random, used);
  if (style < 4) {
    WriteKernelRule(style, &rule);
  } else if (style < 9) {
    WriteDaemonRule(style, &rule);
  } else {
    WriteLooseRule(style, &rule);
  }
  return rule.Done(number);
}

}  // namespace

std::string RuleSample::Line(LineText* text) const {
  std::string line;
  for (const std::vector<std::string>& texts : pieces) {
    text->Append(texts[text->random().Below(texts.size())], &line);
  }
  return line;
}

Result<std::vector<RuleSample>> MakeRules(size_t count, uint64_t seed) {
  Diagnostics diagnostics;
  std::vector<Rule> shipped = ParseRules(ShippedRules(), &diagnostics);
  if (!diagnostics.ok()) return Fail(Code::kInvalidArgument, "the packs that ship do not parse");
  std::vector<RuleSample> samples;
  for (Rule& rule : shipped) {
    rule.cancel.clear();
    samples.push_back({std::move(rule), {}});
    samples.back().pieces.push_back(samples.back().rule.examples);
  }
  Random random(seed);
  std::set<std::string> used;
  while (samples.size() < count) samples.push_back(MakeRule(samples.size(), &random, &used));
  samples.resize(count);
  for (RuleSample& sample : samples) sample.rule.sources = {"kernel", "journal:*", "file:/*"};
  return samples;
}

}  // namespace fleetmedic
