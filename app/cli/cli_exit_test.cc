// Every exit code, by commands against a server that answers as docs/api.md says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <sstream>

#include "app/cli/command.h"
#include "app/cli/fake_api.h"

namespace fleetmedic::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class CliExit : public testing::Test {
 protected:
  CliExit() { cli_.env.variables["FLEETMEDIC_SERVER"] = api_.address(); }

  static Json Hosts(std::initializer_list<const char*> names) {
    Json list;
    list.Set("items", Json(Json::Array()));
    Json::Array items;
    for (const char* name : names) items.push_back(Host(name));
    list.Set("items", Json(std::move(items)));
    return list;
  }
  static Json Host(const char* name) {
    Json host;
    host.Set("host", name);
    host.Set("state", "healthy");
    return host;
  }
  void ServeHosts(std::initializer_list<const char*> names) {
    api_.Answer("GET /api/v1/hosts", Hosts(names));
    for (const char* name : names) {
      api_.Answer(std::string("GET /api/v1/hosts/") + name, Host(name));
    }
  }
  static Json Made(const char* id) {
    Json made;
    made.Set("id", id);
    return made;
  }

  FakeApi api_;
  CliUnderTest cli_;
};

TEST_F(CliExit, StatusIsZeroWhenCalmAndTenWhenSomebodyMustLook) {
  api_.Answer("GET /api/v1/state", TestJson("state_calm.json"));
  CliResult run = cli_.Run("status");
  EXPECT_EQ(run.code, kExitDone) << run.err;
  EXPECT_EQ(run.out, TestData("status_calm.txt"));
  EXPECT_EQ(run.err, "");
  api_.Answer("GET /api/v1/state", TestJson("state_tripped.json"));
  run = cli_.Run("status");
  EXPECT_EQ(run.code, kExitAttention);
  run = cli_.Run("status -o json");
  EXPECT_EQ(run.code, kExitAttention);
  EXPECT_EQ(Json::Parse(run.out).value(), TestJson("state_tripped.json"));
}

TEST_F(CliExit, WhatTheServerSaysBecomesTheExitCode) {
  struct Case {
    int status;
    const char* code;
    int exit_code;
  };
  static constexpr Case kCases[] = {{400, "invalid_argument", kExitUsage},
                                    {401, "unauthenticated", kExitNotAllowed},
                                    {403, "permission_denied", kExitNotAllowed},
                                    {404, "not_found", kExitNotFound},
                                    {409, "conflict", kExitConflict},
                                    {409, "already_exists", kExitConflict},
                                    {409, "fenced", kExitConflict},
                                    {409, "refused", kExitRefused},
                                    {500, "io", kExitFailed},
                                    {501, "unsupported", kExitFailed},
                                    {503, "unavailable", kExitUnreachable},
                                    {503, "busy", kExitFailed},
                                    {504, "deadline_exceeded", kExitTimedOut},
                                    {507, "full", kExitFailed}};
  for (const Case& one : kCases) {
    api_.Problem("POST /api/v1/overrides", one.status, one.code, "what, where, what to do");
    const CliResult run = cli_.Run("protect host:web-1 --reason x");
    EXPECT_EQ(run.code, one.exit_code) << one.status << " " << one.code;
    EXPECT_EQ(run.out, "") << one.code;
    if (one.status != 401) {
      EXPECT_THAT(run.err, HasSubstr("what, where, what to do")) << one.code;
    }
  }
}

TEST_F(CliExit, WhatWaitsForAnApprovalIsSeven) {
  api_.Answer("POST /api/v1/overrides", Made("ov-1"), 202);
  EXPECT_EQ(cli_.Run("protect fleet --reason x").code, kExitWaitsForApproval);
}

