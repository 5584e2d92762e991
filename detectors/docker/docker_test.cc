#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/file.h"
#include "detectors/docker/docker_evaluate.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using Kind = DockerAnswer::Kind;

// Recorded from Docker 20.10.
Json Recorded(const std::string& name) {
  const auto text = ReadFile("detectors/docker/testdata/" + name, 1 << 20);
  EXPECT_TRUE(text) << text.error().message;
  return Json::Parse(text.value_or("null")).value_or(Json());
}

DockerAnswer Replied(int status) { return {Kind::kReplied, status, ""}; }
DockerAnswer Ended(Kind kind) { return {kind, 0, "why"}; }
std::vector<DockerContainerAnswer> Tops(std::vector<DockerAnswer> answers) {
  std::vector<DockerContainerAnswer> tops;
  for (DockerAnswer& answer : answers) {
    tops.push_back({std::string(64, static_cast<char>('a' + tops.size())), std::move(answer)});
  }
  return tops;
}

DockerSample Healthy() {
  DockerSample sample;
  sample.at = MonoTime(Hours(1));
  sample.seen = true;
  sample.ping = sample.list = sample.info = Replied(200);
  sample.top = Tops({Replied(200)});
  sample.containers = *DockerContainersFromJson(Recorded("containers.json"));
  sample.information = DockerInfoFromJson(Recorded("info.json"));
  sample.data_root.path = "/var/lib/docker";
  sample.data_root.bytes_used_share = 0.4;
  sample.data_root.inodes_used_share = 0.1;
  sample.data_root.device = 2049;
  return sample;
}

// With a daemon that runs since long.
DockerHistory Quiet() {
  DockerHistory history;
  history.restarts.Add({.pid = 812, .start_ticks = 5, .name = "dockerd"}, MonoTime(Minutes(1)));
  history.AddInfo(Healthy());
  history.AddShims(ShimFindings(), MonoTime(Minutes(1)));
  history.logs_asked = true;
  return history;
}

// "type verdict reason" of everything that is not ok.
std::vector<std::string> NotOk(const DockerSample& sample, const DockerHistory& history = Quiet(),
                               const DockerThresholds& thresholds = DockerThresholds()) {
  std::vector<std::string> told;
  for (const Condition& condition : EvaluateDocker(sample, history, thresholds)) {
    if (condition.verdict == Verdict::kOk) continue;
    told.push_back(condition.type + " " + std::string(VerdictName(condition.verdict)) + " " +
                   condition.reason);
  }
  return told;
}

// What is unknown when not even the list of containers came.
std::vector<std::string> WithUnknown(std::string first) {
  std::vector<std::string> told = {std::move(first), "ContainerdUnresponsive unknown CouldNotTell",
                                   "DockerStorageError unknown CouldNotTell"};
  for (const char* type : {"DockerContainerStuck", "DockerTooManyContainers", "DockerShimHung",
                           "DockerShimOrphaned", "DockerShimMissing", "DockerLogsStuck"}) {
    told.push_back(std::string(type) + " unknown CouldNotTell");
  }
  return told;
}

struct Case {
  const char* sentence;
  std::function<void(DockerSample*)> change;
  std::vector<std::string> not_ok;
};

