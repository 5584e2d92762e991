// The only user of sd-bus in the tree.
#include <poll.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/text.h"
#include "detectors/systemd/systemd_source.h"

namespace fleetmedic {
namespace {

constexpr const char* kDestination = "org.freedesktop.systemd1";
constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr const char* kUnit = "org.freedesktop.systemd1.Unit";
constexpr const char* kService = "org.freedesktop.systemd1.Service";
constexpr const char* kProperties = "org.freedesktop.DBus.Properties";
constexpr size_t kTextBytesMax = 256;

struct MessageUnref {
  void operator()(sd_bus_message* message) const { ::sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, MessageUnref>;

std::string Capped(const char* text) {
  std::string out(text == nullptr ? "" : text);
  if (out.size() > kTextBytesMax) out.resize(kTextBytesMax);
  return out;
}

// One connection. Every wait is ours, so that the deadline holds whatever the other side does.
class Bus {
 public:
  Bus(const Clock* clock, MonoTime deadline) : clock_(clock), deadline_(deadline) {}
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;
  ~Bus() {
    if (bus_ == nullptr) return;
    ::sd_bus_close(bus_);  // without a flush, which could wait
    ::sd_bus_unref(bus_);
  }

  Status Connect(const std::string& address) {
    int result = ::sd_bus_new(&bus_);
    if (result >= 0) result = ::sd_bus_set_address(bus_, address.c_str());
    if (result >= 0) result = ::sd_bus_set_bus_client(bus_, 1);
    if (result >= 0) result = ::sd_bus_start(bus_);
    if (result >= 0) return {};
    // No socket at all: the same as nobody behind it.
    return Failed("connect to " + Quote(address), result == -ENOENT ? ECONNREFUSED : -result);
  }

  // Takes the message and returns its reply.
  Result<Message> Call(sd_bus_message* raw_call) {
    const Message call(raw_call);
    Pending pending;
    sd_bus_slot* slot = nullptr;
    // The library's own time-out is of no use here; ours ends the wait.
    const int sent =
        ::sd_bus_call_async(bus_, &slot, call.get(), &Bus::Answered, &pending, UINT64_MAX);
    if (sent < 0) return Failed("call systemd", -sent);
    const Status waited = WaitFor(&pending);
    ::sd_bus_slot_unref(slot);
    if (!waited) return tl::unexpected<Error>(waited.error());
    Message reply(pending.reply);
    if (const sd_bus_error* error = ::sd_bus_message_get_error(reply.get())) {
      return Failed("systemd answers " + Quote(Capped(error->message)),
                    ::sd_bus_error_get_errno(error));
    }
    return reply;
  }

  Result<Message> Method(const char* path, const char* interface, const char* member,
                         const std::vector<std::string>& texts,
                         const std::vector<std::vector<std::string>>& lists) {
    sd_bus_message* call = nullptr;
    int result =
        ::sd_bus_message_new_method_call(bus_, &call, kDestination, path, interface, member);
    for (const std::string& text : texts) {
      if (result >= 0) result = ::sd_bus_message_append(call, "s", text.c_str());
    }
    for (const std::vector<std::string>& list : lists) {
      if (result >= 0) result = ::sd_bus_message_open_container(call, 'a', "s");
      for (const std::string& text : list) {
        if (result >= 0) result = ::sd_bus_message_append(call, "s", text.c_str());
      }
      if (result >= 0) result = ::sd_bus_message_close_container(call);
    }
    if (result < 0) {
      ::sd_bus_message_unref(call);
      return Failed("write a call", -result);
    }
    return Call(call);
  }

  // A property of type "s", "u" or "t".
  template <typename T>
  Result<T> Property(const char* path, const char* interface, const char* name, char type) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const Message reply,
                                Method(path, kProperties, "Get", {interface, name}, {}));
    const char signature[] = {type, '\0'};
    T value{};
    int result = ::sd_bus_message_enter_container(reply.get(), 'v', signature);
    if (result >= 0) result = ::sd_bus_message_read_basic(reply.get(), type, &value);
    if (result < 0) return Failed(std::string("read ") + name, -result);
    return value;
  }

  Result<std::string> TextProperty(const char* path, const char* interface, const char* name) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const Message reply,
                                Method(path, kProperties, "Get", {interface, name}, {}));
    const char* text = nullptr;
    const int result = ::sd_bus_message_read(reply.get(), "v", "s", &text);
    if (result < 0) return Failed(std::string("read ") + name, -result);
    return Capped(text);
  }

