#include "detectors/cgroup_owner.h"

#include <utility>

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

TEST(CgroupOwnerTest, NamesWhoseACgroupIs) {
  const std::string id(64, 'a');
  const std::pair<std::string, const char*> cases[] = {
      {"/docker/" + id, "Docker container aaaaaaaaaaaa"},
      {"/system.slice/docker-" + id + ".scope", "Docker container aaaaaaaaaaaa"},
      {"/fleetmedic/" + id, "container aaaaaaaaaaaa"},
      {"/docker/" + id + "/inner", "Docker container aaaaaaaaaaaa"},
      {"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0c6e_3f6a.slice/"
       "cri-containerd-" +
           id + ".scope",
       "containerd container aaaaaaaaaaaa, pod 0c6e-3f6a"},
      {"/kubepods/besteffort/pod0c6e-3f6a/" + id, "container aaaaaaaaaaaa, pod 0c6e-3f6a"},
      {"/kubepods/besteffort/pod0c6e-3f6a", "pod 0c6e-3f6a"},
      {"/mesos/8a2e91c5", "Mesos container 8a2e91c5"},
      {"/system.slice/nginx.service", "systemd unit nginx.service"},
      {"/user.slice/user-0.slice/session-3.scope", "systemd unit session-3.scope"},
      {"/", ""},
      {"/batch/job-7", ""},
  };
  for (const auto& [path, owner] : cases) EXPECT_EQ(CgroupOwner(path), owner) << path;
}

}  // namespace
}  // namespace fleetmedic