TEST_F(CliExit, AWrongCommandLineIsTwoAndAsksNobody) {
  for (const char* line : {"statsu",
                           "status --what",
                           "drain",
                           "drain web-1 -l pool=web",
                           "drain -l ''",
                           "drain -l pool",
                           "drain -l pool=web,",
                           "drain 'a b'",
                           "get hosts web-1 -l pool=web",
                           "protect web-1 --reason x",
                           "protect host:web-1",
                           "protect host: --reason x",
                           "hold -l ''",
                           "hold -l nothing",
                           "override add hlod fleet --reason x",
                           "release",
                           "brake release",
                           "jobs run web",
                           "jobs run web.json -- x",
                           "completion fish",
                           "-s localhost:80 status",
                           ""}) {
    const CliResult run = cli_.Run(line);
    EXPECT_EQ(run.code, kExitUsage) << line;
    EXPECT_EQ(run.out, "") << line;
    EXPECT_NE(run.err, "") << line;
  }
  EXPECT_THAT(api_.requests(), IsEmpty());
}

TEST_F(CliExit, ATokenThatIsRefusedIsFourAndNamesItsFile) {
  ASSERT_TRUE(WriteFileAtomic(cli_.folder / "state/api-token", "wrong"));
  CliResult run = cli_.Run("status");
  EXPECT_EQ(run.code, kExitNotAllowed);
  EXPECT_THAT(run.err, HasSubstr("state/api-token is refused"));
  ASSERT_TRUE(RemoveTree(cli_.folder / "state/api-token"));
  run = cli_.Run("status");
  EXPECT_EQ(run.code, kExitNotAllowed);
  EXPECT_THAT(run.err, HasSubstr("there is no token"));
  EXPECT_THAT(run.err, HasSubstr("--token-file"));
  run = cli_.Run("status --token-file /nowhere/token");
  EXPECT_EQ(run.code, kExitNotAllowed);
  EXPECT_THAT(run.err, HasSubstr("/nowhere/token"));
}

TEST_F(CliExit, TheTokenIsNeverPrinted) {
  api_.Problem("GET /api/v1/state", 500, "io", "broken");
  const CliResult run = cli_.Run("status");
  EXPECT_THAT(run.out + run.err, Not(HasSubstr(std::string(FakeApi::kToken))));
}

TEST_F(CliExit, AServerThatIsNotThereIs69AndItsAddressIsNamed) {
  const std::string address = api_.address();
  api_.Stop();
  CliResult run = cli_.Run("status");
  EXPECT_EQ(run.code, kExitUnreachable);
  EXPECT_THAT(run.err, HasSubstr(address));
  EXPECT_THAT(run.err, HasSubstr("fleetmedic up"));
  run = cli_.Run("-s unix:/nowhere/control.sock get hosts");
  EXPECT_EQ(run.code, kExitUnreachable);
  EXPECT_THAT(run.err, HasSubstr("unix:/nowhere/control.sock"));
}

TEST_F(CliExit, AnAddressInTheEnvironmentThatIsNoneIsBadConfig) {
  cli_.env.variables["FLEETMEDIC_SERVER"] = "localhost:80";
  const CliResult run = cli_.Run("status");
  EXPECT_EQ(run.code, kExitBadConfig);
  EXPECT_THAT(run.err, HasSubstr("FLEETMEDIC_SERVER"));
}

TEST_F(CliExit, ARoleThatMainSuppliesSaysItsOwnCode) {
  EXPECT_EQ(cli_.Run("config check").code, kExitFailed) << "nothing is supplied yet";
  cli_.env.roles.config_check = [](const Invocation& call) -> int {
    *call.env.err << call.args.Text("config");
    return kExitBadConfig;
  };
  const CliResult run = cli_.Run("config check --config /x.toml");
  EXPECT_EQ(run.code, kExitBadConfig);
  EXPECT_EQ(run.err, "/x.toml");
}

