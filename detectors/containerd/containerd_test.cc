#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/poll.h"
#include "base/thread.h"
#include "detectors/containerd/containerd_detector.h"
#include "detectors/containerd/containerd_evaluate.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = ContainerdAnswer::Kind;

ContainerdSample Healthy() {
  ContainerdSample sample;
  sample.answers.push_back({.socket = "/run/containerd/containerd.sock",
                            .kind = Kind::kServing,
                            .error = "",
                            .limit = Millis(900),
                            .seen = true,
                            .restarts = 0,
                            .pid = 12});
  sample.folders.push_back({.path = "/var/lib/containerd",
                            .answered = true,
                            .error = "",
                            .bytes_used_share = 0.5,
                            .inodes_used_share = 0.1,
                            .bytes_available = 1'000'000'000,
                            .read_only = false});
  return sample;
}

std::vector<std::string> NotOk(const std::vector<Condition>& conditions) {
  std::vector<std::string> told;
  for (const Condition& condition : conditions) {
    if (condition.verdict == Verdict::kOk) continue;
    told.push_back(condition.type + " " + std::string(VerdictName(condition.verdict)) + " " +
                   condition.reason);
  }
  return told;
}

TEST(EvaluateContainerdTest, SaysWhatEachAnswerMeans) {
  struct Case {
    const char* sentence;
    Kind kind;
    bool seen;
    std::vector<std::string> not_ok;
  };
  const Case cases[] = {
      {"serving", Kind::kServing, true, {}},
      {"without a health service", Kind::kNoHealth, true, {}},
      {"not serving", Kind::kNotServing, true, {"ContainerdNotServing bad NotServing"}},
      {"hung, never seen", Kind::kTimedOut, false, {"ContainerdNotServing bad TimedOut"}},
      {"refused", Kind::kRefused, true, {"ContainerdNotServing bad Refused"}},
      {"refused, never seen", Kind::kRefused, false, {"ContainerdNotServing unknown Refused"}},
      {"no socket", Kind::kMissing, true, {"ContainerdNotServing bad SocketMissing"}},
      {"no right", Kind::kNoRight, true, {"ContainerdNotServing unknown NoPermission"}},
      {"another protocol", Kind::kBroken, true, {"ContainerdNotServing unknown CouldNotTell"}},
  };
  for (const Case& c : cases) {
    ContainerdSample sample = Healthy();
    sample.answers[0].kind = c.kind;
    sample.answers[0].seen = c.seen;
    EXPECT_EQ(NotOk(EvaluateContainerd(sample, {})), c.not_ok) << c.sentence;
  }
}

TEST(EvaluateContainerdTest, TellsRestartsAndFolders) {
  ContainerdSample sample = Healthy();
  sample.answers[0].restarts = 3;
  sample.folders[0].bytes_used_share = 0.99;
  sample.folders[0].read_only = true;
  EXPECT_THAT(
      NotOk(EvaluateContainerd(sample, {})),
      ElementsAre("ContainerdRestarting bad Restarts", "ContainerdStorageFull bad SpaceGone",
                  "ContainerdStorageReadOnly bad ReadOnly"));
  sample = Healthy();
  sample.answers[0].restarts = 2;
  sample.folders[0].inodes_used_share = 1;
  EXPECT_THAT(NotOk(EvaluateContainerd(sample, {})),
              ElementsAre("ContainerdStorageFull bad InodesGone"));
  sample = Healthy();
  sample.folders[0].answered = false;
  EXPECT_THAT(NotOk(EvaluateContainerd(sample, {})),
              ElementsAre("ContainerdStorageFull unknown CouldNotTell",
                          "ContainerdStorageReadOnly unknown CouldNotTell"));
}

// A socket that answers every connection with the same bytes while it serves.
class Listener {
 public:
  Listener(const std::string& path, std::string answer) : answer_(std::move(answer)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    fd_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(fd_.get(), 16), 0);
  }
  // Takes one connection off and answers it; `probe` runs meanwhile.
  template <typename Probe>
  auto Serve(Probe probe) {
    auto server = StartThread("listener", [this] {
      pollfd wait{.fd = fd_.get(), .events = POLLIN, .revents = 0};
      if (PollUntil({&wait, 1}, clock_, clock_.Mono() + Seconds(30)) <= 0) return;
      const UniqueFd peer(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      char request[1024];
      EXPECT_GT(::recv(peer.get(), request, sizeof(request), 0), 0);
      EXPECT_EQ(::send(peer.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(answer_.size()));
    });
    auto result = probe();
    server.join();
    return result;
  }

 private:
  SystemClock clock_;
  const std::string answer_;
  UniqueFd fd_;
};

class ContainerdDetectorTest : public testing::Test {
 protected:
  void SetUp() override {
    host_.root = folder_.path();
    ASSERT_TRUE(MakeFolders(folder_ / "run/containerd"));
    ASSERT_TRUE(MakeFolders(folder_ / "var/lib/containerd"));
  }
  std::vector<std::string> Probe(ContainerdDetector* detector, Millis limit) {
    const auto conditions = detector->Probe(clock_.Mono() + limit);
    EXPECT_TRUE(conditions);
    std::vector<std::string> told;
    for (const std::string& line : NotOk(conditions.value_or(std::vector<Condition>{}))) {
      // How full the disk of the test is, is not its matter.
      if (line.find("Storage") == std::string::npos) told.push_back(line);
    }
    return told;
  }

  TempFolder folder_;
  SystemClock clock_;
  HostConfig host_;
  ContainerdConfig config_;
  const std::string socket_ = folder_ / "run/containerd/containerd.sock";
};

TEST_F(ContainerdDetectorTest, IsNotSupportedWithoutASocket) {
  EXPECT_FALSE(ContainerdDetector(&clock_, host_, config_).Supported());
}

TEST_F(ContainerdDetectorTest, TellsServingThenHungThenRefusedThenMissing) {
  config_.answer_max = Seconds(30);
  auto listener = std::make_unique<Listener>(socket_, std::string("\0\0\0\4\0\0\0\0\0"
                                                                  "\0\0\7\0\0\0\0\0\1"
                                                                  "\0\0\0\0\2\x08\1",
                                                                  25));
  ContainerdDetector patient(&clock_, host_, config_);
  ASSERT_TRUE(patient.Supported());
  EXPECT_THAT(listener->Serve([&] { return Probe(&patient, Seconds(30)); }), IsEmpty());
  EXPECT_THAT(Probe(&patient, Millis(100)), ElementsAre("ContainerdNotServing bad TimedOut"));
  listener.reset();
  EXPECT_THAT(Probe(&patient, Seconds(30)), ElementsAre("ContainerdNotServing bad Refused"));
  ASSERT_EQ(::unlink(socket_.c_str()), 0);
  EXPECT_THAT(Probe(&patient, Seconds(30)), ElementsAre("ContainerdNotServing bad SocketMissing"));
}

TEST_F(ContainerdDetectorTest, AnotherProtocolIsUnknown) {
  config_.answer_max = Seconds(30);
  Listener listener(socket_, "HTTP/1.1 400 Bad Request\r\n\r\n");
  ContainerdDetector detector(&clock_, host_, config_);
  EXPECT_THAT(listener.Serve([&] { return Probe(&detector, Seconds(30)); }),
              ElementsAre("ContainerdNotServing unknown CouldNotTell"));
}

}  // namespace
}  // namespace fleetmedic
