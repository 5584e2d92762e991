#include "stream/candidate_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/sha256.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kMagic = "fleetmedic-rules-1 ";
constexpr std::string_view kSuffix = ".hs";
constexpr size_t kDigestBytes = 64;
constexpr size_t kHeadBytes = kMagic.size() + 2 * kDigestBytes + 2;
constexpr size_t kEntriesMax = 10'000;

std::string KeyOf(std::span<const CandidateExpression> expressions) {
  std::string all = CandidateDatabase::EngineName();
  for (const CandidateExpression& expression : expressions) {
    // With its length before it: two lists never make the same text.
    all += std::to_string(expression.pattern.size());
    all.push_back(expression.literal ? 'l' : 'e');
    all.push_back(expression.ignore_case ? 'i' : '-');
    all += expression.pattern;
  }
  return Sha256Hex(all);
}

// "fleetmedic-rules-1 KEY DIGEST\n", then what the digest is of.
std::string HeadOf(const std::string& key, std::string_view bytes) {
  return std::string(kMagic) + key + " " + Sha256Hex(bytes) + "\n";
}

// A plain file of ours that nobody else may write.
bool IsOurs(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  return info.st_uid == ::geteuid() && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace

std::string CandidateCache::PathOf(std::span<const CandidateExpression> expressions) const {
  return folder_ + "/" + KeyOf(expressions) + std::string(kSuffix);
}

std::shared_ptr<const CandidateDatabase> CandidateCache::Get(
    std::span<const CandidateExpression> expressions) const {
  const std::string path = PathOf(expressions);
  if (!IsOurs(path)) return nullptr;
  const Result<std::string> file = ReadFile(path, kFileBytesMax);
  if (!file || file->size() < kHeadBytes) return nullptr;
  const std::string_view bytes = std::string_view(*file).substr(kHeadBytes);
  if (!file->starts_with(HeadOf(KeyOf(expressions), bytes))) return nullptr;
  Result<std::shared_ptr<const CandidateDatabase>> database =
      CandidateDatabase::FromSerialized(bytes);
  if (!database) return nullptr;
  // It was of use now. A disk that does not take the time only makes it go earlier.
  (void)::utimensat(AT_FDCWD, path.c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
  return *std::move(database);
}

Status CandidateCache::Put(std::span<const CandidateExpression> expressions,
                           const CandidateDatabase& database) const {
  if (expressions.empty()) return {};
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string bytes, database.Serialized());
  if (kHeadBytes + bytes.size() > kFileBytesMax) {
    return Fail(Code::kFull, "the compiled rules are too large to be kept");
  }
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(folder_, 0700));
  RemoveOldest();
  return WriteFileAtomic(PathOf(expressions), HeadOf(KeyOf(expressions), bytes) + bytes, 0600);
}

void CandidateCache::RemoveOldest() const {
  const Result<std::vector<std::string>> names = FsRoot(folder_).List("/", kEntriesMax);
  if (!names) return;
  std::vector<std::pair<std::filesystem::file_time_type, std::string>> files;
  for (const std::string& name : *names) {
    if (!name.ends_with(kSuffix)) continue;
    const std::string path = folder_ + "/" + name;
    std::error_code error;
    const auto used_at = std::filesystem::last_write_time(path, error);
    if (!error) files.emplace_back(used_at, path);
  }
  std::ranges::sort(files);
  for (size_t i = 0; files.size() - i >= kFilesMax; ++i) ::unlink(files[i].second.c_str());
}

}  // namespace fleetmedic