TEST_F(CliExit, AWriteThatIsNotAnsweredInTimeIsEightAndAReadIs69) {
  api_.Answer("POST /api/v1/overrides",
              HttpResponse::Stream("application/json",
                                   [](HttpStream* stream) { stream->Wait(kMonoForever); }));
  CliResult run = cli_.Run("protect fleet --reason x --timeout 100ms");
  EXPECT_EQ(run.code, kExitTimedOut);
  EXPECT_THAT(run.err, HasSubstr("whether it was done is not known"));
  api_.Answer("GET /api/v1/state", HttpResponse::Stream("application/json", [](HttpStream* stream) {
                stream->Wait(kMonoForever);
              }));
  EXPECT_EQ(cli_.Run("status --timeout 100ms").code, kExitUnreachable);
}

TEST_F(CliExit, CtrlCDetaches) {
  const HttpCancel cancel;
  cancel.Cancel();
  cli_.env.cancel = &cancel;
  const CliResult run = cli_.Run("status");
  EXPECT_EQ(run.code, kExitDetached);
  EXPECT_THAT(run.err, HasSubstr("fleetmedic hold"));
}

TEST_F(CliExit, AFullDiskUnderStdoutIsAFailure) {
  api_.Answer("GET /api/v1/state", TestJson("state_calm.json"));
  std::istringstream in;
  std::ostream full(nullptr);
  std::ostringstream err;
  cli_.env.in = &in;
  cli_.env.out = &full;
  cli_.env.err = &err;
  static constexpr std::array<std::string_view, 1> kStatus = {"status"};
  EXPECT_EQ(RunCli(kStatus, cli_.env), kExitFailed);
  EXPECT_THAT(err.str(), HasSubstr("cannot write to stdout"));
}

TEST_F(CliExit, DrainAsksForTheCountOfMoreThanOneHost) {
  ServeHosts({"web-1", "web-2", "web-3"});
  api_.Answer("POST /api/v1/overrides", Made("ov-1"), 201);
  CliResult run = cli_.Run("drain -l pool=web", "3\n");
  EXPECT_EQ(run.code, kExitUsage) << "stdin is no terminal";
  EXPECT_THAT(run.err, HasSubstr("--yes"));
  cli_.env.in_is_terminal = true;
  for (const char* answer : {"y\n", "yes\n", "2\n", "33\n", "", "\n"}) {
    EXPECT_EQ(cli_.Run("drain -l pool=web", answer).code, kExitUsage) << answer;
  }
  EXPECT_EQ(cli_.Run("drain -l pool=web --no-input", "3\n").code, kExitUsage);
  for (const std::string& request : api_.requests()) EXPECT_THAT(request, HasSubstr("GET "));
  run = cli_.Run("drain -l pool=web", "3\n");
  EXPECT_EQ(run.code, kExitDone) << run.err;
  EXPECT_THAT(run.err, HasSubstr("type 3 to drain these hosts: "));
  EXPECT_THAT(api_.requests(),
              Contains("POST /api/v1/overrides {\"kind\":\"drain\",\"reason\":\"by hand: "
                       "fleetmedic drain\",\"scope\":\"host:web-2\"}"));
}

TEST_F(CliExit, OneHostIsDrainedWithoutAQuestion) {
  ServeHosts({"web-1"});
  api_.Answer("POST /api/v1/overrides", Made("ov-1"), 201);
  const CliResult run = cli_.Run("drain web-1 web-1 -o json --reason 'fan noise'");
  EXPECT_EQ(run.code, kExitDone) << run.err;
  EXPECT_EQ(Json::Parse(run.out).value()["items"].array()->size(), 1u);
  EXPECT_THAT(api_.requests(),
              ElementsAre("GET /api/v1/hosts/web-1",
                          "POST /api/v1/overrides {\"kind\":\"drain\",\"reason\":\"fan "
                          "noise\",\"scope\":\"host:web-1\"}"));
}

