#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "detectors/docker/docker_detector.h"
#include "detectors/docker/docker_evaluate.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
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

DockerSample Healthy() {
  DockerSample sample;
  sample.at = MonoTime(Hours(1));
  sample.seen = true;
  sample.ping = sample.list = sample.info = sample.top = Replied(200);
  sample.containers = *DockerContainersFromJson(Recorded("containers.json"));
  sample.data_root = "/var/lib/docker";
  sample.bytes_used_share = 0.4;
  sample.inodes_used_share = 0.1;
  return sample;
}

// "type verdict reason" of everything that is not ok.
std::vector<std::string> NotOk(const DockerSample& sample,
                               const DockerHistory& history = DockerHistory()) {
  std::vector<std::string> told;
  for (const Condition& condition : EvaluateDocker(sample, history, DockerThresholds())) {
    if (condition.verdict == Verdict::kOk) continue;
    told.push_back(condition.type + " " + std::string(VerdictName(condition.verdict)) + " " +
                   condition.reason);
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
         s->list = s->info = s->top = DockerAnswer();
       },
       {"DockerUnresponsive bad PingTimedOut", "ContainerdUnresponsive unknown CouldNotTell",
        "DockerContainerStuck unknown CouldNotTell"}},
      {"dockerd hangs behind its HTTP loop",
       [](DockerSample* s) {
         s->list = Ended(Kind::kTimedOut);
         s->info = s->top = DockerAnswer();
       },
       {"DockerUnresponsive bad ListTimedOut", "ContainerdUnresponsive unknown CouldNotTell",
        "DockerContainerStuck unknown CouldNotTell"}},
      {"containerd is stopped: the list answers and /info does not",
       [](DockerSample* s) {
         s->info = Ended(Kind::kTimedOut);
         s->top = DockerAnswer();
       },
       {"ContainerdUnresponsive bad InfoTimedOut"}},
      {"containerd is killed: /top is 503",
       [](DockerSample* s) { s->top = Replied(503); },
       {"ContainerdUnresponsive bad TopUnavailable"}},
      {"a container that ended meanwhile is no fault",
       [](DockerSample* s) { s->top = Replied(409); },
       {}},
      {"a host without ps is no fault", [](DockerSample* s) { s->top = Replied(500); }, {}},
      {"no running container: /info decides", [](DockerSample* s) { s->top = DockerAnswer(); }, {}},
      {"a daemon that fails its own list",
       [](DockerSample* s) {
         s->list = Replied(500);
         s->info = s->top = DockerAnswer();
       },
       {"DockerUnresponsive bad ListFailed", "ContainerdUnresponsive unknown CouldNotTell",
        "DockerContainerStuck unknown CouldNotTell"}},
      {"nobody listens where a daemon was",
       [](DockerSample* s) {
         s->ping = Ended(Kind::kNobody);
         s->list = s->info = s->top = DockerAnswer();
       },
       {"DockerUnresponsive bad SocketMissing", "ContainerdUnresponsive unknown CouldNotTell",
        "DockerContainerStuck unknown CouldNotTell"}},
      {"nobody listens where no daemon was seen: unknown, not bad",
       [](DockerSample* s) {
         s->seen = false;
         s->ping = Ended(Kind::kNobody);
         s->list = s->info = s->top = DockerAnswer();
       },
       {"DockerUnresponsive unknown SocketMissing", "ContainerdUnresponsive unknown CouldNotTell",
        "DockerContainerStuck unknown CouldNotTell"}},
      {"no right to the socket: unknown, not bad",
       [](DockerSample* s) {
         s->ping = Ended(Kind::kBroken);
         s->list = s->info = s->top = DockerAnswer();
       },
       {"DockerUnresponsive unknown CouldNotTell", "ContainerdUnresponsive unknown CouldNotTell",
        "DockerContainerStuck unknown CouldNotTell"}},
      {"the data root is full",
       [](DockerSample* s) { s->bytes_used_share = 0.995; },
       {"DockerDataRootFull bad SpaceGone"}},
      {"the data root has no inodes",
       [](DockerSample* s) { s->inodes_used_share = 1.0; },
       {"DockerDataRootFull bad InodesGone"}},
      {"the data root cannot be told",
       [](DockerSample* s) { s->bytes_used_share.reset(); },
       {"DockerDataRootFull unknown CouldNotTell"}},
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
  DockerHistory history;
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
  DockerHistory history;
  sample.containers = {{"abc123", "/later", "created"}};
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
  EXPECT_EQ(DockerRootDirFromJson(Recorded("info.json")), "/var/lib/docker");
}

TEST(DockerJsonTest, LeavesOutWhatCannotBeAContainer) {
  const auto containers = DockerContainersFromJson(*Json::Parse(
      R"([{"Id":"../../images","State":"running"},{"Id":"","State":"x"},{"State":"running"},7,
          {"Id":"abc","State":"running","Names":[7]}])"));
  ASSERT_TRUE(containers);
  ASSERT_THAT(*containers, SizeIs(1));
  EXPECT_EQ((*containers)[0].id, "abc");
  EXPECT_FALSE(DockerContainersFromJson(Json("text")));
  EXPECT_EQ(DockerRootDirFromJson(*Json::Parse(R"({"DockerRootDir":7})")), "");
  EXPECT_EQ(DockerRootDirFromJson(*Json::Parse(R"({"DockerRootDir":"relative"})")), "");
}

TEST(DockerDetectorTest, IsNotSupportedWhereThereIsNoDocker) {
  TempFolder folder;
  SystemClock clock;
  HostConfig host;
  host.root = folder.path();
  const DockerDetector detector(&clock, host, DockerConfig());
  EXPECT_FALSE(detector.Supported());
}

TEST(DockerDetectorTest, AUnitWithoutASocketIsUnknownNotBad) {
  TempFolder folder;
  ASSERT_TRUE(MakeFolders(folder / "lib/systemd/system"));
  ASSERT_TRUE(WriteFileAtomic(folder / "lib/systemd/system/docker.service", "[Unit]\n"));
  SystemClock clock;
  HostConfig host;
  host.root = folder.path();
  DockerDetector detector(&clock, host, DockerConfig());
  ASSERT_TRUE(detector.Supported());
  const auto conditions = detector.Probe(clock.Mono() + Seconds(1));
  ASSERT_TRUE(conditions);
  for (const Condition& condition : *conditions) {
    EXPECT_EQ(condition.verdict, Verdict::kUnknown) << condition.type;
  }
}

}  // namespace
}  // namespace fleetmedic
