#include "app/cli/input.h"

#include <poll.h>

#include <filesystem>
#include <fstream>
#include <istream>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/http_client.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

Result<std::string> ReadToEnd(std::istream* in, const std::string& name, size_t bytes_max) {
  constexpr size_t kPieceBytes = 64 << 10;
  std::string text;
  std::vector<char> piece(kPieceBytes);
  while (in->good()) {
    in->read(piece.data(), kPieceBytes);
    text.append(piece.data(), static_cast<size_t>(in->gcount()));
    if (text.size() > bytes_max) {
      return Fail(Code::kFull, fmt::format("{}: more than {} MiB", name, bytes_max >> 20));
    }
  }
  if (in->bad()) return Fail(Code::kUnavailable, fmt::format("{}: cannot be read", name));
  return text;
}

// What came before Ctrl-C is not the whole.
bool Cancelled(const HttpCancel* cancel) {
  if (cancel == nullptr) return false;
  pollfd fd{cancel->fd(), POLLIN, 0};
  return ::poll(&fd, 1, 0) == 1;
}

}  // namespace

Result<std::string> ReadInput(const Invocation& call, const std::string& path, size_t bytes_max) {
  if (path == "-") {
    Result<std::string> text = ReadToEnd(call.env.in, "stdin", bytes_max);
    if (Cancelled(call.env.cancel)) return Fail(Code::kUnavailable, "stdin: interrupted");
    return text;
  }
  std::error_code no_answer;
  // ReadFile takes no pipe: it must never wait on one that a host's folder has. Here a person asks.
  if (!std::filesystem::is_fifo(path, no_answer)) return ReadFile(path, bytes_max);
  std::ifstream pipe(path, std::ios::binary);
  if (!pipe) return Fail(Code::kUnavailable, fmt::format("{}: cannot be opened", Quote(path)));
  return ReadToEnd(&pipe, Quote(path), bytes_max);
}

}  // namespace fleetmedic::cli