TEST_F(CliExit, TheVerbsAreTheKindsOfOverrides) {
  ServeHosts({"web-1"});
  api_.Answer("POST /api/v1/overrides", Made("ov-1"), 201);
  EXPECT_EQ(cli_.Run("taint web-1").code, kExitDone);
  EXPECT_EQ(cli_.Run("untaint web-1").code, kExitDone);
  EXPECT_EQ(cli_.Run("return web-1").code, kExitDone);
  EXPECT_EQ(cli_.Run("protect pool=db --for 2h --reason x").code, kExitDone);
  const std::vector<std::string> requests = api_.requests();
  EXPECT_THAT(requests[1], HasSubstr("\"kind\":\"taint\""));
  EXPECT_THAT(requests[3], HasSubstr("\"kind\":\"return\""));
  EXPECT_THAT(requests[5], HasSubstr("\"kind\":\"return\""));
  EXPECT_THAT(requests[6], HasSubstr("{\"for_ms\":7200000,\"kind\":\"protect\",\"reason\":\"x\","
                                     "\"scope\":\"pool:db\"}"));
}

TEST_F(CliExit, AHostThatIsMissingStopsAllBeforeAnyIsTouched) {
  ServeHosts({"web-1"});
  EXPECT_EQ(cli_.Run("drain web-1 web-9 --yes").code, kExitNotFound);
  EXPECT_THAT(api_.requests(), ElementsAre("GET /api/v1/hosts/web-1", "GET /api/v1/hosts/web-9"));
  api_.Answer("GET /api/v1/hosts", Hosts({}));
  EXPECT_EQ(cli_.Run("drain -l pool=none --yes").code, kExitNotFound) << "none is not all";
}

TEST_F(CliExit, ADryRunAsksForNothing) {
  ServeHosts({"web-1", "web-2"});
  const CliResult run = cli_.Run("drain web-1 web-2 --dry-run");
  EXPECT_EQ(run.code, kExitDone) << run.err;
  EXPECT_THAT(run.out, HasSubstr("web-2"));
  for (const std::string& request : api_.requests()) EXPECT_THAT(request, HasSubstr("GET "));
}

TEST_F(CliExit, SomeHostsDrainedIsPartlyDone) {
  ServeHosts({"web-1", "web-2", "web-3"});
  std::atomic<int> posts = 0;
  api_.AnswerBy("POST /api/v1/overrides", [&posts](const HttpRequest&) {
    if (++posts == 2) return HttpResponse::Problem(Error{Code::kRefused, "held by ana"});
    return HttpResponse::FromJson(201, Made("ov-1"));
  });
  const CliResult run = cli_.Run("drain web-1 web-2 web-3 --yes");
  EXPECT_EQ(run.code, kExitPartlyDone);
  EXPECT_EQ(posts, 3) << "one refusal does not stop the others";
  EXPECT_THAT(run.err, HasSubstr("web-2: held by ana"));
  EXPECT_THAT(run.err, HasSubstr("2 of 3 hosts"));
}

TEST_F(CliExit, SomeJobsRemovedIsPartlyDone) {
  api_.Answer("DELETE /api/v1/jobs/web", HttpResponse::Empty());
  EXPECT_EQ(cli_.Run("jobs rm web").code, kExitDone);
  EXPECT_EQ(cli_.Run("jobs rm web db --yes").code, kExitPartlyDone);
  EXPECT_EQ(cli_.Run("jobs rm db").code, kExitNotFound);
  EXPECT_EQ(cli_.Run("jobs rm web db").code, kExitUsage) << "two are not removed unasked";
}

TEST_F(CliExit, AJobIsCheckedBeforeItIsSent) {
  api_.Answer("PUT /api/v1/jobs/web", Made("web"));
  CliResult run = cli_.Run("jobs run web --instances 3 --pool db -- /bin/sleep -x '[1,2]'");
  EXPECT_EQ(run.code, kExitDone) << run.err;
  EXPECT_THAT(api_.requests().back(), HasSubstr("\"argv\":[\"/bin/sleep\",\"-x\",\"[1,2]\"]"));
  EXPECT_THAT(api_.requests().back(), HasSubstr("\"instances\":3"));
  EXPECT_EQ(cli_.Run("jobs run -", "{\"id\":\"web\"").code, kExitUsage);
  EXPECT_EQ(cli_.Run("jobs run -", "{\"id\":\"web\"}").code, kExitUsage) << "it runs nothing";
  EXPECT_EQ(cli_.Run("jobs run /nowhere/web.json").code, kExitNotFound);
  run = cli_.Run("jobs run - --dry-run", "{\"id\":\"web\",\"argv\":[\"x\"]}");
  EXPECT_EQ(run.code, kExitDone) << run.err;
  EXPECT_THAT(run.out, HasSubstr("\"argv\""));
}

