// Hold and release: the commands that must work when little else does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/cli/exit_codes.h"
#include "app/cli/fake_api.h"

namespace fleetmedic::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Json Override() {
  return Json::Parse(R"({"id":"ov-1","kind":"hold","scope":"fleet","who":"root"})").value();
}

std::string HoldFile(const CliUnderTest& cli) {
  return ReadFile(cli.folder / "run/HOLD", 4096).value_or("(none)");
}

TEST(Hold, TakesTheControlSocketWhereThereIsOne) {
  CliUnderTest cli;
  FakeApi api(cli.folder / "run/control.sock");
  api.Answer("POST /api/v1/hold", Override());
  const CliResult run = cli.Run("hold --reason 'deploy 812' -o json");
  EXPECT_EQ(run.code, kExitDone) << run.err;
  EXPECT_EQ(Json::Parse(run.out).value(), Override());
  EXPECT_THAT(run.err, HasSubstr("held: fleet, by way of unix:"));
  EXPECT_THAT(api.requests(),
              ElementsAre("POST /api/v1/hold {\"reason\":\"deploy 812\",\"scope\":\"fleet\"}"));
  EXPECT_EQ(HoldFile(cli), "(none)");
}

TEST(Hold, NeverAsksAnything) {
  CliUnderTest cli;
  FakeApi api(cli.folder / "run/control.sock");
  api.Answer("POST /api/v1/hold", Override());
  cli.env.in_is_terminal = true;
  EXPECT_EQ(cli.Run("hold").code, kExitDone);
}

TEST(Hold, TakesAScopeInEitherSpelling) {
  CliUnderTest cli;
  FakeApi api(cli.folder / "run/control.sock");
  api.Answer("POST /api/v1/hold", Override());
  EXPECT_EQ(cli.Run("hold -l pool=web").code, kExitDone);
  EXPECT_EQ(cli.Run("hold --scope pool:web").code, kExitDone);
  for (const std::string& request : api.requests()) {
    EXPECT_THAT(request, HasSubstr("\"scope\":\"pool:web\""));
  }
}

TEST(Hold, TouchesTheFileWhenNobodyAnswers) {
  CliUnderTest cli;
  const CliResult run = cli.Run("hold --reason 'deploy 812'");
  EXPECT_EQ(run.code, kExitDone) << run.err;
  EXPECT_THAT(run.err, HasSubstr("held: fleet, by way of the file "));
  EXPECT_EQ(HoldFile(cli), "deploy 812\n");
  EXPECT_EQ(cli.Run("hold --reason another").code, kExitDone);
  EXPECT_EQ(HoldFile(cli), "deploy 812\n") << "a hold that is there keeps its reason";
}

TEST(Hold, TakesHttpWhereTheSocketIsMissingOrFails) {
  CliUnderTest cli;
  FakeApi http(cli.folder / "run/default.sock");
  http.Answer("POST /api/v1/hold", Override());
  CliResult run = cli.Run("hold");
  EXPECT_EQ(run.code, kExitDone) << run.err;
  EXPECT_THAT(run.err, HasSubstr("default.sock"));
  FakeApi socket(cli.folder / "run/control.sock");
  socket.Problem("POST /api/v1/hold", 503, "unavailable", "not the leader");
  run = cli.Run("hold");
  EXPECT_EQ(run.code, kExitDone) << run.err;
  EXPECT_THAT(run.err, HasSubstr("not the leader"));
  EXPECT_EQ(http.requests().size(), 2u);
  EXPECT_EQ(HoldFile(cli), "(none)");
}

TEST(Hold, TouchesTheFileWhenEveryServerRefuses) {
  CliUnderTest cli;
  FakeApi socket(cli.folder / "run/control.sock");
  socket.Problem("POST /api/v1/hold", 500, "io", "the disk is full");
  EXPECT_EQ(cli.Run("hold").code, kExitDone);
  EXPECT_EQ(HoldFile(cli), "held by hand\n");
}

TEST(Hold, NeedsNoTokenForTheControlSocket) {
  CliUnderTest cli;
  cli.env.variables["FLEETMEDIC_TOKEN_FILE"] = "/nowhere/token";
  FakeApi api(cli.folder / "run/control.sock");
  api.Answer("POST /api/v1/hold", Override());
  EXPECT_EQ(cli.Run("hold").code, kExitDone);
  EXPECT_EQ(HoldFile(cli), "(none)");
}

