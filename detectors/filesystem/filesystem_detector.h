// Watches the file systems of a host: space, inodes, turned read-only, not answering.
#ifndef FLEETMEDIC_DETECTORS_FILESYSTEM_FILESYSTEM_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_FILESYSTEM_FILESYSTEM_DETECTOR_H_

#include <sys/statvfs.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "config/filesystem_config.h"
#include "config/host_config.h"
#include "detectors/detector.h"
#include "detectors/filesystem/filesystem_evaluate.h"

namespace fleetmedic {

// Where samples come from. Called by the detector's thread alone.
class StatSource {
 public:
  virtual ~StatSource() = default;
  virtual Result<std::vector<MountSample>> Sample(MonoTime deadline) = 0;
};

// The mounts of the machine, below a root. statvfs of a mount can hang in the kernel for good: it
// is called on a thread that is left behind with it then, at most kStuckMax of them, and that
// mount is not asked again until the call came back. Local file systems are asked first, so that
// a dead server takes no time from them.
class MountStatSource final : public StatSource {
 public:
  static constexpr size_t kMountsMax = 128;  // of each kind
  static constexpr size_t kStuckMax = 8;
  // One mount may take this long of the probe's time.
  static constexpr Millis kMountWaitMax{1000};

  // statvfs(2) in production.
  using StatFunction = std::function<int(const char* path, struct statvfs* out)>;

  MountStatSource(const Clock* clock, std::string root, StatFunction stat = ::statvfs);
  ~MountStatSource() override;
  Result<std::vector<MountSample>> Sample(MonoTime deadline) override;

 private:
  struct Call;
  struct Stuck;

  void FreeStuck();
  void StatMount(const std::string& mount_point, MonoTime deadline, MountSample* sample);

  const Clock* const clock_;
  const FsRoot root_;
  const StatFunction stat_;
  std::unique_ptr<class ThreadPool> pool_;
  std::map<std::string, std::unique_ptr<Stuck>> stuck_;
  std::set<std::string> seen_writable_;
};

// For demonstration hosts, whose root is a folder: what RUN/fleetmedic-demo/filesystems.json says
// stands for their file systems. Array `filesystems` of objects with mount, type, bytes_total,
// bytes_available, inodes_total, inodes_free, read_only, expected_writable, hung.
class DemoStatSource final : public StatSource {
 public:
  static constexpr std::string_view kPath = "/run/fleetmedic-demo/filesystems.json";
  // Whether the root is a demonstration host's: not "/", and it has the file.
  static bool Applies(const FsRoot& root);

  explicit DemoStatSource(std::string root) : root_(std::move(root)) {}
  Result<std::vector<MountSample>> Sample(MonoTime deadline) override;

 private:
  const FsRoot root_;
};

class FilesystemDetector final : public Detector {
 public:
  FilesystemDetector(const Clock* clock, const HostConfig& host, const FilesystemConfig& config);
  FilesystemDetector(std::unique_ptr<StatSource> source, const FilesystemConfig& config);

  std::string_view name() const override { return "filesystem"; }
  std::vector<std::string> types() const override;
  bool Supported() const override { return source_ != nullptr; }
  Millis interval() const override { return config_.interval; }
  Result<std::vector<Condition>> Probe(MonoTime deadline) override;

 private:
  const FilesystemConfig config_;
  // Null below a root that has neither mounts nor the file of a demonstration.
  std::unique_ptr<StatSource> source_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_FILESYSTEM_FILESYSTEM_DETECTOR_H_
