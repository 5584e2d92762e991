#include "app/cli/input.h"

#include <filesystem>
#include <fstream>
#include <istream>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
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

}  // namespace

Result<std::string> ReadInput(const Invocation& call, const std::string& path, size_t bytes_max) {
  if (path == "-") return ReadToEnd(call.env.in, "stdin", bytes_max);
  std::error_code no_answer;
  // ReadFile takes no pipe: it must never wait on one that a host's folder has. Here a person asks.
  if (!std::filesystem::is_fifo(path, no_answer)) return ReadFile(path, bytes_max);
  std::ifstream pipe(path, std::ios::binary);
  if (!pipe) return Fail(Code::kUnavailable, fmt::format("{}: cannot be opened", Quote(path)));
  return ReadToEnd(&pipe, Quote(path), bytes_max);
}

}  // namespace fleetmedic::cli
