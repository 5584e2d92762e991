#include "notify/sender.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "notify/payload.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kPagerDutyUrl = "https://events.pagerduty.com/v2/enqueue";
constexpr size_t kSecretBytesMax = 4096;
constexpr size_t kReplyBytesMax = size_t{64} << 10;
constexpr std::string_view kHidden = "[hidden]";
constexpr size_t kHiddenBytesMin = 6;

Result<std::string> ReadSecretFile(const std::string& path, std::string_view key) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kSecretBytesMax));
  const std::string_view trimmed = Trim(text);
  if (trimmed.empty()) {
    return Fail(Code::kInvalidArgument, fmt::format("{} {} is empty", key, Quote(path, 256)));
  }
  return std::string(trimmed);
}

Payload PayloadOf(const NotifyChannel& channel, const NotifyMessage& message,
                  const std::string& console_url, const std::string& secret, WallTime now) {
  if (channel.kind == "slack") return SlackPayload(message, console_url);
  if (channel.kind == "pagerduty") return PagerDutyPayload(message, console_url, secret);
  return WebhookPayload(message, console_url, secret, now);
}

void Hide(std::string_view secret, std::string* text) {
  if (secret.size() < kHiddenBytesMin) return;
  for (size_t at = 0; (at = text->find(secret, at)) != std::string::npos; at += kHidden.size()) {
    text->replace(at, secret.size(), kHidden);
  }
}

// The start of an answer, for people. A receiver may say back what it was sent.
std::string AnswerText(std::string body, const ChannelSecrets& secrets) {
  Hide(secrets.secret, &body);
  // Each part of the URL on its own: it may come back encoded in another way.
  std::string target = secrets.url.target;
  std::ranges::replace_if(
      target, [](char c) { return std::string_view("?&=").find(c) != std::string_view::npos; },
      '/');
  for (const std::string_view part : Split(target, '/')) Hide(part, &body);
  const std::string_view text = Trim(body);
  return text.empty() ? "" : " " + Quote(text);
}

}  // namespace

Result<ChannelSecrets> ReadSecrets(const NotifyChannel& channel) {
  ChannelSecrets secrets;
  std::string url = channel.url;
  if (!channel.url_file.empty()) {
    FLEETMEDIC_ASSIGN_OR_RETURN(url, ReadSecretFile(channel.url_file, "url_file"));
  }
  if (url.empty()) url = kPagerDutyUrl;
  const Result<WebUrl> parsed = WebUrl::Parse(url);
  if (!parsed) {
    return Fail(
        Code::kInvalidArgument,
        channel.url_file.empty()
            ? parsed.error().message
            : fmt::format("url_file {}: {}", Quote(channel.url_file, 256), parsed.error().message));
  }
  secrets.url = *parsed;
  if (!channel.secret_file.empty()) {
    FLEETMEDIC_ASSIGN_OR_RETURN(secrets.secret, ReadSecretFile(channel.secret_file, "secret_file"));
  }
  return secrets;
}

TryOutcome NotifySender::Try(const NotifyChannel& channel, const NotifyMessage& message) const {
  const MonoTime deadline = clock_->Mono() + try_deadline_;
  const auto failed = [](const Error& error) {
    return TryOutcome{TryVerdict::kRetry, error.message, std::nullopt};
  };
  const Result<ChannelSecrets> secrets = ReadSecrets(channel);
  if (!secrets) return failed(secrets.error());
  const Result<WebClient> client = WebClient::Make(channel.ca_file, clock_, cancel_);
  if (!client) return failed(client.error());
  Payload payload = PayloadOf(channel, message, console_url_, secrets->secret, clock_->Wall());
  HttpCall call;
  call.method = "POST";
  for (auto& [name, value] : payload.headers) call.headers[name] = std::move(value);
  call.body = std::move(payload.body);
  call.reply_bytes_max = kReplyBytesMax;
  const Result<HttpReply> reply = client->Send(secrets->url, std::move(call), deadline);
  if (!reply) return failed(reply.error());
  TryOutcome outcome;
  outcome.verdict = JudgeStatus(reply->status);
  outcome.reason =
      fmt::format("HTTP status {}{}", reply->status, AnswerText(reply->body, *secrets));
  const auto header = reply->headers.find("retry-after");
  if (outcome.verdict == TryVerdict::kRetry && header != reply->headers.end()) {
    outcome.retry_after = RetryAfter(header->second, clock_->Wall());
  }
  return outcome;
}

NotifyMessage TestMessage(std::string id, WallTime now) {
  NotifyMessage message;
  message.key = "test:" + id;
  message.id = std::move(id);
  message.act = NotifyMessage::Act::kTest;
  message.title = "this channel of Fleetmedic works";
  message.why = "somebody ran `fleetmedic notify test`";
  message.path = ConsolePath("");
  message.first_at = now;
  message.last_at = now;
  return message;
}

std::string ConsoleUrl(const NotifyConfig& config, const std::string& api_address) {
  std::string url = config.console_url.empty() ? api_address : config.console_url;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace fleetmedic