TEST(Hold, SaysThatItIsNotHeldWhereNoRemediatorWouldLook) {
  CliUnderTest cli;
  cli.env.variables["FLEETMEDIC_RUN_DIR"] = cli.folder / "not-there";
  const CliResult run = cli.Run("hold");
  EXPECT_EQ(run.code, kExitUnreachable);
  EXPECT_THAT(run.err, HasSubstr("NOT HELD"));
  EXPECT_FALSE(FsRoot().Exists(cli.folder / "not-there")) << "a folder made for it is no hold";
}

TEST(Hold, OfAScopeNeverBecomesAHoldOfTheFleet) {
  CliUnderTest cli;
  const CliResult run = cli.Run("hold -l pool:web");
  EXPECT_NE(run.code, kExitDone);
  EXPECT_THAT(run.err, HasSubstr("NOT HELD"));
  EXPECT_EQ(HoldFile(cli), "(none)");
}

TEST(Hold, OfANamedServerDoesNotTouchThisMachinesFile) {
  CliUnderTest cli;
  const CliResult run = cli.Run("hold -s unix:/nowhere/control.sock");
  EXPECT_EQ(run.code, kExitUnreachable);
  EXPECT_THAT(run.err, HasSubstr("NOT HELD"));
  EXPECT_THAT(run.err, HasSubstr("touch "));
  EXPECT_EQ(HoldFile(cli), "(none)");
}

class Release : public testing::Test {
 protected:
  Release() : api_(cli_.folder / "run/control.sock") {
    api_.Answer("GET /api/v1/state", TestJson("state_held.json"));
  }
  void Answers(const char* json) { api_.Answer("POST /api/v1/release", Json::Parse(json).value()); }
  CliUnderTest cli_;
  FakeApi api_;
};

TEST_F(Release, ShowsWhatWaitsBeforeItReleases) {
  Answers(R"({"released":[{"id":"ov-1","scope":"pool:web","who":"ana"}],"still":[]})");
  const CliResult run = cli_.Run("release --reason 'deploy is through'");
  EXPECT_EQ(run.code, kExitDone) << run.err;
  EXPECT_THAT(run.err, HasSubstr("web-1"));
  EXPECT_LT(run.err.find("waits: 2 hosts"), run.err.find("released: pool:web"));
}

TEST_F(Release, IsSixAndNamesWhatStillHolds) {
  Answers(R"({"released":[],"still":[{"source":"file","scope":"fleet","who":"root"}]})");
  const CliResult run = cli_.Run("release --reason x");
  EXPECT_EQ(run.code, kExitRefused);
  EXPECT_THAT(run.err, HasSubstr("still held: fleet, by file of root"));
  EXPECT_THAT(run.err, HasSubstr("rm " + (cli_.folder / "run/HOLD")));
}

TEST_F(Release, NeedsAReason) {
  EXPECT_EQ(cli_.Run("release").code, kExitUsage);
  EXPECT_THAT(api_.requests(), IsEmpty());
}

TEST_F(Release, OfTheBrakeIsSixWhileItIsTripped) {
  api_.Answer("POST /api/v1/brake/release",
              Json::Parse(R"({"brake":{"tripped":false,"causes":[]}})").value());
  EXPECT_EQ(cli_.Run("brake release --reason looked").code, kExitDone);
  api_.Answer("POST /api/v1/brake/release", Json::Parse(R"({"brake":{"tripped":true,
                              "causes":[{"cause":"log_lag","detail":"75 s behind"}]}})")
                                                .value());
  const CliResult run = cli_.Run("brake release --reason looked");
  EXPECT_EQ(run.code, kExitRefused);
  EXPECT_THAT(run.err, HasSubstr("log_lag, 75 s behind"));
}

TEST(Client, NamesEveryWayThatItTried) {
  CliUnderTest cli;
  const CliResult run = cli.Run("status");
  EXPECT_EQ(run.code, kExitUnreachable);
  EXPECT_THAT(run.err, HasSubstr("run/control.sock"));
  EXPECT_THAT(run.err, HasSubstr("run/default.sock"));
}

TEST(Client, PrefersTheControlSocketAndNeedsNoTokenThere) {
  CliUnderTest cli;
  ASSERT_TRUE(RemoveTree(cli.folder / "state/api-token"));
  FakeApi api(cli.folder / "run/control.sock");
  api.Answer("GET /api/v1/state", TestJson("state_calm.json"));
  const CliResult run = cli.Run("status");
  EXPECT_EQ(run.code, kExitDone) << run.err;
}

}  // namespace
}  // namespace fleetmedic::cli
