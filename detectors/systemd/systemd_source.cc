#include "detectors/systemd/systemd_source.h"

#include "base/json.h"

namespace fleetmedic {
namespace {

Result<SystemdUnit> UnitFrom(const Json& member) {
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
}

Result<SystemdRequiredUnit> RequiredFrom(const Json& member) {
  SystemdRequiredUnit unit;
  unit.load_state = "loaded";
  unit.file_state = "enabled";
  JsonReader read(member, "required unit");
  read.Required("name", &unit.name);
  read.Required("active_state", &unit.active_state);
  read.Optional("load_state", &unit.load_state);
  read.Optional("sub_state", &unit.sub_state);
  read.Optional("file_state", &unit.file_state);
  FLEETMEDIC_RETURN_IF_ERROR(read.Done());
  return unit;
}

Result<SystemdJob> JobFrom(const Json& member) {
  SystemdJob job;
  uint64_t id = 0;
  JsonReader read(member, "job");
  read.Required("id", &id);
  read.Required("unit", &job.unit);
  read.Required("type", &job.type);
  read.Required("state", &job.state);
  read.Optional("oneshot", &job.oneshot);
  read.Optional("no_timeout", &job.no_timeout);
  job.id = static_cast<uint32_t>(id);
  FLEETMEDIC_RETURN_IF_ERROR(read.Done());
  return job;
}

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
    in.ListAs("units", &sample.units, UnitFrom);
    std::vector<SystemdRequiredUnit> required;
    std::vector<SystemdJob> jobs;
    in.ListAs("required", &required, RequiredFrom);
    in.ListAs("jobs", &jobs, JobFrom);
    FLEETMEDIC_RETURN_IF_ERROR(in.Done());
    if (!json["required"].is_null()) sample.required = std::move(required);
    if (!json["jobs"].is_null()) sample.jobs = std::move(jobs);
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
  std::vector<std::string> required;
  for (const auto* patterns : {&config.required, &config.required_if_enabled}) {
    for (const std::string& pattern : *patterns) required.push_back(RequiredPattern(pattern));
  }
  if (!config.bus.empty()) {
    return MakeBusSystemdSource(clock, config.bus, "", std::move(required));
  }
  return MakeBusSystemdSource(clock, "unix:path=" + root.Path("/run/dbus/system_bus_socket"),
                              root.Path("/run/systemd/system"), std::move(required));
}

}  // namespace fleetmedic