  // Of a unit that is loaded, by any of its names.
  Result<std::string> UnitPath(const std::string& name) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const Message reply,
                                Method(kManagerPath, kManager, "GetUnit", {name}, {}));
    const char* path = nullptr;
    const int result = ::sd_bus_message_read(reply.get(), "o", &path);
    if (result < 0) return Failed("read the path of a unit", -result);
    return std::string(path);
  }

 private:
  struct Pending {
    sd_bus_message* reply = nullptr;
  };

  static int Answered(sd_bus_message* message, void* userdata, sd_bus_error*) {
    static_cast<Pending*>(userdata)->reply = ::sd_bus_message_ref(message);
    return 1;
  }

  static tl::unexpected<Error> Failed(const std::string& what, int error_number) {
    // Nobody at the bus, or the bus went away.
    if (error_number == ECONNREFUSED || error_number == ECONNRESET || error_number == ENOTCONN ||
        error_number == EPIPE || error_number == EHOSTUNREACH) {
      Error error = FailErrno(what, error_number).value();
      error.code = Code::kUnavailable;
      return tl::unexpected<Error>(error);
    }
    return FailErrno(what, error_number);
  }

  Status WaitFor(Pending* pending) {
    while (pending->reply == nullptr) {
      const int processed = ::sd_bus_process(bus_, nullptr);
      if (processed < 0) return Failed("read the bus", -processed);
      if (processed > 0) continue;
      const Micros left = deadline_ - clock_->Mono();
      if (left <= Micros(0)) {
        return Fail(Code::kDeadlineExceeded, "systemd did not answer in time");
      }
      pollfd fd{::sd_bus_get_fd(bus_), 0, 0};
      const int events = ::sd_bus_get_events(bus_);
      if (fd.fd < 0 || events < 0) return Failed("wait for the bus", ENOTCONN);
      fd.events = static_cast<short>(events);
      const auto wait = std::chrono::ceil<Millis>(left);
      if (::poll(&fd, 1, static_cast<int>(wait.count())) < 0 && errno != EINTR) {
        return Failed("wait for the bus", errno);
      }
    }
    return {};
  }

  const Clock* const clock_;
  const MonoTime deadline_;
  sd_bus* bus_ = nullptr;
};

struct ListedUnit {
  SystemdUnit unit;
  std::string path;
  std::string load_state;
  std::string job;
};

Result<std::vector<ListedUnit>> ReadUnits(sd_bus_message* reply) {
  std::vector<ListedUnit> units;
  int result = ::sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
  while (result >= 0) {
    const char *name, *description, *load, *active, *sub, *follows, *path, *job_type, *job_path;
    uint32_t job_id = 0;
    result = ::sd_bus_message_read(reply, "(ssssssouso)", &name, &description, &load, &active, &sub,
                                   &follows, &path, &job_id, &job_type, &job_path);
    if (result <= 0) break;
    units.push_back({{Capped(name), Capped(active), Capped(sub), "", 0},
                     path,
                     Capped(load),
                     job_id == 0 ? "" : Capped(job_type)});
  }
  if (result < 0) return FailErrno("read the list of units", -result);
  return units;
}

// The states of unit files by the name of the unit. Templates are no units.
Result<std::map<std::string, std::string>> ReadUnitFiles(sd_bus_message* reply) {
  std::map<std::string, std::string> states;
  int result = ::sd_bus_message_enter_container(reply, 'a', "(ss)");
  while (result >= 0) {
    const char *path, *state;
    result = ::sd_bus_message_read(reply, "(ss)", &path, &state);
    if (result <= 0) break;
    const std::string_view whole(path);
    std::string name = Capped(path + (whole.rfind('/') + 1));
    if (name.find("@.") == std::string::npos) states.emplace(std::move(name), Capped(state));
  }
  if (result < 0) return FailErrno("read the list of unit files", -result);
  return states;
}

struct ListedJob {
  SystemdJob job;
  std::string unit_path;
};

Result<std::vector<ListedJob>> ReadJobs(sd_bus_message* reply) {
  std::vector<ListedJob> jobs;
  int result = ::sd_bus_message_enter_container(reply, 'a', "(usssoo)");
  while (result >= 0 && jobs.size() < kJobsMax) {
    const char *unit, *type, *state, *path, *unit_path;
    uint32_t id = 0;
    result = ::sd_bus_message_read(reply, "(usssoo)", &id, &unit, &type, &state, &path, &unit_path);
    if (result <= 0) break;
    jobs.push_back({{id, Capped(unit), Capped(type), Capped(state), false, false}, unit_path});
  }
  if (result < 0) return FailErrno("read the list of jobs", -result);
  return jobs;
}

// That systemd is gone or hangs ends a look; another fault concerns what was asked alone.
bool EndsLook(const Error& error) {
  return error.code == Code::kDeadlineExceeded || error.code == Code::kUnavailable;
}

// What a property says, or what it says where it could not be told.
template <typename T>
Result<T> OrElse(Result<T> property, T otherwise) {
  if (property || EndsLook(property.error())) return property;
  return otherwise;
}

