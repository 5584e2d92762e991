#include "base/http.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kTokenSigns = "!#$%&'*+-.^_`|~";

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsTokenSign(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kTokenSigns.find(c) != std::string_view::npos;
}

}  // namespace

Result<HttpAddress> HttpAddress::Parse(std::string_view text) {
  const auto fail = [&] {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} is no address: write 127.0.0.1:PORT (an IPv4 address, no name), or "
                            "unix:/PATH",
                            Quote(text)));
  };
  std::string_view rest = text;
  if (rest.starts_with("unix:")) {
    rest.remove_prefix(5);
    if (!rest.starts_with('/')) return fail();
    return Unix(std::string(rest));
  }
  if (rest.starts_with("http://")) rest.remove_prefix(7);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const size_t colon = rest.find(':');
  if (colon == std::string_view::npos) return fail();
  HttpAddress address;
  address.host = std::string(rest.substr(0, colon));
  rest.remove_prefix(colon + 1);
  const auto [end, error] = std::from_chars(rest.begin(), rest.end(), address.port);
  in_addr unused{};
  if (error != std::errc() || end != rest.end()) return fail();
  if (inet_pton(AF_INET, address.host.c_str(), &unused) != 1) return fail();
  return address;
}

std::string HttpAddress::Text() const {
  if (!unix_path.empty()) return "unix:" + unix_path;
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("http://{}:{}", v6 ? "[" + host + "]" : host, port);
}

std::string_view HttpRequest::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : found->second;
}

const std::string& HttpRequest::param(std::string_view name) const {
  const auto found = params.find(name);
  FLEETMEDIC_CHECK(found != params.end());
  return found->second;
}

std::optional<std::string_view> HttpRequest::query(std::string_view name) const {
  const auto found = queries.find(name);
  if (found == queries.end()) return std::nullopt;
  return found->second;
}

HttpResponse HttpResponse::Text(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  return response;
}

HttpResponse HttpResponse::FromJson(int status, const Json& json) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = json.Dump();
  return response;
}

HttpResponse HttpResponse::Empty(int status) {
  HttpResponse response;
  response.status = status;
  return response;
}

HttpResponse HttpResponse::Problem(const Error& error) {
  return Problem(HttpStatusOf(error.code), CodeName(error.code), error.message);
}

HttpResponse HttpResponse::Problem(int status, std::string_view code, std::string_view detail) {
  Json json;
  json.Set("type", "about:blank");
  json.Set("title", code);
  json.Set("status", status);
  json.Set("code", code);
  json.Set("detail", detail);
  HttpResponse response = FromJson(status, json);
  response.content_type = "application/problem+json";
  return response;
}

HttpResponse HttpResponse::Stream(std::string content_type,
                                  std::function<void(HttpStream*)> produce) {
  HttpResponse response;
  response.content_type = std::move(content_type);
  response.headers["cache-control"] = "no-store";
  response.produce = std::move(produce);
  return response;
}

int HttpStatusOf(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return 400;
    case Code::kPermissionDenied:
      return 403;
    case Code::kNotFound:
      return 404;
    case Code::kAlreadyExists:
    case Code::kConflict:
    case Code::kFenced:
    case Code::kRefused:
      return 409;
    case Code::kCorrupt:
    case Code::kIo:
      return 500;
    case Code::kUnsupported:
      return 501;
    case Code::kBusy:
    case Code::kUnavailable:
      return 503;
    case Code::kDeadlineExceeded:
      return 504;
    case Code::kFull:
      return 507;
  }
  return 500;
}

std::optional<std::string> DecodePercent(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = HexDigit(text[i + 1]);
    const int low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

bool IsHeader(std::string_view name, std::string_view value) {
  return !name.empty() && std::all_of(name.begin(), name.end(), IsTokenSign) &&
         std::all_of(value.begin(), value.end(), [](char c) {
           return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
         });
}

}  // namespace fleetmedic
