#include <gtest/gtest.h>

#include "base/file.h"
#include "remediation/host_machine.h"

namespace fleetmedic {
namespace {

TEST(StateMachinePage, IsWhatTheCodePrints) {
  const Result<std::string> page = ReadFile("docs/STATE_MACHINE.md", 1 << 20);
  ASSERT_TRUE(page.has_value()) << page.error().message;
  EXPECT_EQ(*page, StateMachineMarkdown())
      << "regenerate: build/release/remediation/print_state_machine > docs/STATE_MACHINE.md";
}

}  // namespace
}  // namespace fleetmedic