TEST(EvaluateDockerTest, SaysWhatEachWayToBreakMeans) {
  const Case cases[] = {
      {"all answers", [](DockerSample*) {}, {}},
      {"dockerd is stopped: the ping times out",
       [](DockerSample* s) {
         s->ping = Ended(Kind::kTimedOut);
         s->list = s->info = DockerAnswer();
         s->top.clear();
       },
       WithUnknown("DockerUnresponsive bad PingTimedOut")},
      {"dockerd hangs behind its HTTP loop",
       [](DockerSample* s) {
         s->list = Ended(Kind::kTimedOut);
         s->info = DockerAnswer();
         s->top.clear();
       },
       WithUnknown("DockerUnresponsive bad ListTimedOut")},
      {"containerd is stopped: the list answers and /info does not",
       [](DockerSample* s) {
         s->info = Ended(Kind::kTimedOut);
         s->top.clear();
       },
       {"ContainerdUnresponsive bad InfoTimedOut", "DockerStorageError unknown CouldNotTell"}},
      {"containerd is killed: /top is 503",
       [](DockerSample* s) { s->top = Tops({Replied(503)}); },
       {"ContainerdUnresponsive bad TopUnavailable"}},
      {"a container that ended meanwhile is no fault",
       [](DockerSample* s) { s->top = Tops({Replied(409)}); },
       {}},
      {"a host without ps is no fault", [](DockerSample* s) { s->top = Tops({Replied(500)}); }, {}},
      {"no running container: /info decides", [](DockerSample* s) { s->top.clear(); }, {}},
      {"a daemon that fails its own list",
       [](DockerSample* s) {
         s->list = Replied(500);
         s->info = DockerAnswer();
         s->top.clear();
       },
       WithUnknown("DockerUnresponsive bad ListFailed")},
      {"nobody listens where a daemon was",
       [](DockerSample* s) {
         s->ping = Ended(Kind::kNobody);
         s->list = s->info = DockerAnswer();
         s->top.clear();
       },
       WithUnknown("DockerUnresponsive bad SocketMissing")},
      {"nobody listens where no daemon was seen: unknown, not bad",
       [](DockerSample* s) {
         s->seen = false;
         s->ping = Ended(Kind::kNobody);
         s->list = s->info = DockerAnswer();
         s->top.clear();
       },
       WithUnknown("DockerUnresponsive unknown SocketMissing")},
      {"no right to the socket: unknown, not bad",
       [](DockerSample* s) {
         s->ping = Ended(Kind::kNoRight);
         s->list = s->info = DockerAnswer();
         s->top.clear();
       },
       WithUnknown("DockerUnresponsive unknown NoPermission")},
      {"the data root is full",
       [](DockerSample* s) { s->data_root.bytes_used_share = 0.995; },
       {"DockerDataRootFull bad SpaceGone"}},
      {"the data root has no inodes",
       [](DockerSample* s) { s->data_root.inodes_used_share = 1.0; },
       {"DockerDataRootFull bad InodesGone"}},
      {"the data root cannot be told",
       [](DockerSample* s) { s->data_root.bytes_used_share.reset(); },
       {"DockerDataRootFull unknown CouldNotTell", "DockerDataRootReadOnly unknown CouldNotTell"}},
      {"the data root is read-only",
       [](DockerSample* s) { s->data_root.read_only = true; },
       {"DockerDataRootReadOnly bad ReadOnly"}},
      {"another file system lies below the data root",
       [](DockerSample* s) { s->data_root.device = 77; },
       {"DockerStorageError bad DataRootMoved"}},
      {"the storage driver is another",
       [](DockerSample* s) { s->information.driver = "vfs"; },
       {"DockerStorageError bad DriverChanged"}},
      {"the file system has no d_type",
       [](DockerSample* s) { s->information.d_type = "false"; },
       {"DockerStorageError bad NoDType"}},
      {"Docker warns of its storage",
       [](DockerSample* s) {
         s->information.warnings = {
             "WARNING: devicemapper: usage of loopback devices is strongly "
             "discouraged for production use."};
       },
       {"DockerStorageError bad Warning"}},
      {"Docker warns of a kernel option: no fault of the storage",
       [](DockerSample* s) { s->information.warnings = {"WARNING: No blkio throttle support"}; },
       {}},
      {"one of two /top does not come: no fault of containerd's",
       [](DockerSample* s) {
         s->top = Tops({Ended(Kind::kTimedOut), Replied(200)});
       },
       {}},
      {"no /top comes while /info does",
       [](DockerSample* s) {
         s->top = Tops({Ended(Kind::kTimedOut), Ended(Kind::kTimedOut)});
       },
       {"ContainerdUnresponsive bad TopTimedOut"}},
      {"systemd holds the socket of a daemon that ran",
       [](DockerSample* s) {
         s->dormant = true;
         s->ping = s->list = s->info = DockerAnswer();
         s->top.clear();
       },
       WithUnknown("DockerUnresponsive bad DaemonGone")},
      {"systemd holds the socket of a daemon that never ran",
       [](DockerSample* s) {
         s->dormant = true;
         s->seen = false;
         s->ping = s->list = s->info = DockerAnswer();
         s->top.clear();
       },
       WithUnknown("DockerUnresponsive unknown NotStarted")},
      {"there are too many containers",
       [](DockerSample* s) {
         s->containers.assign(1001, DockerContainer{"abc", "/x", "exited", {}});
       },
       {"DockerTooManyContainers bad TooMany"}},
      {"the create probe fails",
       [](DockerSample* s) { s->create = Replied(500); },
       {"DockerUnresponsive bad CreateFailed"}},
      {"the create probe meets its own leftover",
       [](DockerSample* s) { s->create = Replied(409); },
       {}},
  };
  for (const Case& c : cases) {
    DockerSample sample = Healthy();
    c.change(&sample);
    EXPECT_EQ(NotOk(sample), c.not_ok) << c.sentence;
  }
}

