#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/cli/exit_codes.h"
#include "app/cli/fake_api.h"

namespace fleetmedic::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ReconcileCommands : public testing::Test {
 protected:
  ReconcileCommands() { cli_.env.variables["FLEETMEDIC_SERVER"] = api_.address(); }

  FakeApi api_;
  CliUnderTest cli_;
};

TEST_F(ReconcileCommands, TheReportIsAttentionAndSaysWhatDiffers) {
  api_.Answer("GET /api/v1/reconcile", Json::Parse(R"({"reconciling": true,
      "since": "2026-03-01T00:00:00Z", "reason": "restored from the backup of yesterday",
      "overrides": 2, "listed": true, "listed_at": "2026-03-01T00:00:05Z", "hosts_listed": 40,
      "foreign_taints": 1, "differences": 3,
      "items": [{"host": "web-1", "text": "recorded as healthy\u001b[2J"}]})")
                                           .value());
  const CliResult run = cli_.Run("reconcile");
  EXPECT_EQ(run.code, kExitAttention) << run.err;
  EXPECT_THAT(run.out, HasSubstr("3 of 40 hosts differ"));
  EXPECT_THAT(run.out, HasSubstr("web-1: recorded as healthy"));
  EXPECT_THAT(run.out, HasSubstr("and 2 more"));
  EXPECT_THAT(run.out, HasSubstr("1 hosts are kept out by somebody else"));
  EXPECT_THAT(run.out, testing::Not(HasSubstr("\x1b")));
}

TEST_F(ReconcileCommands, NothingToReconcileIsDone) {
  api_.Answer("GET /api/v1/reconcile", Json::Parse(R"({"reconciling": false})").value());
  EXPECT_EQ(cli_.Run("reconcile").code, kExitDone);
}

TEST_F(ReconcileCommands, AcceptingNeedsAReasonAndIsRefusedWhereNothingWaits) {
  EXPECT_EQ(cli_.Run("reconcile accept").code, kExitUsage);
  api_.Problem("POST /api/v1/reconcile/accept", 409, "conflict", "there is nothing to reconcile");
  EXPECT_EQ(cli_.Run("reconcile accept --reason looked").code, kExitConflict);
  api_.Answer("POST /api/v1/reconcile/accept", Json::Parse(R"({"reconciling": false})").value());
  EXPECT_EQ(cli_.Run("reconcile accept --reason looked").code, kExitDone);
  const std::string sent = R"(POST /api/v1/reconcile/accept {"reason":"looked"})";
  EXPECT_THAT(api_.requests(), ElementsAre(sent, sent));
}

}  // namespace
}  // namespace fleetmedic::cli