TEST_F(CliExit, AFleetOfManyHostsIsListedWhole) {
  constexpr int kHosts = 40'000;
  Json::Array items;
  for (int i = 0; i < kHosts; ++i) {
    Json host = Host(("h-" + std::to_string(i)).c_str());
    // About what a summary has besides.
    host.Set("why", std::string(450, 'x'));
    items.push_back(std::move(host));
  }
  Json list;
  list.Set("items", std::move(items));
  ASSERT_GT(list.Dump().size(), Json::kTextBytesMax);
  api_.Answer("GET /api/v1/hosts", list);
  const CliResult run = cli_.Run("get hosts -o name");
  EXPECT_EQ(run.code, kExitDone) << run.err;
  EXPECT_EQ(std::ranges::count(run.out, '\n'), kHosts);
}

TEST_F(CliExit, ABrokenAuditChainIsAFailure) {
  Json audit = Json::Parse(R"({"items":[{"seq":7,"at":"2026-01-01T00:00:00.000000Z","who":"ana"}],
                               "chain":{"ok":true,"to_seq":7}})")
                   .value();
  api_.Answer("GET /api/v1/audit", audit);
  EXPECT_EQ(cli_.Run("get audit -o name").out, "7\n");
  audit.Set("chain", Json::Parse(R"({"ok":false,"to_seq":5})").value());
  api_.Answer("GET /api/v1/audit", audit);
  const CliResult run = cli_.Run("get audit web-1 --limit 5");
  EXPECT_EQ(run.code, kExitFailed);
  EXPECT_THAT(run.err, HasSubstr("broken after entry 5"));
  EXPECT_EQ(api_.requests().back(), "GET /api/v1/audit?host=web-1&limit=5");
}

TEST_F(CliExit, EvidenceIsAskedForAwaitedAndShownWithoutWhatIsHostileInIt) {
  const std::string path = "/api/v1/hosts/web-1/evidence";
  api_.Answer("POST " + path, Made("p7"), 202);
  const Json bundle = Json::Parse(R"({"id":"p7","host":"web-1","boot_id":"b","reason":"\u001b]0;x",
      "collected_at":"2026-01-01T00:00:00Z","took_ms":5,"parts":[
      {"name":"kernel-log","state":"collected","message":"","bytes":9,"bytes_cut":3,
       "text":"one\n\u001b[2Jtwo\n"},
      {"name":"gpu\u001b[0m","state":"timeout","message":"skipped\u001b[31m","bytes":0,
       "bytes_cut":0,"text":""}]})")
                          .value();
  auto looks = std::make_shared<std::atomic<int>>(0);
  api_.AnswerBy("GET " + path + "/p7", [looks, bundle](const HttpRequest&) {
    return ++*looks < 2 ? HttpResponse::Problem({Code::kNotFound, "not yet"})
                        : HttpResponse::FromJson(200, bundle);
  });
  const CliResult run = cli_.Run("evidence web-1 --reason 'it smells'");
  EXPECT_EQ(run.code, kExitDone) << run.err;
  EXPECT_THAT(api_.requests(), Contains("POST " + path + R"( {"reason":"it smells"})"));
  EXPECT_THAT(run.out, HasSubstr("=== kernel-log collected\n(3 earlier bytes were cut)\none\n"));
  EXPECT_THAT(run.out, HasSubstr("timeout: skipped"));
  EXPECT_THAT(run.out + run.err, Not(HasSubstr("\x1b")));
  EXPECT_EQ(Json::Parse(cli_.Run("evidence web-1 --id p7 -o json").out).value(), bundle);
}

