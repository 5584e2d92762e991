#include "bench/line_text.h"

#include <array>
#include <charconv>
#include <span>

namespace fleetmedic {
namespace {

constexpr std::string_view kUsers[] = {"deploy", "root",   "ubuntu",   "backup", "ansible",
                                       "admin",  "metric", "postgres", "ci",     "mwinter"};
constexpr std::string_view kUnits[] = {"docker",
                                       "containerd",
                                       "kubelet",
                                       "chrony",
                                       "logrotate",
                                       "apt-daily",
                                       "fstrim",
                                       "node-exporter",
                                       "mesos-agent",
                                       "systemd-udevd",
                                       "systemd-tmpfiles-clean",
                                       "unattended-upgrades",
                                       "rsyslog",
                                       "vector",
                                       "nvidia-persistenced",
                                       "smartmontools",
                                       "e2scrub_all",
                                       "ssh"};
constexpr std::string_view kImages[] = {
    "web/front",   "web/render", "feed/ranker", "search/index", "ml/trainer", "ml/serve",
    "media/scale", "ads/bidder", "infra/proxy", "infra/relay",  "db/replica", "queue/worker"};
constexpr std::string_view kNamespaces[] = {"web",   "feed",  "search", "training",   "serving",
                                            "media", "infra", "batch",  "kube-system"};
constexpr std::string_view kNames[] = {"ranker", "index",   "render", "trainer", "scaler", "bidder",
                                       "relay",  "replica", "worker", "gateway", "ingest", "shard"};
constexpr std::string_view kInterfaces[] = {"eth0",  "eth1",         "ens5",    "ens6",
                                            "bond0", "enp94s0f0np0", "docker0", "cilium_host"};
constexpr std::string_view kDisks[] = {"nvme0n1", "nvme1n1", "nvme2n1p1", "sda",
                                       "sdb1",    "dm-0",    "md127"};
constexpr std::string_view kFolders[] = {"/var/lib/docker/overlay2",
                                         "/var/lib/kubelet/pods",
                                         "/run/containerd",
                                         "/var/lib/mesos/slaves",
                                         "/mnt/data",
                                         "/srv/cache",
                                         "/usr/share",
                                         "/etc"};
constexpr std::string_view kWords[] = {"alpha",  "beacon", "cobalt", "delta",  "ember",   "falcon",
                                       "garnet", "harbor", "indigo", "jasper", "krypton", "lumen",
                                       "marble", "nickel", "onyx",   "pepper", "quartz",  "raven",
                                       "slate",  "topaz",  "umber",  "violet", "willow",  "zephyr"};

std::string_view Pick(std::span<const std::string_view> from, Random* random) {
  return from[random->Below(from.size())];
}

void AppendPadded(uint64_t number, size_t digits, std::string* line) {
  std::array<char, 20> text;
  for (size_t i = digits; i-- > 0; number /= 10) {
    text[i] = static_cast<char>('0' + number % 10);
  }
  line->append(text.data(), digits);
}

}  // namespace

void LineText::AppendHex(uint64_t digits, std::string* line) {
  uint64_t bits = 0;
  for (uint64_t i = 0; i < digits; ++i, bits >>= 4) {
    if (i % 16 == 0) bits = random_.Next();
    *line += "0123456789abcdef"[bits & 15];
  }
}

void LineText::AppendNumber(uint64_t number, std::string* line) {
  std::array<char, 20> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  line->append(text.data(), static_cast<size_t>(end - text.data()));
}

// Within one day: no corpus is longer.
void LineText::AppendTime(std::string_view name, std::string* line) {
  const uint64_t seconds = micros_ / 1'000'000;
  const uint64_t day = seconds % 86'400;
  const auto clock = [&] {
    AppendPadded(day / 3600, 2, line);
    *line += ':';
    AppendPadded(day / 60 % 60, 2, line);
    *line += ':';
    AppendPadded(day % 60, 2, line);
  };
  if (name == "k") *line += "0101 ";
  if (name == "g") *line += "20260101 ";
  if (name == "t") *line += "2026-01-01T";
  if (name == "s") *line += "2026-01-01 ";
  if (name == "e") {
    AppendNumber(seconds, line);
  } else {
    clock();
  }
  if (name == "s") {
    *line += ',';
  } else {
    *line += '.';
  }
  if (name == "e" || name == "s") return AppendPadded(micros_ / 1000 % 1000, 3, line);
  AppendPadded(micros_ % 1'000'000, 6, line);
  if (name != "t") return;
  AppendPadded(random_.Below(1000), 3, line);
  *line += 'Z';
}

bool LineText::AppendName(std::string_view name, std::string* line) {
  if (name == "user") return line->append(Pick(kUsers, &random_)), true;
  if (name == "unit") return line->append(Pick(kUnits, &random_)), true;
  if (name == "image") return line->append(Pick(kImages, &random_)), true;
  if (name == "ns") return line->append(Pick(kNamespaces, &random_)), true;
  if (name == "iface") return line->append(Pick(kInterfaces, &random_)), true;
  if (name == "disk") return line->append(Pick(kDisks, &random_)), true;
  if (name == "word") return line->append(Pick(kWords, &random_)), true;
  if (name == "task") return line->append(Pick(kNames, &random_)), true;
  if (name == "pod") {
    line->append(Pick(kNames, &random_)) += '-';
    AppendHex(9, line);
    *line += '-';
    AppendHex(5, line);
    return true;
  }
  if (name == "path" || name == "file") {
    line->append(Pick(kFolders, &random_)) += '/';
    if (name == "path") AppendHex(12, line);
    line->append(name == "path" ? "/" : "").append(Pick(kWords, &random_));
    return true;
  }
  return false;
}

bool LineText::AppendHole(std::string_view name, uint64_t size, std::string* line) {
  if (name == "d") return AppendNumber(random_.Below(size), line), true;
  if (name == "x") return AppendHex(size, line), true;
  if (name == "f") {
    AppendNumber(random_.Below(size), line);
    *line += '.';
    return AppendPadded(random_.Below(1000), 3, line), true;
  }
  if (name == "k" || name == "g" || name == "t" || name == "s" || name == "e") {
    return AppendTime(name, line), true;
  }
  if (name == "ip") {
    *line += "10.";
    AppendNumber(random_.Below(64), line);
    *line += '.';
    AppendNumber(random_.Below(256), line);
    *line += '.';
    return AppendNumber(random_.Below(254) + 1, line), true;
  }
  if (name == "port") return AppendNumber(1024 + random_.Below(64'000), line), true;
  if (name == "cid") return AppendHex(64, line), true;
  if (name == "pci") {
    *line += "0000:";
    AppendHex(2, line);
    return line->append(":00.0"), true;
  }
  if (name == "uuid") {
    for (const uint64_t digits : {8, 4, 4, 4, 12}) {
      if (digits != 8) *line += '-';
      AppendHex(digits, line);
    }
    return true;
  }
  if (name == "mac") {
    for (int i = 0; i < 6; ++i) {
      if (i != 0) *line += ':';
      AppendHex(2, line);
    }
    return true;
  }
  return AppendName(name, line);
}

void LineText::Append(std::string_view form, std::string* line) {
  while (!form.empty()) {
    const size_t open = form.find('{');
    line->append(form.substr(0, open));
    if (open == std::string_view::npos) return;
    form.remove_prefix(open);
    const size_t close = form.find('}');
    bool filled = false;
    if (close != std::string_view::npos) {
      std::string_view name = form.substr(1, close - 1);
      uint64_t size = 1'000;
      if (const size_t colon = name.find(':'); colon != std::string_view::npos) {
        std::from_chars(name.data() + colon + 1, name.data() + name.size(), size);
        name = name.substr(0, colon);
      }
      filled = AppendHole(name, size, line);
    }
    if (!filled) *line += '{';
    form.remove_prefix(filled ? close + 1 : 1);
  }
}

}  // namespace fleetmedic
