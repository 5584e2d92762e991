#include "detectors/systemd/systemd_source.h"

#include "base/json.h"

namespace fleetmedic {
namespace {

class DemoSystemdSource final : public SystemdSource {
 public:
  DemoSystemdSource(const Clock* clock, std::string root) : clock_(clock), root_(std::move(root)) {}

  bool Present() const override { return true; }

  Result<SystemdSample> Sample(MonoTime) override {
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::string text,
                                root_.ReadFile(kDemoSystemdPath, size_t{1} << 20));
    FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(text));
    SystemdSample sample;
    sample.at = clock_->Mono();
    bool answers = true;
    Millis uptime = Hours(1);
    JsonReader in(json, "systemd.json");
    in.Required("state", &sample.state);
    in.Optional("answers", &answers);
    in.Optional("uptime_ms", &uptime);
    in.ListAs("units", &sample.units, [](const Json& member) -> Result<SystemdUnit> {
      SystemdUnit unit;
      uint64_t restarts = 0;
      JsonReader read(member, "unit");
      read.Required("name", &unit.name);
      read.Required("active_state", &unit.active_state);
      read.Optional("sub_state", &unit.sub_state);
      read.Optional("result", &unit.result);
      read.Optional("restarts", &restarts);
      unit.restarts = static_cast<uint32_t>(restarts);
      FLEETMEDIC_RETURN_IF_ERROR(read.Done());
      return unit;
    });
    FLEETMEDIC_RETURN_IF_ERROR(in.Done());
    if (!answers) return Fail(Code::kDeadlineExceeded, "systemd does not answer");
    if (sample.units.size() > kServicesMax) sample.units.resize(kServicesMax);
    sample.uptime = uptime;
    return sample;
  }

 private:
  const Clock* const clock_;
  const FsRoot root_;
};

}  // namespace

std::unique_ptr<SystemdSource> MakeDemoSystemdSource(const Clock* clock, std::string root) {
  return std::make_unique<DemoSystemdSource>(clock, std::move(root));
}

std::unique_ptr<SystemdSource> MakeSystemdSource(const Clock* clock, const HostConfig& host,
                                                 const SystemdConfig& config) {
  const FsRoot root(host.root);
  if (root.root() != "/" && root.Exists(kDemoSystemdPath)) {
    return MakeDemoSystemdSource(clock, host.root);
  }
  if (!config.bus.empty()) return MakeBusSystemdSource(clock, config.bus, "");
  return MakeBusSystemdSource(clock, "unix:path=" + root.Path("/run/dbus/system_bus_socket"),
                              root.Path("/run/systemd/system"));
}

}  // namespace fleetmedic