TEST(EvaluateDockerTest, TellsAContainerThatStaysInRemoving) {
  DockerSample sample = Healthy();
  DockerHistory history = Quiet();
  history.Add(sample);
  sample.containers = *DockerContainersFromJson(Recorded("containers_stuck.json"));
  history.Add(sample);
  EXPECT_THAT(NotOk(sample, history), IsEmpty());
  sample.at += Minutes(5);
  history.Add(sample);
  EXPECT_THAT(NotOk(sample, history), IsEmpty()) << "exactly at the limit";
  sample.at += Micros(1);
  history.Add(sample);
  EXPECT_THAT(NotOk(sample, history), ElementsAre("DockerContainerStuck bad Removing"));
  sample.containers = *DockerContainersFromJson(Recorded("containers.json"));
  history.Add(sample);
  EXPECT_THAT(NotOk(sample, history), IsEmpty());
}

TEST(EvaluateDockerTest, ACreatedContainerIsToldButDrainsNobody) {
  DockerSample sample = Healthy();
  DockerHistory history = Quiet();
  sample.containers = {{"abc123", "/later", "created", {}}};
  history.Add(sample);
  sample.at += Hours(1);
  history.Add(sample);
  for (const Condition& condition : EvaluateDocker(sample, history, DockerThresholds())) {
    if (condition.type != "DockerContainerStuck") continue;
    EXPECT_EQ(condition.verdict, Verdict::kBad);
    EXPECT_EQ(condition.severity, Severity::kInfo);
    EXPECT_EQ(condition.unit, "abc123");
  }
}

TEST(DockerJsonTest, ReadsWhatTheDaemonSaid) {
  const auto containers = DockerContainersFromJson(Recorded("containers_stuck.json"));
  ASSERT_TRUE(containers);
  ASSERT_THAT(*containers, SizeIs(2));
  EXPECT_EQ((*containers)[0].state, "removing");
  EXPECT_EQ((*containers)[0].name, "/db");
  EXPECT_EQ((*containers)[0].id.size(), 64u);
  const DockerInfo info = DockerInfoFromJson(Recorded("info.json"));
  EXPECT_EQ(info.root_dir, "/var/lib/docker");
  EXPECT_EQ(info.driver, "overlay2");
  EXPECT_EQ(info.d_type, "true");
}

TEST(DockerJsonTest, LeavesOutWhatCannotBeAContainer) {
  const auto containers = DockerContainersFromJson(*Json::Parse(
      R"([{"Id":"../../images","State":"running"},{"Id":"","State":"x"},{"State":"running"},7,
          {"Id":"abc","State":"running","Names":[7]}])"));
  ASSERT_TRUE(containers);
  ASSERT_THAT(*containers, SizeIs(1));
  EXPECT_EQ((*containers)[0].id, "abc");
  EXPECT_FALSE(DockerContainersFromJson(Json("text")));
  EXPECT_EQ(DockerInfoFromJson(*Json::Parse(R"({"DockerRootDir":7})")).root_dir, "");
  EXPECT_EQ(DockerInfoFromJson(*Json::Parse(R"({"DockerRootDir":"relative"})")).root_dir, "");
  EXPECT_THAT(DockerVersionsFromJson(*Json::Parse(
                  R"({"Version":"20.10.24","Components":[{"Name":"Engine","Version":"20.10.24"},
                      {"Name":"containerd","Version":"1.6.20"},{"Name":7},8]})")),
              ElementsAre(Pair("containerd", "1.6.20"), Pair("docker", "20.10.24")));
}

