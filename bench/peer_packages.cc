#include "bench/peer_packages.h"

#include <vector>

#include "base/child_process.h"
#include "base/file.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr Minutes kUnpackMax{3};

}  // namespace

Result<std::string> UnpackPackages(std::span<const std::string_view> packages,
                                   const std::string& folder, const Clock& clock) {
  const std::string root = folder + "/root";
  const FsRoot disk;
  const MonoTime end = clock.Mono() + kUnpackMax;
  if (disk.Exists(root + "/unpacked")) return root;
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(root));
  Command download;
  download.argv = {"apt-get", "download"};
  for (const std::string_view package : packages) download.argv.emplace_back(package);
  download.cwd = folder;
  FLEETMEDIC_ASSIGN_OR_RETURN(const CommandResult loaded, RunCommand(download, clock, end));
  if (!loaded.status.ok()) {
    return Fail(Code::kUnavailable, "apt-get download: " + Quote(Trim(loaded.standard_error), 300));
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<std::string> names, disk.List(folder, 1000));
  for (const std::string& name : names) {
    if (!name.ends_with(".deb")) continue;
    Command unpack;
    unpack.argv = {"dpkg", "-x", folder + "/" + name, root};
    FLEETMEDIC_ASSIGN_OR_RETURN(const CommandResult unpacked, RunCommand(unpack, clock, end));
    if (!unpacked.status.ok()) return Fail(Code::kIo, "dpkg -x " + name + " failed");
  }
  FLEETMEDIC_RETURN_IF_ERROR(WriteFileAtomic(root + "/unpacked", "\n"));
  return root;
}

}  // namespace fleetmedic