TEST_F(CliExit, EvidenceOfAnUnknownHostOrThatIsNotKeptIsThree) {
  EXPECT_EQ(cli_.Run("evidence web-9").code, kExitNotFound);
  EXPECT_EQ(cli_.Run("evidence web-9 --list").code, kExitNotFound);
  EXPECT_EQ(cli_.Run("evidence web-9 --id e1-suspect").code, kExitNotFound);
  EXPECT_EQ(cli_.Run("evidence").code, kExitUsage);
}

TEST_F(CliExit, ListsHaveTheirFormats) {
  ServeHosts({"web-1", "web-2"});
  EXPECT_EQ(cli_.Run("get hosts -o name").out, "web-1\nweb-2\n");
  EXPECT_EQ(Json::Parse(cli_.Run("get hosts -o json").out).value(), Hosts({"web-1", "web-2"}));
  EXPECT_EQ(cli_.Run("get hosts web-2 -o jsonl").out,
            "{\"host\":\"web-2\",\"state\":\"healthy\"}\n");
  EXPECT_EQ(Json::Parse(cli_.Run("get hosts web-2 -o json").out).value(), Host("web-2"));
  EXPECT_EQ(cli_.Run("get hosts web-9").code, kExitNotFound);
  cli_.Run("get hosts -l pool=web,rack!=r1");
  EXPECT_EQ(api_.requests().back(), "GET /api/v1/hosts?l=pool=web,rack!=r1");
}

TEST_F(CliExit, JobsAndTasksAreListedByTheirNames) {
  api_.Answer("GET /api/v1/jobs", Json::Parse(R"({"items":[
      {"id":"web","instances":2,"running":1},{"id":"db","instances":1,"running":0}]})")
                                      .value());
  api_.Answer("GET /api/v1/tasks", Json::Parse(R"({"items":[
      {"task":"web.1","job":"web","host":"h-1","state":"running"},
      {"task":"db.1","job":"db","host":"h-2","state":"failed"}]})")
                                       .value());
  EXPECT_EQ(cli_.Run("get tasks -o name").out, "web.1\ndb.1\n");
  EXPECT_THAT(cli_.Run("get tasks db.1").out, HasSubstr("h-2"));
  EXPECT_EQ(cli_.Run("get jobs -o name").out, "web\ndb\n");
}

TEST_F(CliExit, ColoursAreForTerminalsThatWantThem) {
  api_.Answer("GET /api/v1/state", TestJson("state_held.json"));
  EXPECT_THAT(cli_.Run("status").out, Not(HasSubstr("\x1b")));
  cli_.env.out_is_terminal = true;
  EXPECT_THAT(cli_.Run("status").out, HasSubstr("\x1b["));
  EXPECT_THAT(cli_.Run("status --no-color").out, Not(HasSubstr("\x1b")));
  cli_.env.variables["NO_COLOR"] = "1";
  EXPECT_THAT(cli_.Run("status").out, Not(HasSubstr("\x1b")));
  cli_.env.variables.erase("NO_COLOR");
  cli_.env.variables["TERM"] = "dumb";
  EXPECT_THAT(cli_.Run("status").out, Not(HasSubstr("\x1b")));
}

TEST_F(CliExit, QuietLeavesDataAndErrors) {
  ServeHosts({"web-1"});
  api_.Answer("POST /api/v1/overrides", Made("ov-1"), 201);
  EXPECT_EQ(cli_.Run("-q drain web-1").err, "");
  EXPECT_NE(cli_.Run("-q drain web-9").err, "");
}

TEST(Cli, PrintsItsVersion) {
  CliUnderTest cli;
  EXPECT_EQ(cli.Run("version").out, "fleetmedic 0.1.0-test\n");
  EXPECT_EQ(cli.Run("--version").out, "fleetmedic 0.1.0-test\n");
  EXPECT_EQ(Json::Parse(cli.Run("version -o json").out).value()["version"], Json("0.1.0-test"));
}

}  // namespace
}  // namespace fleetmedic::cli
