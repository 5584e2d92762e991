#include "app/cli/fake_api.h"

#include <gtest/gtest.h>

#include <sstream>

namespace fleetmedic::cli {

FakeApi::FakeApi(const std::string& socket)
    : token_wanted_(socket.empty()),
      server_(
          [this] {
            std::vector<HttpRoute> routes;
            for (const char* method : {"GET", "POST", "PUT", "DELETE"}) {
              routes.push_back({method, "/{rest...}",
                                [this](const HttpRequest& request) { return Handle(request); }});
            }
            return routes;
          }(),
          &clock_) {
  const HttpAddress address = socket.empty() ? HttpAddress::Loopback(0) : HttpAddress::Unix(socket);
  const Status started = server_.Start(address);
  FLEETMEDIC_CHECK(started.has_value());
}

FakeApi::~FakeApi() { server_.Stop(); }

HttpResponse FakeApi::Handle(const HttpRequest& request) {
  std::string line = request.method + " " + request.path;
  const std::string key = line;
  std::string_view separator = "?";
  for (const auto& [name, value] : request.queries) {
    line += std::string(separator) + name + "=" + value;
    separator = "&";
  }
  if (!request.body.empty()) line += " " + request.body;
  const absl::MutexLock lock(&mutex_);
  requests_.push_back(line);
  if (token_wanted_ && request.header("authorization") != "Bearer " + std::string(kToken)) {
    return HttpResponse::Problem(401, "unauthenticated", "no valid token");
  }
  const auto found = answers_.find(key);
  if (found != answers_.end()) return found->second(request);
  return HttpResponse::Problem(Error{Code::kNotFound, "no such thing: " + request.path});
}

void FakeApi::AnswerBy(const std::string& request,
                       std::function<HttpResponse(const HttpRequest&)> answer) {
  const absl::MutexLock lock(&mutex_);
  answers_.insert_or_assign(request, std::move(answer));
}

void FakeApi::Answer(const std::string& request, HttpResponse response) {
  AnswerBy(request, [response = std::move(response)](const HttpRequest&) { return response; });
}

void FakeApi::Answer(const std::string& request, const Json& json, int status) {
  Answer(request, HttpResponse::FromJson(status, json));
}

void FakeApi::Problem(const std::string& request, int status, const std::string& code,
                      const std::string& detail) {
  Answer(request, HttpResponse::Problem(status, code, detail));
}

std::vector<std::string> FakeApi::requests() const {
  const absl::MutexLock lock(&mutex_);
  return requests_;
}

CliUnderTest::CliUnderTest() {
  FLEETMEDIC_CHECK(MakeFolders(folder / "run").has_value());
  FLEETMEDIC_CHECK(MakeFolders(folder / "state").has_value());
  FLEETMEDIC_CHECK(
      WriteFileAtomic(folder / "state/api-token", std::string(FakeApi::kToken) + "\n").has_value());
  env.variables["FLEETMEDIC_RUN_DIR"] = folder / "run";
  env.variables["FLEETMEDIC_STATE_DIR"] = folder / "state";
  env.clock = &clock;
  env.default_server = HttpAddress::Unix(folder / "run/default.sock");
  env.version = "0.1.0-test";
}

CliResult CliUnderTest::Run(std::string_view line, std::string_view input) {
  std::vector<std::string> words;
  bool quoted = false;
  bool in_word = false;
  for (const char c : line) {
    if (c == '\'') {
      quoted = !quoted;
      if (quoted && !in_word) words.emplace_back();
      in_word = true;
    } else if (c == ' ' && !quoted) {
      in_word = false;
    } else {
      if (!in_word) words.emplace_back();
      in_word = true;
      words.back() += c;
    }
  }
  const std::vector<std::string_view> args(words.begin(), words.end());
  std::istringstream in{std::string(input)};
  std::ostringstream out;
  std::ostringstream err;
  env.in = &in;
  env.out = &out;
  env.err = &err;
  const int code = RunCli(args, env);
  return {code, out.str(), err.str()};
}

std::string TestData(const std::string& name) {
  Result<std::string> text = ReadFile("app/cli/testdata/" + name, size_t{1} << 20);
  EXPECT_TRUE(text) << name << ": " << (text ? "" : text.error().message);
  return text.value_or("");
}

Json TestJson(const std::string& name) { return Json::Parse(TestData(name)).value(); }

void ExpectGolden(const std::string& name, const std::string& text) {
  const std::string path = "app/cli/testdata/" + name;
  const std::string expected = ReadFile(path, size_t{1} << 20).value_or("");
  if (expected == text) return;
  const std::string got = testing::TempDir() + "fleetmedic_" + name;
  EXPECT_TRUE(WriteFileAtomic(got, text));
  EXPECT_EQ(expected, text) << "where the new text is right: cp " << got << " " << path;
}

}  // namespace fleetmedic::cli
