#include "detectors/report/spool.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "detectors/report/spool_record.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

SpooledFrame FrameOf(int number, size_t bytes = 10) {
  SpooledFrame frame;
  frame.record.key = "h";
  frame.record.value = fmt::format("{:0{}}\n", number, bytes);
  frame.record.headers = {{"source", "kernel"}};
  frame.record.timestamp = WallTime(Seconds(number));
  frame.lines = 2;
  return frame;
}

class SpoolTest : public testing::Test {
 protected:
  std::unique_ptr<Spool> Open(int64_t bytes_max = 1 << 20) {
    Result<std::unique_ptr<Spool>> spool = Spool::Open({folder_ / "spool", bytes_max});
    EXPECT_TRUE(spool) << spool.error().message;
    return spool ? *std::move(spool) : nullptr;
  }
  static Status Push(Spool* spool, int first, int count, size_t bytes = 10) {
    for (int i = first; i < first + count; ++i) {
      const SpooledFrame frame = FrameOf(i, bytes);
      FLEETMEDIC_RETURN_IF_ERROR(spool->PushFrames(std::span(&frame, 1)));
    }
    return {};
  }
  // Takes out everything, in batches, and returns the numbers.
  static std::vector<int> DrainAll(Spool* spool, size_t batch_bytes = 100) {
    std::vector<int> numbers;
    while (spool->has_frames()) {
      const auto frames = spool->PeekFrames(batch_bytes);
      EXPECT_TRUE(frames);
      for (const SpooledFrame& frame : *frames) numbers.push_back(std::stoi(frame.record.value));
      EXPECT_TRUE(spool->AcknowledgeFrames(frames->size()));
    }
    return numbers;
  }
  std::vector<std::string> Segments() {
    auto names = FsRoot().List(folder_ / "spool", 1000);
    std::erase_if(*names, [](const std::string& name) { return !name.ends_with(".seg"); });
    return *names;
  }
  static std::vector<int> Range(int first, int last) {
    std::vector<int> numbers;
    for (int i = first; i <= last; ++i) numbers.push_back(i);
    return numbers;
  }

  TempFolder folder_;
};

TEST_F(SpoolTest, GivesBackWhatWasPutInInOrderAndWhole) {
  auto spool = Open();
  ASSERT_TRUE(Push(spool.get(), 1, 3));
  const auto frames = spool->PeekFrames(1000);
  ASSERT_TRUE(frames);
  EXPECT_THAT(*frames, ElementsAre(FrameOf(1), FrameOf(2), FrameOf(3)));
  EXPECT_EQ(DrainAll(spool.get()), Range(1, 3));
  EXPECT_THAT(Segments(), IsEmpty()) << "an empty spool takes no room";
  EXPECT_EQ(spool->counts().bytes, 0);
}

TEST_F(SpoolTest, PeekingDoesNotMoveAnything) {
  auto spool = Open();
  ASSERT_TRUE(Push(spool.get(), 1, 3));
  EXPECT_THAT(*spool->PeekFrames(1), SizeIs(1)) << "at least one, however small the limit";
  EXPECT_THAT(*spool->PeekFrames(1000), SizeIs(3));
}

TEST_F(SpoolTest, GoesOnAfterARestartWhereItWasAcknowledged) {
  for (const int acknowledged : {0, 1, 7, 49, 50}) {
    TempFolder folder;
    const Spool::Options options{folder / "s", 16 * 400};  // several segments
    {
      auto spool = *Spool::Open(options);
      ASSERT_TRUE(Push(spool.get(), 1, 50));
      for (int i = 0; i < acknowledged; ++i) {
        ASSERT_THAT(*spool->PeekFrames(1), SizeIs(1));
        ASSERT_TRUE(spool->AcknowledgeFrames(1));
      }
    }
    auto spool = *Spool::Open(options);
    EXPECT_EQ(spool->counts().frames, 50 - acknowledged);
    ASSERT_TRUE(Push(spool.get(), 51, 1));
    EXPECT_EQ(DrainAll(spool.get()), Range(acknowledged + 1, 51));
  }
}

TEST_F(SpoolTest, AboveItsLimitTheOldestFramesGoAndAreCounted) {
  auto spool = Open(16 * 1000);
  ASSERT_TRUE(Push(spool.get(), 1, 200, 100));
  const Spool::Counts counts = spool->counts();
  EXPECT_LE(counts.bytes, 16 * 1000);
  EXPECT_GT(counts.dropped_frames, 0u);
  EXPECT_EQ(counts.dropped_lines, 2 * counts.dropped_frames);
  EXPECT_EQ(DrainAll(spool.get()), Range(static_cast<int>(counts.dropped_frames) + 1, 200));
}

TEST_F(SpoolTest, OneFrameAboveTheLimitIsStillKept) {
  auto spool = Open(50);
  ASSERT_TRUE(Push(spool.get(), 1, 3, 100));
  EXPECT_EQ(DrainAll(spool.get()), Range(3, 3));
  EXPECT_EQ(spool->counts().dropped_frames, 2u);
}

