#include "detectors/facts.h"

#include <charconv>
#include <map>

#include "base/text.h"
#include "model/log_frame.h"

namespace fleetmedic {
namespace {

constexpr size_t kFileBytesMax = 64 * 1024;
constexpr size_t kStatBytesMax = size_t{4} << 20;  // proc/stat grows with processors and interrupts
constexpr size_t kFactBytesMax = 253;

// The first line, without what a terminal or a label could choke on.
std::string OneLine(const FsRoot& root, std::string_view path) {
  const Result<std::string> text = root.ReadFile(path, kFileBytesMax);
  if (!text) return "";
  std::string line = VisibleText(Trim(std::string_view(*text).substr(0, text->find('\n'))));
  if (line.size() > kFactBytesMax) line.resize(kFactBytesMax);
  return line;
}

// os-release(5): NAME=value, the value perhaps in quotes.
std::map<std::string, std::string, std::less<>> OsRelease(const FsRoot& root) {
  std::map<std::string, std::string, std::less<>> values;
  const Result<std::string> text = root.ReadFile("/etc/os-release", kFileBytesMax);
  if (!text) return values;
  for (const std::string_view raw : Split(*text, '\n')) {
    const std::string_view line = Trim(raw);
    const size_t equals = line.find('=');
    if (line.starts_with('#') || equals == std::string_view::npos) continue;
    std::string_view value = line.substr(equals + 1);
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
        value.back() == value.front()) {
      value = value.substr(1, value.size() - 2);
    }
    values[std::string(line.substr(0, equals))] = VisibleText(value.substr(0, kFactBytesMax));
  }
  return values;
}

std::string ImageOf(const FsRoot& root) {
  const auto values = OsRelease(root);
  const auto value = [&](std::string_view name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string() : found->second;
  };
  const std::string id = value("IMAGE_ID");
  if (id.empty()) return value("PRETTY_NAME");
  const std::string version = value("IMAGE_VERSION");
  return version.empty() ? id : id + "-" + version;
}

WallTime BootedAt(const FsRoot& root) {
  const Result<std::string> text = root.ReadFile("/proc/stat", kStatBytesMax);
  if (!text) return kWallNever;
  for (const std::string_view line : Split(*text, '\n')) {
    if (!line.starts_with("btime ")) continue;
    const std::string_view digits = Trim(line.substr(6));
    int64_t seconds = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    if (error == std::errc() && seconds > 0) return WallTime(Seconds(seconds));
  }
  return kWallNever;
}

}  // namespace

Result<HostFacts> ReadFacts(const FsRoot& root, const HostConfig& config,
                            const std::string& agent_version) {
  std::string name = config.name;
  if (name.empty()) name = OneLine(root, "/proc/sys/kernel/hostname");
  if (name.empty()) name = OneLine(root, "/etc/hostname");
  if (!ValidId(name)) {
    return Fail(Code::kInvalidArgument,
                Quote(name) + " cannot be the name of a host; set host.name in the config");
  }
  HostFacts facts;
  facts.host = HostId(name);
  facts.cell = config.cell;
  facts.pool = config.pool;
  facts.rack = config.rack;
  facts.zone = config.zone;
  facts.labels = config.labels;
  facts.agent_version = agent_version;
  facts.kernel = OneLine(root, "/proc/sys/kernel/osrelease");
  facts.image = ImageOf(root);
  facts.instance_type = OneLine(root, "/sys/devices/virtual/dmi/id/product_name");
  facts.boot_id = OneLine(root, "/proc/sys/kernel/random/boot_id");
  // It travels with every frame, whose readers refuse any other.
  if (!ValidId(facts.boot_id) || facts.boot_id.size() > LogFrame::kBootIdBytesMax) {
    facts.boot_id.clear();
  }
  facts.booted_at = BootedAt(root);
  return facts;
}

}  // namespace fleetmedic
