#include "base/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/poll.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslPtr = std::unique_ptr<SSL, FreeSsl>;
using SslContextPtr = std::unique_ptr<SSL_CTX, FreeSsl>;

// What OpenSSL says went wrong last; its queue is empty afterwards.
std::string LastError() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "no reason given" : reason;
}

int DescriptorOf(BIO* bio) {
  return static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
}

// OpenSSL's own socket BIO writes with write(2), and a peer that is gone would end the process by
// SIGPIPE.
int BioWrite(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t count =
      send(DescriptorOf(bio), bytes, static_cast<size_t>(std::max(size, 0)), MSG_NOSIGNAL);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(count);
}

int BioRead(BIO* bio, char* buffer, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t count = recv(DescriptorOf(bio), buffer, static_cast<size_t>(std::max(size, 0)), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(count);
}

long BioControl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO* NewBio(int fd) {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    FLEETMEDIC_CHECK(made != nullptr && BIO_meth_set_write(made, BioWrite) == 1 &&
                     BIO_meth_set_read(made, BioRead) == 1 &&
                     BIO_meth_set_ctrl(made, BioControl) == 1);
    return made;
  }();
  BIO* const bio = BIO_new(method);
  FLEETMEDIC_CHECK(bio != nullptr);
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(fd)));
  BIO_set_init(bio, 1);
  return bio;
}

// What a call of OpenSSL that answered `result` wants before it is repeated.
HttpStep StepOf(SSL* ssl, int result) {
  switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
      return {-1, POLLIN};
    case SSL_ERROR_WANT_WRITE:
      return {-1, POLLOUT};
    case SSL_ERROR_ZERO_RETURN:
      return {0, 0};
    default:
      return {-1, 0};
  }
}

int SizeOf(size_t bytes) {
  return static_cast<int>(std::min<size_t>(bytes, std::numeric_limits<int>::max()));
}

class TlsCipher final : public HttpCipher {
 public:
  explicit TlsCipher(SslPtr ssl) : ssl_(std::move(ssl)) {}

  HttpStep Read(char* buffer, size_t bytes) override {
    ERR_clear_error();
    const int count = SSL_read(ssl_.get(), buffer, SizeOf(bytes));
    return count > 0 ? HttpStep{count, 0} : StepOf(ssl_.get(), count);
  }
  HttpStep Write(const char* bytes, size_t size) override {
    ERR_clear_error();
    const int count = SSL_write(ssl_.get(), bytes, SizeOf(size));
    return count > 0 ? HttpStep{count, 0} : StepOf(ssl_.get(), count);
  }

 private:
  const SslPtr ssl_;
};

// Who must be at the other end.
bool ExpectHost(SSL* ssl, const std::string& host) {
  in6_addr unused{};
  const bool numeric = inet_pton(AF_INET, host.c_str(), &unused) == 1 ||
                       inet_pton(AF_INET6, host.c_str(), &unused) == 1;
  if (numeric) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

class OpenSslTrust final : public TlsTrust {
 public:
  explicit OpenSslTrust(SslContextPtr context) : context_(std::move(context)) {}

  Result<std::unique_ptr<HttpCipher>> ShakeHands(int fd, const std::string& host,
                                                 const Clock& clock, MonoTime deadline,
                                                 int cancel_fd) const override {
    SslPtr ssl(SSL_new(context_.get()));
    FLEETMEDIC_CHECK(ssl != nullptr);
    BIO* const bio = NewBio(fd);
    SSL_set_bio(ssl.get(), bio, bio);
    if (!ExpectHost(ssl.get(), host)) {
      return Fail(Code::kInvalidArgument, Quote(host) + " is no name that a certificate can have");
    }
    while (true) {
      ERR_clear_error();
      const int result = SSL_connect(ssl.get());
      if (result == 1) return std::make_unique<TlsCipher>(std::move(ssl));
      const HttpStep step = StepOf(ssl.get(), result);
      if (step.wants == 0) return Refused(ssl.get(), host);
      pollfd fds[] = {{fd, step.wants, 0}, {cancel_fd, POLLIN, 0}};
      if (PollUntil(fds, clock, deadline) == 0) {
        return Fail(Code::kDeadlineExceeded, "no TLS handshake in time with " + host);
      }
      if (fds[1].revents != 0) return Fail(Code::kUnavailable, "stopped");
    }
  }

 private:
  static tl::unexpected<Error> Refused(SSL* ssl, const std::string& host) {
    const long verdict = SSL_get_verify_result(ssl);
    if (verdict != X509_V_OK) {
      ERR_clear_error();
      return Fail(Code::kPermissionDenied, "the certificate of " + host + " does not hold: " +
                                               X509_verify_cert_error_string(verdict) +
                                               "; name the authority that signed it by ca_file");
    }
    return Fail(Code::kIo, "no TLS handshake with " + host + ": " + LastError());
  }

  const SslContextPtr context_;
};

}  // namespace

Result<std::shared_ptr<const TlsTrust>> TlsTrust::Make(const std::string& ca_file) {
  SslContextPtr context(SSL_CTX_new(TLS_client_method()));
  FLEETMEDIC_CHECK(context != nullptr);
  FLEETMEDIC_CHECK(SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  // What is retried may lie elsewhere by then, and a part that was taken is an answer.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE);
  ERR_clear_error();
  const int loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get())
                                     : SSL_CTX_load_verify_file(context.get(), ca_file.c_str());
  if (loaded != 1) {
    return Fail(Code::kInvalidArgument, "the certificates of " + Quote(ca_file, 256) +
                                            " cannot be used: " + LastError() +
                                            "; a PEM file is expected");
  }
  return std::make_shared<OpenSslTrust>(std::move(context));
}

}  // namespace fleetmedic
