#include "base/environment.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

TEST(Environment, ANumberIsReadWholeOrRefused) {
  const std::string name = "FLEETMEDIC_ENVIRONMENT_TEST";
  ASSERT_EQ(::unsetenv(name.c_str()), 0);
  EXPECT_EQ(EnvironmentVariable(name), "");
  EXPECT_EQ(EnvironmentNumber(name, 7).value_or(0), 7u) << "none is the fallback";
  ASSERT_EQ(::setenv(name.c_str(), "200", 1), 0);
  EXPECT_EQ(EnvironmentVariable(name), "200");
  EXPECT_EQ(EnvironmentNumber(name, 7).value_or(0), 200u);
  for (const char* text : {"20x", "-1", " 3", "99999999999999999999"}) {
    ASSERT_EQ(::setenv(name.c_str(), text, 1), 0);
    const auto number = EnvironmentNumber(name, 7);
    ASSERT_FALSE(number) << text;
    EXPECT_EQ(number.error().code, Code::kInvalidArgument);
  }
  ASSERT_EQ(::unsetenv(name.c_str()), 0);
}

}  // namespace
}  // namespace fleetmedic
