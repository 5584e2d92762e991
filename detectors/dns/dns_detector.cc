#include "detectors/dns/dns_detector.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "base/poll.h"
#include "base/random.h"
#include "base/unique_fd.h"
#include "detectors/condition_types.h"
#include "detectors/dns/dns_message.h"

namespace fleetmedic {
namespace {

using Answer = DnsServerSample::Answer;

constexpr size_t kFileBytesMax = 64 * 1024;
constexpr size_t kDatagramBytesMax = 4096;
// A datagram may get lost; the second question goes out when half the time is over.
constexpr int kAttempts = 2;

// One server that is asked, on a socket that takes datagrams of it alone.
class Question {
 public:
  Question(std::string server, std::string query) : query_(std::move(query)) {
    sample_.server = std::move(server);
  }

  void Open(uint16_t port) {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* found = nullptr;
    const int error =
        ::getaddrinfo(sample_.server.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (error != 0) return Settle(Answer::kNotAsked, ::gai_strerror(error));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
    socket_ = UniqueFd(::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_.ok() || ::connect(socket_.get(), found->ai_addr, found->ai_addrlen) != 0) {
      SettleByErrno(errno);
    }
  }
  void Send(MonoTime now) {
    if (settled_) return;
    if (sent_at_ == MonoTime{}) sent_at_ = now;
    if (::send(socket_.get(), query_.data(), query_.size(), 0) < 0) SettleByErrno(errno);
  }
  // Takes what has come. What is not the answer is dropped.
  void Receive(MonoTime now) {
    std::array<char, kDatagramBytesMax> buffer;
    while (!settled_) {
      const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (got < 0) return SettleByErrno(errno);
      const Result<DnsReply> reply =
          DnsReplyFrom({buffer.data(), static_cast<size_t>(got)}, query_);
      if (!reply) continue;
      sample_.took = now - sent_at_;
      const int code = reply->response_code;
      Settle(code == 0 || code == 3 ? Answer::kResolves
             : code == 2            ? Answer::kFails
                                    : Answer::kRefuses,
             DnsCodeName(code));
    }
  }

  bool settled() const { return settled_; }
  int fd() const { return socket_.get(); }
  const DnsServerSample& sample() const { return sample_; }

 private:
  void Settle(Answer answer, std::string message) {
    settled_ = true;
    sample_.answer = answer;
    sample_.message = std::move(message);
  }
  void SettleByErrno(int error) {
    Settle(error == ECONNREFUSED ? Answer::kNobody : Answer::kNotAsked,
           FailErrno("socket", error).value().message);
  }

  const std::string query_;
  DnsServerSample sample_;
  UniqueFd socket_;
  MonoTime sent_at_{};
  bool settled_ = false;
};

// Reads answers until all questions are settled, or until the time.
void Wait(const Clock& clock, MonoTime until, std::vector<Question>* questions) {
  while (true) {
    std::vector<pollfd> fds;
    for (const Question& question : *questions) {
      if (!question.settled()) fds.push_back({question.fd(), POLLIN, 0});
    }
    if (fds.empty() || PollUntil(fds, clock, until) == 0) return;
    for (Question& question : *questions) question.Receive(clock.Mono());
    // A server that floods us with what is no answer keeps us no longer.
    if (clock.Mono() >= until) return;
  }
}

}  // namespace

DnsDetector::DnsDetector(const Clock* clock, const HostConfig& host, const DnsConfig& config,
                         uint16_t port)
    : clock_(clock), root_(host.root), config_(config), port_(port) {}

std::vector<std::string> DnsDetector::types() const { return ConditionTypesOf("dns"); }

Result<std::vector<Condition>> DnsDetector::Probe(MonoTime deadline) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string text, root_.ReadFile(kResolvConf, kFileBytesMax));
  seen_ = true;
  DnsSample sample;
  sample.name = config_.name;
  const MonoTime start = clock_->Mono();
  const Micros left = std::max<Micros>(deadline - start, Micros(0));
  const Micros wait = std::min<Micros>(config_.timeout, left);
  sample.deadline = std::chrono::duration_cast<Millis>(wait);
  std::vector<Question> questions;
  for (const std::string& server : DnsServersFrom(text)) {
    const auto id = static_cast<uint16_t>(EntropySeed());
    FLEETMEDIC_ASSIGN_OR_RETURN(
        std::string query,
        DnsQuery(id, config_.name, config_.name == "." ? kDnsTypeNs : kDnsTypeA));
    questions.emplace_back(server, std::move(query));
    questions.back().Open(port_);
  }
  for (int attempt = 1; attempt <= kAttempts; ++attempt) {
    for (Question& question : questions) question.Send(clock_->Mono());
    Wait(*clock_, start + wait * attempt / kAttempts, &questions);
  }
  for (const Question& question : questions) sample.servers.push_back(question.sample());
  return EvaluateDns(sample);
}

}  // namespace fleetmedic
