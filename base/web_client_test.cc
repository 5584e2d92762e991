#include "base/web_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/http_server.h"
#include "base/http_socket.h"
#include "base/thread.h"
#include "base/unique_fd.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;
using testing::Not;

const SystemClock kClock;

MonoTime Soon() { return kClock.Mono() + Seconds(30); }

struct FreeOpenSsl {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
template <typename T>
using Owned = std::unique_ptr<T, FreeOpenSsl>;

// A TLS server on a free loopback port that answers one connection. Its certificate is made here,
// for one name alone, and signed by itself.
class OneTlsReply {
 public:
  OneTlsReply(const std::string& san, std::string reply) : reply_(std::move(reply)) {
    key_.reset(EVP_EC_gen("P-256"));
    certificate_.reset(X509_new());
    X509* const made = certificate_.get();
    X509_set_version(made, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    X509_gmtime_adj(X509_getm_notBefore(made), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made), 3600);
    X509_set_pubkey(made, key_.get());
    X509_NAME* const name = X509_get_subject_name(made);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(made, name);
    const Owned<X509_EXTENSION> names(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, san.c_str()));
    X509_add_ext(made, names.get(), -1);
    X509_sign(made, key_.get(), EVP_sha256());
    context_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(context_.get(), made);
    SSL_CTX_use_PrivateKey(context_.get(), key_.get());
    uint16_t port = 0;
    listener_ = ListenSocket(HttpAddress::Loopback(0), 8, &port).value();
    address_ = HttpAddress::Loopback(port);
    thread_ = StartThread("one-tls-reply", [this] { ServeOne(); });
  }
  ~OneTlsReply() { Join(); }

  std::string Pem() const {
    const Owned<BIO> bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(bio.get(), certificate_.get());
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &bytes);
    return {bytes, static_cast<size_t>(size)};
  }
  uint16_t port() const { return address_.port; }
  // What the client sent, once it was served.
  const std::string& Request() {
    Join();
    return request_;
  }

 private:
  void Join() {
    if (!thread_.joinable()) return;
    // For one that nobody connected to.
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  void ServeOne() {
    pollfd wait{listener_.get(), POLLIN, 0};
    (void)poll(&wait, 1, -1);
    const UniqueFd fd(accept(listener_.get(), nullptr, nullptr));
    if (!fd.ok()) return;
    const Owned<SSL> ssl(SSL_new(context_.get()));
    SSL_set_fd(ssl.get(), fd.get());
    if (SSL_accept(ssl.get()) != 1) return;
    char buffer[4096];
    while (request_.find("\r\n\r\nhello") == std::string::npos) {
      const int count = SSL_read(ssl.get(), buffer, sizeof buffer);
      if (count <= 0) return;
      request_.append(buffer, static_cast<size_t>(count));
    }
    SSL_write(ssl.get(), reply_.data(), static_cast<int>(reply_.size()));
    SSL_shutdown(ssl.get());
  }

  const std::string reply_;
  Owned<EVP_PKEY> key_;
  Owned<X509> certificate_;
  Owned<SSL_CTX> context_;
  UniqueFd listener_;
  HttpAddress address_;
  std::string request_;
  std::thread thread_;
};

constexpr std::string_view kReply = "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok";

class WebClientTest : public testing::Test {
 protected:
  Result<HttpReply> Post(const std::string& url, const std::string& ca_file,
                         MonoTime deadline = Soon()) const {
    HttpCall call;
    call.method = "POST";
    call.body = "hello";
    const auto client = WebClient::Make(ca_file, &kClock);
    if (!client) return tl::unexpected<Error>(client.error());
    return client->Send(WebUrl::Parse(url).value(), call, deadline);
  }
  std::string WriteCa(const std::string& pem) const {
    EXPECT_TRUE(WriteFileAtomic(folder_ / "ca.pem", pem));
    return folder_ / "ca.pem";
  }

  TempFolder folder_;
};

TEST(WebUrlTest, ReadsWhatIsWritten) {
  struct Case {
    const char* text;
    WebUrl url;
    const char* origin;
  };
  const Case cases[] = {
      {"https://hooks.example.com/T0/B0?x=1",
       {true, "hooks.example.com", 443, "/T0/B0?x=1"},
       "https://hooks.example.com"},
      {"http://127.0.0.1:8080", {false, "127.0.0.1", 8080, "/"}, "http://127.0.0.1:8080"},
      {"https://[::1]:9/a", {true, "::1", 9, "/a"}, "https://[::1]:9"},
      {"http://h?q", {false, "h", 80, "/?q"}, "http://h"},
  };
  for (const Case& each : cases) {
    const auto url = WebUrl::Parse(each.text);
    ASSERT_TRUE(url) << each.text << ": " << url.error().message;
    EXPECT_EQ(*url, each.url) << each.text;
    EXPECT_EQ(url->Origin(), each.origin);
  }
}

