#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/cli/exit_codes.h"
#include "app/cli/fake_api.h"

namespace fleetmedic::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const char* const kGrant = R"({"id": "G-7", "host": "web-3", "act": "reboot", "holder": "uid:0",
    "ends_at": "2026-03-01T00:15:00Z"})";
const std::string kTake = "--act reboot --reason kernel";
const std::string kAsked =
    R"(POST /api/v1/grants {"act":"reboot","host":"web-3","lease_ms":900000,"reason":"kernel"})";
const std::string kReleased = "DELETE /api/v1/grants/G-7 {}";

class GrantCommands : public testing::Test {
 protected:
  GrantCommands() {
    cli_.env.variables["FLEETMEDIC_SERVER"] = api_.address();
    cli_.env.variables["PATH"] = "/usr/bin:/bin";
    api_.Answer("POST /api/v1/grants", Json::Parse(kGrant).value(), 201);
    api_.Answer("POST /api/v1/grants/G-7/renew", Json::Parse(kGrant).value());
    api_.Answer("DELETE /api/v1/grants/G-7", Json(), 204);
  }
  void Refuse() {
    api_.Problem("POST /api/v1/grants", 409, "refused", "web-3: fleet_window: 1 of 1 in 10m");
  }

  FakeApi api_;
  CliUnderTest cli_;
};

TEST_F(GrantCommands, TakePrintsTheNameAloneOnItsOutput) {
  const CliResult run = cli_.Run("grant take web-3 " + kTake);
  EXPECT_EQ(run.code, kExitDone) << run.err;
  EXPECT_EQ(run.out, "G-7\n");
  EXPECT_THAT(run.err, HasSubstr("web-3 may be disrupted until 2026-03-01T00:15:00Z"));
  EXPECT_THAT(api_.requests(), ElementsAre(kAsked));
}

TEST_F(GrantCommands, ARefusalNamesTheLimitAndHasItsOwnExitCode) {
  Refuse();
  const CliResult run = cli_.Run("grant take web-3 " + kTake);
  EXPECT_EQ(run.code, kExitRefused);
  EXPECT_THAT(run.err, HasSubstr("fleet_window: 1 of 1 in 10m"));
  EXPECT_THAT(run.out, IsEmpty());
}

TEST_F(GrantCommands, WhatIsMissingIsNamedAndNothingIsAsked) {
  EXPECT_THAT(cli_.Run("grant take web-3 --reason x").err, HasSubstr("--act is missing"));
  EXPECT_THAT(cli_.Run("grant take web-3 --act reboot").err, HasSubstr("--reason is missing"));
  EXPECT_EQ(cli_.Run("grant run web-3 " + kTake).code, kExitUsage);
  EXPECT_THAT(api_.requests(), IsEmpty());
}

TEST_F(GrantCommands, WaitAsksAgainWhileItIsRefused) {
  std::atomic<int> asked = 0;
  api_.AnswerBy("POST /api/v1/grants", [&asked](const HttpRequest&) {
    if (++asked == 1) return HttpResponse::Problem(409, "refused", "mode hold: held by ana");
    return HttpResponse::FromJson(201, Json::Parse(kGrant).value());
  });
  const CliResult run = cli_.Run("grant take web-3 --wait 1m " + kTake);
  EXPECT_EQ(run.code, kExitDone) << run.err;
  EXPECT_EQ(asked, 2);
  EXPECT_THAT(run.err, HasSubstr("waiting: "));
  EXPECT_THAT(run.err, HasSubstr("held by ana"));
}

TEST_F(GrantCommands, RenewAndRelease) {
  EXPECT_EQ(cli_.Run("grant renew G-7 --lease 1m").code, kExitDone);
  EXPECT_EQ(cli_.Run("grant release G-7 --reason done").code, kExitDone);
  EXPECT_THAT(api_.requests(), ElementsAre(R"(POST /api/v1/grants/G-7/renew {"lease_ms":60000})",
                                           R"(DELETE /api/v1/grants/G-7 {"reason":"done"})"));
}

TEST_F(GrantCommands, RunReleasesAfterACommandThatEndsWell) {
  const CliResult run = cli_.Run("grant run web-3 " + kTake + " -- true");
  EXPECT_EQ(run.code, kExitDone) << run.err;
  EXPECT_THAT(api_.requests(), ElementsAre(kAsked, kReleased));
}

TEST_F(GrantCommands, RunLeavesTheGrantToItsLeaseAfterAFailure) {
  const CliResult failed = cli_.Run("grant run web-3 " + kTake + " -- sh -c 'exit 23'");
  EXPECT_EQ(failed.code, 23);
  EXPECT_THAT(failed.err, HasSubstr("left to its lease"));
  EXPECT_EQ(cli_.Run("grant run web-3 " + kTake + " -- sh -c 'kill -TERM $$'").code, 128 + 15);
  EXPECT_THAT(api_.requests(), ElementsAre(kAsked, kAsked));
}

TEST_F(GrantCommands, RunRenewsWhileTheCommandRuns) {
  // It ends once it was renewed twice.
  const std::string file = cli_.folder / "renewed";
  std::atomic<int> renewed = 0;
  api_.AnswerBy("POST /api/v1/grants/G-7/renew", [&](const HttpRequest&) {
    if (++renewed == 2) {
      EXPECT_TRUE(WriteFileAtomic(file, "x"));
    }
    return HttpResponse::FromJson(200, Json::Parse(kGrant).value());
  });
  const CliResult run = cli_.Run("grant run web-3 --lease 300ms " + kTake +
                                 " -- sh -c 'while [ ! -f " + file + " ]; do sleep 0.01; done'");
  EXPECT_EQ(run.code, kExitDone) << run.err;
  EXPECT_GE(renewed, 2);
}

TEST_F(GrantCommands, ACommandThatCannotBeStartedReleases) {
  const CliResult run = cli_.Run("grant run web-3 " + kTake + " -- /no/such/program");
  EXPECT_EQ(run.code, kExitFailed);
  EXPECT_THAT(run.err, HasSubstr("/no/such/program"));
  EXPECT_THAT(api_.requests(), ElementsAre(kAsked, kReleased));
}

}  // namespace
}  // namespace fleetmedic::cli
