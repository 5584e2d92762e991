#include "remediation/evidence_keeper.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/file.h"
#include "base/logging.h"
#include "base/text.h"
#include "model/evidence_bundle.h"

namespace fleetmedic {
namespace {

constexpr size_t kRecordsPerPoll = 16;
constexpr size_t kHostsMax = 65'536;
constexpr size_t kFilesPerHostMax = 4096;
constexpr size_t kFolderCharsMax = 255;  // NAME_MAX of Linux
constexpr size_t kFileBytesMax = size_t{2} << 20;
constexpr Millis kLookEvery = Seconds(5);
constexpr std::string_view kSuffix = ".json";

// "0001767225600000-e3-suspect.json" to "e3-suspect"; empty for a name that is not ours.
std::string IdOf(std::string_view name) {
  const size_t dash = name.find('-');
  if (dash == std::string_view::npos || !name.ends_with(kSuffix)) return "";
  name.remove_suffix(kSuffix.size());
  const std::string_view id = name.substr(dash + 1);
  return ValidEvidenceId(id) ? std::string(id) : "";
}

// A folder's name for a host: an identifier may hold '/' and begin with a dot.
std::string FolderOf(const HostId& host) {
  std::string name;
  for (const char c : host.str()) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || (c == '.' && !name.empty());
    name += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return name;
}

Result<EvidenceBundle> BundleOf(std::string_view text) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(text));
  return EvidenceBundleFromJson(json);
}

}  // namespace

EvidenceKeeper::EvidenceKeeper(const Clock* clock, EventLog* log, Metrics* metrics, Options options)
    : clock_(clock), log_(log), options_(std::move(options)) {
  kept_count_ = metrics->Counter("fleetmedic_evidence_kept_total", "Bundles that were kept.");
  refused_ = metrics->Counter("fleetmedic_evidence_refused_total", "Bundles that cannot be read.");
  bytes_gauge_ = metrics->Gauge("fleetmedic_evidence_bytes", "Of all bundles that are kept.");
}

EvidenceKeeper::~EvidenceKeeper() = default;

std::string EvidenceKeeper::PathOf(const HostId& host, const std::string& name) const {
  return fmt::format("{}/{}/{}", options_.folder, FolderOf(host), name);
}

Status EvidenceKeeper::Load() {
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(options_.folder, 0700));
  const FsRoot folder(options_.folder);
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<std::string> hosts, folder.List("/", kHostsMax));
  // Put in place at the end: reading all of it takes long, and others ask meanwhile.
  std::map<HostId, std::deque<Kept>> kept;
  int64_t bytes = 0;
  for (const std::string& host : hosts) {
    const Result<std::vector<std::string>> names = folder.List("/" + host, kFilesPerHostMax);
    if (!names) continue;
    for (const std::string& name : *names) {
      const std::string id = IdOf(name);
      const Result<std::string> text = folder.ReadFile("/" + host + "/" + name, kFileBytesMax);
      if (id.empty() || !text) continue;
      const Result<EvidenceBundle> bundle = BundleOf(*text);
      if (!bundle || bundle->id != id || FolderOf(bundle->host) != host) continue;
      kept[bundle->host].push_back({name, id, static_cast<int64_t>(text->size())});
      bytes += static_cast<int64_t>(text->size());
    }
  }
  absl::MutexLock lock(&mutex_);
  kept_ = std::move(kept);
  bytes_ = bytes;
  return {};
}

void EvidenceKeeper::Turn(MonoTime now) {
  next_wake_ = now + kLookEvery;
  if (!loaded_) {
    if (const Status loaded = Load(); !loaded) {
      LogWarning("cannot read the kept evidence", {{"error", loaded.error().message}});
      return;
    }
    loaded_ = true;
  }
  if (const Status taken = TakeAll(); !taken) {
    reader_.reset();  // what was not committed comes again
    LogWarning("cannot keep evidence", {{"error", taken.error().message}});
  }
}

Status EvidenceKeeper::TakeAll() {
  if (reader_ == nullptr) {
    FLEETMEDIC_ASSIGN_OR_RETURN(reader_, log_->Open(Topic::kEvidence, options_.group));
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<LogRecord> records, reader_->Poll(kRecordsPerPoll));
  if (records.empty()) return {};
  for (const LogRecord& record : records) FLEETMEDIC_RETURN_IF_ERROR(Keep(record));
  Prune();
  next_wake_ = MonoTime{};
  return reader_->Commit();
}

