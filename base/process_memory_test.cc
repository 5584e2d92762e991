#include "base/process_memory.h"

#include <gtest/gtest.h>

#include <charconv>
#include <string>

#include "base/file.h"

namespace fleetmedic {
namespace {

// RssFile of /proc/self/status, in KiB; -1 where it is not there.
int64_t FilePagesKiB() {
  const std::string status = ReadFile("/proc/self/status", 1 << 16).value_or("");
  const size_t at = status.find("RssFile:");
  if (at == std::string::npos) return -1;
  const size_t digits = status.find_first_of("0123456789", at);
  int64_t kib = -1;
  std::from_chars(status.data() + digits, status.data() + status.size(), kib);
  return kib;
}

TEST(ProcessMemoryTest, DropsCodeAndGoesOn) {
  const int64_t before = FilePagesKiB();
  ASSERT_GT(before, 0);
  DropCodePages();
  EXPECT_LT(FilePagesKiB(), before);
  // Values that were set when the program was loaded are still there.
  EXPECT_FALSE(testing::UnitTest::GetInstance()->original_working_dir() == nullptr);
  EXPECT_THROW(throw std::string("unwinding reads tables that were dropped"), std::string);
}

}  // namespace
}  // namespace fleetmedic
