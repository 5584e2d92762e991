#include <fcntl.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/random.h"
#include "base/role_loop.h"
#include "base/thread_pool.h"
#include "detectors/agent_role.h"
#include "detectors/report/fake_event_log.h"

namespace fleetmedic {
namespace {

TEST(KmsgE2e, ALineIsInTheLogWithinASecondAndIsNotTheKernels) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root: cannot write to /dev/kmsg";
  const UniqueFd kmsg(::open("/dev/kmsg", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(kmsg.ok()) << "cannot open /dev/kmsg";
  TempFolder folder;
  SystemClock clock;
  Metrics metrics;
  FakeEventLog log;
  AgentOptions options;
  options.host.name = "kmsg-test";
  options.agent.read_journal = false;
  options.detectors.systemd.interval = Millis(0);
  options.detectors.docker.interval = Millis(0);
  // A machine's metadata and name server are none of a test's to ask.
  options.detectors.imds.interval = Millis(0);
  options.detectors.dns.interval = Millis(0);
  options.state_dir = folder / "state";
  options.make_workers = [](std::string_view name) {
    return std::make_unique<ThreadPool>(name, 1, 1);
  };
  RoleLoop* loop = nullptr;
  auto role = AgentRole::Make(&clock, &log, &metrics, options, [&loop] {
    if (loop != nullptr) loop->Wake();
  });
  ASSERT_TRUE(role) << role.error().message;
  RoleLoop running(role->get(), &clock);
  loop = &running;
  running.Start();
  ASSERT_TRUE(log.WaitForText(Topic::kHealth, "FilesystemFull", Seconds(20)));

  const std::string text = "fleetmedic kmsg test " + EntropyHex(8);
  const std::string line = "<3>" + text + "\n";
  const MonoTime written = clock.Mono();
  ASSERT_EQ(::write(kmsg.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
  ASSERT_TRUE(log.WaitForText(Topic::kLogs, text, Seconds(10)));
  const auto took = std::chrono::duration_cast<Millis>(clock.Mono() - written);
  EXPECT_LT(took, Seconds(1));
  std::printf("FAULT a line in /dev/kmsg -> its frame is in the log in %.3f s\n",
              static_cast<double>(took.count()) / 1e3);
  running.Stop();

  for (const Record& record : log.Of(Topic::kLogs)) {
    if (record.value.find(text) == std::string::npos) continue;
    const Result<LogFrame> frame = LogFrameFrom(record.key, record.headers, record.value);
    ASSERT_TRUE(frame) << frame.error().message;
    EXPECT_EQ(frame->source, "kmsg-user");
  }
  role->reset();
}

}  // namespace
}  // namespace fleetmedic