Status EvidenceKeeper::Keep(const LogRecord& record) {
  const Result<EvidenceBundle> bundle = BundleOf(record.record.value);
  if (!bundle || bundle->host.str() != record.record.key ||
      FolderOf(bundle->host).size() > kFolderCharsMax) {
    // Passed over and counted: it decides nothing, and must not hold up those behind it.
    refused_.Add();
    const std::string error =
        bundle ? "the host is not that of its key, or its name is too long for a folder"
               : bundle.error().message;
    LogWarning("evidence that cannot be read",
               {{"key", Quote(record.record.key, 80)}, {"error", error}});
    return {};
  }
  if (Has(bundle->host, bundle->id)) return {};
  Kept kept;
  kept.id = bundle->id;
  kept.name = fmt::format("{:016}-{}{}", MillisOf(clock_->Wall()), bundle->id, kSuffix);
  const std::string text = ToJson(*bundle).DumpPretty();
  kept.bytes = static_cast<int64_t>(text.size());
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(options_.folder + "/" + FolderOf(bundle->host), 0700));
  FLEETMEDIC_RETURN_IF_ERROR(WriteFileAtomic(PathOf(bundle->host, kept.name), text, 0600));
  kept_count_.Add();
  absl::MutexLock lock(&mutex_);
  bytes_ += kept.bytes;
  kept_[bundle->host].push_back(std::move(kept));
  return {};
}

void EvidenceKeeper::Drop(const HostId& host) {
  // With the last of a host its folder goes: hosts come and go, and Load lists so many and no more.
  std::string path = options_.folder + "/" + FolderOf(host);
  {
    absl::MutexLock lock(&mutex_);
    std::deque<Kept>& bundles = kept_[host];
    if (bundles.size() > 1) path = PathOf(host, bundles.front().name);
    bytes_ -= bundles.front().bytes;
    bundles.pop_front();
    if (bundles.empty()) kept_.erase(host);
  }
  if (const Status removed = RemoveTree(path); !removed) {
    LogWarning("cannot remove old evidence", {{"error", removed.error().message}});
  }
}

void EvidenceKeeper::Prune() {
  while (true) {
    const HostId* oldest = nullptr;
    HostId host;
    {
      absl::MutexLock lock(&mutex_);
      bytes_gauge_.Set(static_cast<double>(bytes_));
      const std::string* oldest_name = nullptr;
      for (const auto& [each, bundles] : kept_) {
        const bool many = bundles.size() > options_.bundles_per_host_max;
        const bool older = oldest_name == nullptr || bundles.front().name < *oldest_name;
        if (!many && (bytes_ <= options_.bytes_max || !older)) continue;
        oldest = &each;
        oldest_name = &bundles.front().name;
        if (many) break;
      }
      if (oldest == nullptr) return;
      host = *oldest;
    }
    Drop(host);
  }
}

std::vector<Json> EvidenceKeeper::List(const HostId& host) const {
  std::vector<std::string> names;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = kept_.find(host);
    if (found == kept_.end()) return {};
    for (const Kept& kept : found->second) names.push_back(kept.name);
  }
  std::vector<Json> list;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    const Result<std::string> text = ReadFile(PathOf(host, *name), kFileBytesMax);
    if (!text) continue;  // pruned meanwhile
    if (const Result<EvidenceBundle> bundle = BundleOf(*text); bundle)
      list.push_back(SummaryJson(*bundle));
  }
  return list;
}

Result<std::string> EvidenceKeeper::Read(const HostId& host, std::string_view id) const {
  std::string name;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = kept_.find(host);
    if (found != kept_.end()) {
      for (const Kept& kept : found->second) {
        if (kept.id == id) name = kept.name;
      }
    }
  }
  if (name.empty()) {
    return Fail(Code::kNotFound,
                fmt::format("no evidence {} of {} is kept", Quote(id, 80), Quote(host.str(), 80)));
  }
  return ReadFile(PathOf(host, name), kFileBytesMax);
}

bool EvidenceKeeper::Has(const HostId& host, std::string_view id) const {
  absl::MutexLock lock(&mutex_);
  const auto found = kept_.find(host);
  return found != kept_.end() &&
         std::ranges::any_of(found->second, [&](const Kept& kept) { return kept.id == id; });
}

}  // namespace fleetmedic