TEST(WebUrlTest, RefusesTheRestWithoutQuotingIt) {
  for (const char* text :
       {"", "secret", "ftp://secret/", "https://", "https://secret:0/", "https://secret:70000/",
        "https://user:secret@h/", "https://h/secret#part", "https://h/se cret",
        "https://h/\nsecret", "https://[secret]/", "https://[::1/secret", "https://h:8secret/",
        "https://h\"secret/"}) {
    const auto url = WebUrl::Parse(text);
    ASSERT_FALSE(url) << text;
    EXPECT_THAT(url.error().message, Not(HasSubstr("secret"))) << text;
  }
}

TEST(WebUrlTest, KnowsThisMachineByItsTextAlone) {
  EXPECT_TRUE(WebUrl::Parse("http://127.0.0.9/")->IsLoopback());
  EXPECT_TRUE(WebUrl::Parse("http://localhost/")->IsLoopback());
  EXPECT_TRUE(WebUrl::Parse("http://[::1]/")->IsLoopback());
  EXPECT_FALSE(WebUrl::Parse("http://127.example.com/")->IsLoopback());
  EXPECT_FALSE(WebUrl::Parse("http://10.0.0.1/")->IsLoopback());
}

TEST_F(WebClientTest, AsksAPlainServerByName) {
  HttpServer server({{"POST", "/x",
                      [](const HttpRequest& request) {
                        return HttpResponse::Text(
                            201, std::string(request.header("host")) + " " + request.body);
                      }}},
                    &kClock);
  ASSERT_TRUE(server.Start(HttpAddress::Loopback(0)));
  const std::string port = std::to_string(server.address().port);
  const auto reply = Post("http://localhost:" + port + "/x", "");
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 201);
  EXPECT_EQ(reply->body, "localhost:" + port + " hello");
}

TEST_F(WebClientTest, BelievesACertificateOfItsAuthorityForTheHost) {
  struct Case {
    const char* sentence;
    const char* san;
    const char* host;
  };
  for (const Case& each : {Case{"a name", "DNS:localhost", "localhost"},
                           Case{"an address", "IP:127.0.0.1", "127.0.0.1"}}) {
    OneTlsReply server(each.san, std::string(kReply));
    const auto reply =
        Post(std::string("https://") + each.host + ":" + std::to_string(server.port()) + "/hook",
             WriteCa(server.Pem()));
    ASSERT_TRUE(reply) << each.sentence << ": " << reply.error().message;
    EXPECT_EQ(reply->status, 202) << each.sentence;
    EXPECT_EQ(reply->body, "ok") << each.sentence;
    EXPECT_THAT(server.Request(), HasSubstr("POST /hook HTTP/1.1")) << each.sentence;
  }
}

TEST_F(WebClientTest, SendsNothingWhereTheCertificateDoesNotHold) {
  struct Case {
    const char* sentence;
    const char* san;
    bool known;
    const char* why;
  };
  for (const Case& each :
       {Case{"of another name", "DNS:other.example", true, "mismatch"},
        Case{"of another address", "IP:127.0.0.2", true, "mismatch"},
        Case{"of an unknown authority", "IP:127.0.0.1", false, "self-signed certificate"}}) {
    OneTlsReply server(each.san, std::string(kReply));
    const auto reply = Post("https://127.0.0.1:" + std::to_string(server.port()) + "/secret",
                            each.known ? WriteCa(server.Pem()) : "");
    ASSERT_FALSE(reply) << each.sentence;
    EXPECT_EQ(reply.error().code, Code::kPermissionDenied) << each.sentence;
    EXPECT_THAT(reply.error().message, HasSubstr(each.why)) << each.sentence;
    EXPECT_THAT(reply.error().message, Not(HasSubstr("secret"))) << each.sentence;
    EXPECT_EQ(server.Request(), "") << each.sentence;
  }
}

TEST_F(WebClientTest, GivesUpOnAHandshakeThatNeverComes) {
  uint16_t port = 0;
  const UniqueFd silent = ListenSocket(HttpAddress::Loopback(0), 8, &port).value();
  const auto reply = Post("https://127.0.0.1:" + std::to_string(port) + "/secret", "",
                          kClock.Mono() + Millis(200));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kDeadlineExceeded);
  EXPECT_THAT(reply.error().message, Not(HasSubstr("secret")));
}

TEST_F(WebClientTest, SaysWhatASpeakerOfPlainHttpIs) {
  HttpServer server({}, &kClock);
  ASSERT_TRUE(server.Start(HttpAddress::Loopback(0)));
  const auto reply =
      Post("https://127.0.0.1:" + std::to_string(server.address().port) + "/secret", "");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kIo) << reply.error().message;
  EXPECT_THAT(reply.error().message, HasSubstr("no TLS handshake"));
}

TEST_F(WebClientTest, RefusesACaFileThatIsNone) {
  EXPECT_EQ(WebClient::Make(folder_ / "none", &kClock).error().code, Code::kInvalidArgument);
  EXPECT_EQ(WebClient::Make(WriteCa("nonsense"), &kClock).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace fleetmedic