class BusSystemdSource final : public SystemdSource {
 public:
  BusSystemdSource(const Clock* clock, std::string address, std::string booted_marker,
                   std::vector<std::string> required)
      : clock_(clock),
        address_(std::move(address)),
        booted_marker_(std::move(booted_marker)),
        required_(std::move(required)) {}

  bool Present() const override {
    return booted_marker_.empty() || ::access(booted_marker_.c_str(), F_OK) == 0;
  }

  Result<SystemdSample> Sample(MonoTime deadline) override {
    Bus bus(clock_, deadline);
    FLEETMEDIC_RETURN_IF_ERROR(bus.Connect(address_));
    SystemdSample sample;
    FLEETMEDIC_ASSIGN_OR_RETURN(sample.state,
                                bus.TextProperty(kManagerPath, kManager, "SystemState"));
    // When PID 1 was ready for its units: in a container the kernel's own uptime says nothing.
    FLEETMEDIC_ASSIGN_OR_RETURN(
        const uint64_t started,
        bus.Property<uint64_t>(kManagerPath, kManager, "UserspaceTimestampMonotonic", 't'));
    FLEETMEDIC_ASSIGN_OR_RETURN(
        Message reply,
        bus.Method(kManagerPath, kManager, "ListUnitsByPatterns", {}, {{"failed"}, {}}));
    FLEETMEDIC_ASSIGN_OR_RETURN(std::vector<ListedUnit> units, ReadUnits(reply.get()));
    const auto named = [](const std::vector<ListedUnit>& all, const std::string& name) {
      return std::ranges::any_of(all, [&](const ListedUnit& u) { return u.unit.name == name; });
    };
    FLEETMEDIC_ASSIGN_OR_RETURN(
        reply, bus.Method(kManagerPath, kManager, "ListUnitsByPatterns", {},
                          {{"active", "activating", "reloading", "deactivating"}, {"*.service"}}));
    FLEETMEDIC_ASSIGN_OR_RETURN(std::vector<ListedUnit> services, ReadUnits(reply.get()));
    for (ListedUnit& service : services) {
      if (!named(units, service.unit.name)) units.push_back(std::move(service));
    }
    if (units.size() > kServicesMax) units.resize(kServicesMax);
    for (ListedUnit& listed : units) {
      FLEETMEDIC_RETURN_IF_ERROR(AskService(&bus, &listed));
      sample.units.push_back(std::move(listed.unit));
    }
    if (!required_.empty()) {
      sample.required = Required(&bus);
      if (!*sample.required && EndsLook(sample.required->error())) {
        return tl::unexpected<Error>(sample.required->error());
      }
    }
    sample.jobs = Jobs(&bus);
    if (!*sample.jobs && EndsLook(sample.jobs->error())) {
      return tl::unexpected<Error>(sample.jobs->error());
    }
    sample.at = clock_->Mono();
    sample.uptime = sample.at.time_since_epoch() - Micros(static_cast<int64_t>(started));
    return sample;
  }

 private:
  // What only services have. A unit that went away since the list was made has none.
  static Status AskService(Bus* bus, ListedUnit* listed) {
    if (!listed->unit.name.ends_with(".service")) return {};
    const auto restarts = bus->Property<uint32_t>(listed->path.c_str(), kService, "NRestarts", 'u');
    if (restarts) {
      listed->unit.restarts = *restarts;
    } else if (restarts.error().code == Code::kDeadlineExceeded ||
               restarts.error().code == Code::kUnavailable) {
      return tl::unexpected<Error>(restarts.error());
    }
    // Of one that runs it says nothing: each start sets it back.
    if (listed->unit.active_state == "active") return {};
    const auto result = bus->TextProperty(listed->path.c_str(), kService, "Result");
    if (result) listed->unit.result = *result;
    return {};
  }

  Status LookAtFiles(Bus* bus) {
    const MonoTime now = clock_->Mono();
    if (files_at_.has_value() && now - *files_at_ < kUnitFilesEvery) return {};
    FLEETMEDIC_ASSIGN_OR_RETURN(
        const Message reply,
        bus->Method(kManagerPath, kManager, "ListUnitFilesByPatterns", {}, {{}, required_}));
    FLEETMEDIC_ASSIGN_OR_RETURN(files_, ReadUnitFiles(reply.get()));
    files_at_ = now;
    return {};
  }

