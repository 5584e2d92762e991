// For tests: a server that plays docs/api.md with canned answers, and a run of the CLI against it.
#ifndef FLEETMEDIC_APP_CLI_FAKE_API_H_
#define FLEETMEDIC_APP_CLI_FAKE_API_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "app/cli/cli.h"
#include "base/file.h"
#include "base/http_server.h"
#include "base/json.h"

namespace fleetmedic::cli {

// Thread-safe.
class FakeApi {
 public:
  static constexpr std::string_view kToken = "secret-token";

  // Listens on a free port of loopback, or on the Unix socket of this path. Over HTTP the token is
  // asked for, over the socket it is not.
  explicit FakeApi(const std::string& socket = "");
  ~FakeApi();

  // What `METHOD /path` answers, the query not counted. What has no answer is 404.
  void Answer(const std::string& request, HttpResponse response);
  void Answer(const std::string& request, const Json& json, int status = 200);
  // The same, made anew for each request.
  void AnswerBy(const std::string& request, std::function<HttpResponse(const HttpRequest&)> answer);
  void Problem(const std::string& request, int status, const std::string& code,
               const std::string& detail);

  // "POST /api/v1/hold {"reason":...}" of every request that came, in order, queries included.
  std::vector<std::string> requests() const;
  std::string address() const { return server_.address().Text(); }
  uint16_t port() const { return server_.address().port; }
  void Stop() { server_.Stop(); }

 private:
  HttpResponse Handle(const HttpRequest& request);

  const bool token_wanted_;
  const SystemClock clock_;
  mutable absl::Mutex mutex_;
  std::map<std::string, std::function<HttpResponse(const HttpRequest&)>> answers_
      ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> requests_ ABSL_GUARDED_BY(mutex_);
  HttpServer server_;
};

struct CliResult {
  int code = -1;
  std::string out;
  std::string err;
};

// An environment without a server: its folders are fresh, and nothing listens where the CLI would
// ask by default.
class CliUnderTest {
 public:
  // RUN_DIR and STATE_DIR are below the folder; the token file holds FakeApi::kToken.
  CliUnderTest();

  // The words of the command line, by spaces; a word may stand in single quotes.
  CliResult Run(std::string_view line, std::string_view input = "");

  TempFolder folder;
  SystemClock clock;
  CliEnvironment env;
};

// app/cli/testdata/NAME; the tests run at the top of the tree.
std::string TestData(const std::string& name);
Json TestJson(const std::string& name);
// Expects that the text is that of testdata/NAME. Where it is not, writes what it is into a file
// and says how it is taken over.
void ExpectGolden(const std::string& name, const std::string& text);

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_FAKE_API_H_