TEST(EvaluateDockerTest, BlamesAHungShimOnItsContainerUntilItAnswers) {
  DockerSample sample = Healthy();
  DockerHistory history = Quiet();
  const std::string id = sample.containers[0].id;
  history.AddTop({id, Ended(Kind::kTimedOut)});
  EXPECT_THAT(NotOk(sample, history), ElementsAre("DockerShimHung bad TopTimedOut"));
  sample.info = Ended(Kind::kTimedOut);
  EXPECT_THAT(NotOk(sample, history), ElementsAre("ContainerdUnresponsive bad InfoTimedOut",
                                                  "DockerStorageError unknown CouldNotTell"))
      << "then containerd is to blame";
  sample.info = Replied(200);
  history.AddTop({id, Replied(200)});
  EXPECT_THAT(NotOk(sample, history), IsEmpty());
  history.AddTop({id, Ended(Kind::kTimedOut)});
  sample.containers[0].state = "exited";
  history.Add(sample);
  EXPECT_THAT(NotOk(sample, history), IsEmpty()) << "the container has ended";
}

TEST(EvaluateDockerTest, CountsRestartsAndForgetsThem) {
  DockerSample sample = Healthy();
  DockerHistory history = Quiet();
  for (int pid = 900; pid < 902; ++pid) history.restarts.Add({.pid = pid}, sample.at);
  EXPECT_THAT(NotOk(sample, history), IsEmpty());
  history.restarts.Add({.pid = 903}, sample.at);
  EXPECT_THAT(NotOk(sample, history), ElementsAre("DockerRestarting bad Restarts"));
  sample.at += Minutes(11);
  EXPECT_THAT(NotOk(sample, history), IsEmpty());
}

TEST(EvaluateDockerTest, AShimHasItsGrace) {
  DockerSample sample = Healthy();
  DockerHistory history = Quiet();
  const std::string id = sample.containers[0].id;
  ShimFindings findings;
  findings.orphaned = {std::string(64, 'e')};
  findings.missing = findings.halted = findings.executor_gone = {id};
  history.AddShims(findings, sample.at);
  DockerThresholds thresholds;
  thresholds.executors = true;
  EXPECT_THAT(NotOk(sample, history, thresholds), IsEmpty());
  sample.at += Minutes(2);
  history.AddShims(findings, sample.at);
  EXPECT_THAT(NotOk(sample, history, thresholds),
              ElementsAre("DockerShimHung bad ShimHalted", "DockerShimOrphaned bad ContainerGone",
                          "DockerShimMissing bad ShimGone", "DockerExecutorGone bad ExecutorGone"));
  history.AddShims(ShimFindings(), sample.at);
  EXPECT_THAT(NotOk(sample, history, thresholds), IsEmpty());
}

TEST(EvaluateDockerTest, TellsStuckLogsAndExecs) {
  const DockerSample sample = Healthy();
  DockerHistory history = Quiet();
  history.logs_stuck = history.exec_stuck = {sample.containers[0].id};
  history.exec_asked = true;
  EXPECT_THAT(NotOk(sample, history), ElementsAre("DockerLogsStuck bad TimedOut"))
      << "no exec probe is configured";
  DockerThresholds thresholds;
  thresholds.exec_probe = true;
  EXPECT_THAT(NotOk(sample, history, thresholds),
              ElementsAre("DockerLogsStuck bad TimedOut", "DockerExecStuck bad TimedOut"));
}

TEST(EvaluateDockerTest, TellsVersionsThatAreNotAsConfigured) {
  DockerHistory history = Quiet();
  history.versions = {{"docker", "20.10.24+dfsg1"}, {"containerd", "1.6.20~ds1"}};
  DockerThresholds thresholds;
  thresholds.versions = {{"docker", "20.10."}, {"containerd", "1.7"}, {"runc", "1.1"}};
  EXPECT_THAT(NotOk(Healthy(), history, thresholds),
              ElementsAre("DockerVersionSkew bad NotAsConfigured"))
      << "of runc nothing is known";
  history.binary_replaced = true;
  EXPECT_THAT(NotOk(Healthy(), history), ElementsAre("DockerVersionSkew bad ProgramReplaced"));
}

}  // namespace
}  // namespace fleetmedic