TEST_F(SpoolTest, CutsATornTailAtEveryByteOfIt) {
  {
    auto spool = Open();
    ASSERT_TRUE(Push(spool.get(), 1, 3));
  }
  ASSERT_THAT(Segments(), SizeIs(1));
  const std::string path = (folder_ / "spool") + "/" + Segments()[0];
  const std::string whole = *ReadFile(path, 1 << 20);
  const size_t record = whole.size() / 3;
  for (size_t bytes = 2 * record; bytes < whole.size(); ++bytes) {
    ASSERT_TRUE(WriteFileAtomic(path, whole.substr(0, bytes)));
    auto spool = Open();
    EXPECT_EQ(spool->counts().frames, 2) << bytes;
    EXPECT_EQ(spool->counts().damaged_records, bytes == 2 * record ? 0u : 1u);
    ASSERT_TRUE(Push(spool.get(), 4, 1));
    EXPECT_EQ(spool->PeekFrames(1000)->size(), 3u);
    spool.reset();
    for (const std::string& name : Segments()) {
      if (!path.ends_with(name)) ::unlink(((folder_ / "spool") + "/" + name).c_str());
    }
  }
}

TEST_F(SpoolTest, SkipsARecordWithAFlippedBitAndGivesTheOthers) {
  {
    auto spool = Open();
    ASSERT_TRUE(Push(spool.get(), 1, 3));
  }
  const std::string path = (folder_ / "spool") + "/" + Segments()[0];
  std::string bytes = *ReadFile(path, 1 << 20);
  bytes[bytes.size() / 2] ^= 1;
  ASSERT_TRUE(WriteFileAtomic(path, bytes));
  auto spool = Open();
  EXPECT_EQ(spool->counts().damaged_records, 1u);
  EXPECT_EQ(DrainAll(spool.get()), (std::vector<int>{1, 3}));
}

TEST_F(SpoolTest, SendsTwiceRatherThanNeverWhenItsPlaceIsLost) {
  {
    auto spool = Open();
    ASSERT_TRUE(Push(spool.get(), 1, 3));
    ASSERT_THAT(*spool->PeekFrames(1), SizeIs(1));
    ASSERT_TRUE(spool->AcknowledgeFrames(1));
  }
  ASSERT_TRUE(WriteFileAtomic((folder_ / "spool") + "/head", "garbage"));
  EXPECT_EQ(DrainAll(Open().get()), Range(1, 3));
}

TEST_F(SpoolTest, KeepsTheNewestStatesThroughARestart) {
  const SpooledState state{Topic::kHealth, "health/docker", FrameOf(7).record};
  {
    auto spool = Open();
    ASSERT_TRUE(spool->KeepStates(std::span(&state, 1)));
  }
  EXPECT_THAT(Open()->restored_states(), ElementsAre(state));
  ASSERT_TRUE(Open()->KeepStates({}));
  EXPECT_THAT(Open()->restored_states(), IsEmpty());
}

TEST_F(SpoolTest, TwoAgentsCannotShareOne) {
  const auto spool = Open();
  const auto second = Spool::Open({folder_ / "spool", 1 << 20});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kBusy);
}

// A real full disk: a small tmpfs, where this may be mounted.
TEST_F(SpoolTest, AFullDiskRefusesAndLosesNothingThatItTook) {
  const std::string mount = folder_ / "small";
  ASSERT_TRUE(MakeFolders(mount));
  if (::mount("tmpfs", mount.c_str(), "tmpfs", 0, "size=256k") != 0) {
    GTEST_SKIP() << "not root: cannot mount a tmpfs";
  }
  {
    auto spool = *Spool::Open({mount + "/spool", 64 << 20});
    int taken = 0;
    Status pushed;
    while ((pushed = Push(spool.get(), taken + 1, 1, 5000))) ++taken;
    EXPECT_EQ(pushed.error().code, Code::kFull) << pushed.error().message;
    EXPECT_GT(taken, 10);
    EXPECT_FALSE(Push(spool.get(), taken + 1, 1, 5000));
    EXPECT_EQ(DrainAll(spool.get(), 50'000), Range(1, taken));
    EXPECT_TRUE(Push(spool.get(), taken + 1, 1, 5000)) << "drained, it takes frames again";
    EXPECT_EQ(DrainAll(spool.get()), Range(taken + 1, taken + 1));
  }
  EXPECT_EQ(::umount(mount.c_str()), 0);
}

TEST(SpoolRecordTest, RefusesEveryTruncationAndEveryFlippedByte) {
  SpoolEntry entry{Topic::kHealth, "key", 3, FrameOf(1).record};
  std::string bytes;
  AppendSpoolEntry(entry, &bytes);
  const SpoolHeader header = *ReadSpoolHeader(bytes);
  const std::string payload = bytes.substr(kSpoolHeaderBytes);
  EXPECT_EQ(*ReadSpoolPayload(header, payload), entry);
  for (size_t i = 0; i < payload.size(); ++i) {
    EXPECT_FALSE(ReadSpoolPayload(header, payload.substr(0, i)));
    std::string flipped = payload;
    flipped[i] ^= 0x40;
    EXPECT_FALSE(ReadSpoolPayload(header, flipped));
  }
  EXPECT_FALSE(ReadSpoolHeader(std::string(8, '\0')));
  EXPECT_FALSE(ReadSpoolHeader(std::string(8, '\xff')));
}

}  // namespace
}  // namespace fleetmedic
