// The keys of [detectors.NAME], in the order in which they are shown.
#include "config/keys.h"

namespace fleetmedic {
namespace {

constexpr ConfigKey kDetectorKeys[] = {
    {"detectors.systemd", "interval", [](Config& c) { return Slot(&c.detectors.systemd.interval); },
     Between(Millis(0), Hours(1)), "Between two looks at systemd; 0s switches the detector off."},
    {"detectors.systemd",
     "bus",
     [](Config& c) { return Slot(&c.detectors.systemd.bus); },
     {},
     "D-Bus address; empty: the system bus below the host's root."},
    {"detectors.systemd", "restart_loop_count",
     [](Config& c) { return Slot(&c.detectors.systemd.restart_loop_count); }, Between(2, 1000),
     "This many restarts of one unit within restart_loop_within are a loop."},
    {"detectors.systemd", "restart_loop_within",
     [](Config& c) { return Slot(&c.detectors.systemd.restart_loop_within); },
     Between(Seconds(10), Hours(24)), "See restart_loop_count."},
    {"detectors.systemd", "boot_grace",
     [](Config& c) { return Slot(&c.detectors.systemd.boot_grace); }, Between(Millis(0), Hours(1)),
     "No restart loop is told this early after a boot."},
    {"detectors.systemd", "ignore", [](Config& c) { return Slot(&c.detectors.systemd.ignore); },
     Form(TextForm::kNotEmpty), "Names or globs of units whose failure does not matter."},
    {"detectors.docker", "interval", [](Config& c) { return Slot(&c.detectors.docker.interval); },
     Between(Millis(0), Hours(1)), "Between two looks at Docker; 0s switches the detector off."},
    {"detectors.docker", "socket", [](Config& c) { return Slot(&c.detectors.docker.socket); },
     Form(TextForm::kPath), "Docker's API, below the host's root."},
    {"detectors.docker", "removing_max",
     [](Config& c) { return Slot(&c.detectors.docker.removing_max); },
     Between(Seconds(10), Hours(24)), "A container that is being removed for longer is stuck."},
    {"detectors.docker",
     "create_probe",
     [](Config& c) { return Slot(&c.detectors.docker.create_probe); },
     {},
     "Make and remove a container that is never started, to see that Docker can."},
    {"detectors.docker", "full_share",
     [](Config& c) { return Slot(&c.detectors.docker.full_share); }, Share(0.01, 1),
     "Bytes or inodes in use from which Docker's data root is full."},
    {"detectors.filesystem", "interval",
     [](Config& c) { return Slot(&c.detectors.filesystem.interval); }, Between(Millis(0), Hours(1)),
     "Between two looks at the mounts; 0s switches the detector off."},
    {"detectors.filesystem", "full_share",
     [](Config& c) { return Slot(&c.detectors.filesystem.full_share); }, Share(0.01, 1),
     "Bytes in use from which a file system is full: soft."},
    {"detectors.filesystem", "full_hard_share",
     [](Config& c) { return Slot(&c.detectors.filesystem.full_hard_share); }, Share(0.01, 1),
     "Bytes in use from which a file system is full: hard."},
    {"detectors.filesystem", "inodes_share",
     [](Config& c) { return Slot(&c.detectors.filesystem.inodes_share); }, Share(0.01, 1),
     "Inodes in use from which a file system is full."},
};

}  // namespace

std::span<const ConfigKey> DetectorKeys() { return kDetectorKeys; }

}  // namespace fleetmedic
