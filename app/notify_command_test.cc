#include "app/notify_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "app/cli/fake_api.h"
#include "app/daemons.h"
#include "base/file.h"
#include "base/http_server.h"

namespace fleetmedic::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class NotifyCommandTest : public testing::Test {
 protected:
  NotifyCommandTest() {
    EXPECT_TRUE(server_.Start(HttpAddress::Loopback(0)));
    cli_.env.roles.notify_test = RunNotifyTest;
    cli_.env.roles.config_check = RunConfigCheck;
    EXPECT_TRUE(WriteFileAtomic(folder_ / "key", "s3cr3t-key"));
  }
  std::string Channel(const std::string& name, const std::string& path,
                      const std::string& key = "key") const {
    return fmt::format(
        "[[notify.channel]]\nname = \"{}\"\nkind = \"webhook\"\n"
        "url = \"http://127.0.0.1:{}{}\"\nsecret_file = \"{}\"\n",
        name, server_.address().port, path, folder_ / key);
  }
  CliResult Run(const std::string& command, const std::string& config) {
    EXPECT_TRUE(WriteFileAtomic(folder_ / "f.toml", config));
    return cli_.Run(command + " --config " + (folder_ / "f.toml"));
  }

  const SystemClock clock_;
  TempFolder folder_;
  HttpServer server_{
      {{"POST", "/ok", [](const HttpRequest&) { return HttpResponse::Empty(); }},
       {"POST", "/no", [](const HttpRequest&) { return HttpResponse::Text(403, "go away"); }}},
      &clock_};
  CliUnderTest cli_;
};

TEST_F(NotifyCommandTest, SaysWhatCameBackFromEach) {
  const CliResult all = Run("notify test", Channel("good", "/ok") + Channel("bad", "/no"));
  EXPECT_EQ(all.code, kExitPartlyDone) << all.err;
  EXPECT_THAT(all.out, HasSubstr("good (webhook): delivered: HTTP status 204\n"));
  EXPECT_THAT(all.out, HasSubstr("bad (webhook): refused: HTTP status 403 \"go away\"\n"));
  const CliResult one = Run("notify test good", Channel("good", "/ok") + Channel("bad", "/no"));
  EXPECT_EQ(one.code, kExitDone);
  EXPECT_THAT(one.out, Not(HasSubstr("bad")));
}

TEST_F(NotifyCommandTest, SaysWhatIsMissing) {
  EXPECT_EQ(Run("notify test", "").code, kExitNotFound);
  const CliResult typo = Run("notify test god", Channel("good", "/ok"));
  EXPECT_EQ(typo.code, kExitNotFound);
  EXPECT_THAT(typo.err, HasSubstr("did you mean good?"));
  const CliResult no_key = Run("notify test", Channel("good", "/ok", "none"));
  EXPECT_EQ(no_key.code, kExitFailed);
  EXPECT_THAT(no_key.out, HasSubstr("would be tried again"));
}

TEST_F(NotifyCommandTest, ConfigCheckWarnsOfFilesThatCannotBeUsed) {
  const CliResult well = Run("config check", Channel("good", "/ok"));
  EXPECT_EQ(well.code, kExitDone) << well.err;
  EXPECT_THAT(well.err, HasSubstr("0 warnings"));
  const CliResult none = Run("config check", Channel("good", "/ok", "none"));
  EXPECT_EQ(none.code, kExitDone);
  EXPECT_THAT(none.err, HasSubstr("warning: notify.channel good: "));
  const CliResult wrong = Run("config check", "[[notify.channel]]\nname = \"a\"\nkind = \"fax\"\n");
  EXPECT_EQ(wrong.code, kExitBadConfig);
  EXPECT_THAT(wrong.err, HasSubstr("notify.channel.kind: expected"));
}

}  // namespace
}  // namespace fleetmedic::cli
