#include "model/cgroup_owner.h"

#include <utility>

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

constexpr std::string_view kExecutor = "0123456789ab";
const std::string kId(64, 'a');
const std::string kUuid = "0f3c9a7b-1d2e-4f5a-8b6c-7d8e9f0a1b2c";

struct Case {
  std::string path;
  CgroupOwner owner;
  std::string text;
};

TEST(CgroupOwnerTest, IsReadFromThePathsOfThoseThatMakeThem) {
  const CgroupOwner docker = {.container = kId, .runtime = "Docker"};
  const CgroupOwner task = {.job = "web", .task = "web/7f-12"};
  const Case cases[] = {
      {"/docker/" + kId, docker, "Docker container aaaaaaaaaaaa"},
      {"/system.slice/docker-" + kId + ".scope", docker, "Docker container aaaaaaaaaaaa"},
      {"/docker/" + kId + "/inner", docker, "Docker container aaaaaaaaaaaa"},
      {"/docker/" + kId + "/system.slice/cron.service", docker, "Docker container aaaaaaaaaaaa"},
      {"/machine.slice/libpod-" + kId + ".scope",
       {.container = kId, .runtime = "Podman"},
       "Podman container aaaaaaaaaaaa"},
      {"/batch/" + kId, {.container = kId}, "container aaaaaaaaaaaa"},
      {"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0c6e_3f6a.slice/"
       "cri-containerd-" +
           kId + ".scope",
       {.container = kId, .runtime = "containerd", .pod = "0c6e-3f6a"},
       "containerd container aaaaaaaaaaaa, pod 0c6e-3f6a"},
      {"/kubepods/besteffort/pod" + kUuid + "/" + kId,
       {.container = kId, .pod = kUuid},
       "container aaaaaaaaaaaa, pod " + kUuid},
      {"/kubepods/besteffort/pod0c6e-3f6a", {.pod = "0c6e-3f6a"}, "pod 0c6e-3f6a"},
      {"/mesos/8a2e91c5", {.mesos_container = "8a2e91c5"}, "Mesos container 8a2e91c5"},
      {"/nomad.slice/share.slice/" + kUuid + ".web.scope",
       {.task = "web", .allocation = kUuid},
       "task web of allocation " + kUuid},
      {"/system.slice/nginx.service", {.unit = "nginx.service"}, "systemd unit nginx.service"},
      {"/user.slice/user-0.slice/session-3.scope",
       {.unit = "session-3.scope"},
       "systemd unit session-3.scope"},
      {"/fleetmedic/web=web+7f-12=0123456789ab.task", task, "task web/7f-12 of job web"},
      {"/a.slice/fleetmedic.service/web=web+7f-12=0123456789ab.task/worker-1", task,
       "task web/7f-12 of job web"},
      {"/fleetmedic/web=web+7f-12=0123456789ab.task/docker/" + kId,
       {.job = "web", .task = "web/7f-12", .container = kId, .runtime = "Docker"},
       "task web/7f-12 of job web, Docker container aaaaaaaaaaaa"},
      {"/docker/" + kId + "/web=web+7f-12=0123456789ab.task", docker,
       "Docker container aaaaaaaaaaaa"},
      {"/tripod" + kUuid + "/user.slice", {}, ""},
      {"/batch/job-7", {}, ""},
      {"/", {}, ""},
      {"", {}, ""},
  };
  for (const Case& one : cases) {
    const CgroupOwner owner = OwnerOfCgroup(one.path);
    EXPECT_EQ(owner, one.owner) << one.path;
    EXPECT_EQ(owner.Text(), one.text) << one.path;
  }
}

TEST(CgroupOwnerTest, PartsAreWhatIsKnown) {
  EXPECT_EQ(OwnerOfCgroup("/fleetmedic/web=web+1=0123456789ab.task").Parts(),
            (std::map<std::string, std::string>{{"job", "web"}, {"task", "web/1"}}));
  EXPECT_EQ(OwnerOfCgroup("/docker/" + kId).Parts(),
            (std::map<std::string, std::string>{{"container", kId}}));
  EXPECT_TRUE(OwnerOfCgroup("/").Parts().empty());
}

TEST(CgroupOwnerTest, WhatStrangersNamedIsMadeVisible) {
  EXPECT_EQ(OwnerOfCgroup("/mesos/a\x1b[31m").Text(), "Mesos container a\u241b[31m");
}

TEST(TaskCgroupName, IsReadBackForEveryId) {
  const std::pair<const char*, const char*> ids[] = {
      {"web", "web/7f-12"}, {"a.b/c:d@e_f-g", "a.b/c:d@e_f-g/0-1"}, {"tasks", "cgroup.procs"}};
  for (const auto& [job, task] : ids) {
    const std::string name = TaskCgroupName(JobId(job), TaskId(task), kExecutor);
    EXPECT_EQ(name.find('/'), std::string::npos);
    EXPECT_TRUE(IsTaskCgroupOf(name, kExecutor)) << name;
    EXPECT_FALSE(IsTaskCgroupOf(name, "ba9876543210")) << name;
    const CgroupOwner owner = OwnerOfCgroup("/fleetmedic/" + name);
    EXPECT_EQ(owner.job, job);
    EXPECT_EQ(owner.task, task);
  }
}

TEST(TaskCgroupName, OfLongIdsIsShortAndTheirOwn) {
  const JobId job(std::string(kIdCharsMax, 'j'));
  const std::string one = TaskCgroupName(job, TaskId("web/1"), kExecutor);
  const std::string two = TaskCgroupName(job, TaskId("web/2"), kExecutor);
  EXPECT_LE(one.size(), kCgroupNameBytesMax);
  EXPECT_NE(one, two);
  EXPECT_TRUE(IsTaskCgroupOf(one, kExecutor));
  EXPECT_EQ(OwnerOfCgroup("/fleetmedic/" + one), CgroupOwner());
}

TEST(TaskCgroupName, NamesThatOnlyLookSoAreNobodys) {
  for (const char* name : {"web=web+1=0123456789.task", "web=web+1.task", "=a=0123456789ab.task",
                           "web=web+1=0123456789ab", "w b=web+1=0123456789ab.task"}) {
    EXPECT_EQ(OwnerOfCgroup(std::string("/fleetmedic/") + name), CgroupOwner()) << name;
  }
}

}  // namespace
}  // namespace fleetmedic