  Result<std::vector<SystemdRequiredUnit>> Required(Bus* bus) {
    FLEETMEDIC_RETURN_IF_ERROR(LookAtFiles(bus));
    FLEETMEDIC_ASSIGN_OR_RETURN(
        const Message reply,
        bus->Method(kManagerPath, kManager, "ListUnitsByPatterns", {}, {{}, required_}));
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<ListedUnit> listed, ReadUnits(reply.get()));
    std::vector<SystemdRequiredUnit> units;
    std::set<std::string> loaded;
    for (const ListedUnit& unit : listed) {
      if (units.size() >= kRequiredMax) break;
      const auto file = files_.find(unit.unit.name);
      SystemdRequiredUnit& told = units.emplace_back();
      told.name = unit.unit.name;
      told.load_state = unit.load_state;
      told.active_state = unit.unit.active_state;
      told.sub_state = unit.unit.sub_state;
      told.job = unit.job;
      if (file != files_.end()) told.file_state = file->second;
      FLEETMEDIC_RETURN_IF_ERROR(AskWhyDown(bus, unit.path, &told));
      loaded.insert(told.name);
    }
    for (const auto& [name, state] : files_) {
      if (loaded.contains(name) || units.size() >= kRequiredMax) continue;
      SystemdRequiredUnit& told = units.emplace_back();
      told.name = name;
      told.active_state = "inactive";
      told.file_state = state;
      // Another name of a unit, which is listed by its first one alone.
      if (state == "alias") FLEETMEDIC_RETURN_IF_ERROR(AskAlias(bus, &told));
    }
    return units;
  }

  static Status AskAlias(Bus* bus, SystemdRequiredUnit* told) {
    const Result<std::string> path = bus->UnitPath(told->name);
    if (!path) {
      // Not loaded, so not active.
      return EndsLook(path.error()) ? Status(tl::unexpected<Error>(path.error())) : Status();
    }
    FLEETMEDIC_ASSIGN_OR_RETURN(told->active_state,
                                bus->TextProperty(path->c_str(), kUnit, "ActiveState"));
    told->load_state = "loaded";
    return AskWhyDown(bus, *path, told);
  }

  // A unit whose Condition...= were not met, or that is done, is inactive and well.
  static Status AskWhyDown(Bus* bus, const std::string& path, SystemdRequiredUnit* told) {
    if (told->active_state != "inactive") return {};
    const char* const at = path.c_str();
    FLEETMEDIC_ASSIGN_OR_RETURN(
        const uint64_t tried,
        OrElse<uint64_t>(bus->Property<uint64_t>(at, kUnit, "ConditionTimestampMonotonic", 't'),
                         0));
    if (tried == 0) return {};
    FLEETMEDIC_ASSIGN_OR_RETURN(
        const int met, OrElse<int>(bus->Property<int>(at, kUnit, "ConditionResult", 'b'), 1));
    told->skipped = met == 0;
    if (told->skipped || !told->name.ends_with(".service")) return {};
    FLEETMEDIC_ASSIGN_OR_RETURN(
        const std::string type,
        OrElse<std::string>(bus->TextProperty(at, kService, "Type"), std::string()));
    if (type != "oneshot") return {};
    FLEETMEDIC_ASSIGN_OR_RETURN(
        const int remains,
        OrElse<int>(bus->Property<int>(at, kService, "RemainAfterExit", 'b'), 1));
    told->finished = remains == 0;
    return {};
  }

  static Result<std::vector<SystemdJob>> Jobs(Bus* bus) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const Message reply,
                                bus->Method(kManagerPath, kManager, "ListJobs", {}, {}));
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<ListedJob> listed, ReadJobs(reply.get()));
    std::vector<SystemdJob> jobs;
    size_t asked = 0;
    for (const ListedJob& entry : listed) {
      SystemdJob& job = jobs.emplace_back(entry.job);
      if (job.state != "running" || !job.unit.ends_with(".service")) continue;
      if (++asked > kJobsAskedMax) continue;
      const char* const at = entry.unit_path.c_str();
      FLEETMEDIC_ASSIGN_OR_RETURN(
          const std::string type,
          OrElse<std::string>(bus->TextProperty(at, kService, "Type"), std::string()));
      FLEETMEDIC_ASSIGN_OR_RETURN(
          const uint64_t timeout,
          OrElse<uint64_t>(bus->Property<uint64_t>(at, kService, "TimeoutStartUSec", 't'), 0));
      job.oneshot = type == "oneshot";
      job.no_timeout = timeout == UINT64_MAX;
    }
    return jobs;
  }

  const Clock* const clock_;
  const std::string address_;
  const std::string booted_marker_;
  const std::vector<std::string> required_;
  std::map<std::string, std::string> files_;  // states of the unit files that match
  std::optional<MonoTime> files_at_;
};

}  // namespace

std::unique_ptr<SystemdSource> MakeBusSystemdSource(const Clock* clock, std::string address,
                                                    std::string booted_marker,
                                                    std::vector<std::string> required) {
  return std::make_unique<BusSystemdSource>(clock, std::move(address), std::move(booted_marker),
                                            std::move(required));
}

}  // namespace fleetmedic
