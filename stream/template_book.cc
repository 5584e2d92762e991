#include "stream/template_book.h"

#include <algorithm>

#include "base/logging.h"
#include "stream/mined_template.h"

namespace fleetmedic {
namespace {

// Past it all are told anew: a value is then told twice, once in a long while.
constexpr size_t kToldMax = 60'000;

const PatternVariable* FindVariable(const std::vector<PatternVariable>& variables,
                                    std::string_view name) {
  const auto at = std::ranges::find(variables, name, &PatternVariable::name);
  return at == variables.end() ? nullptr : &*at;
}

uint64_t Since(uint64_t now, uint64_t before) { return now > before ? now - before : 0; }

// What came to `now` since `before`.
PatternVariable Grown(const PatternVariable& now, const PatternVariable* before) {
  PatternVariable grown;
  grown.name = now.name;
  for (const auto& [value, lines] : now.values) {
    uint64_t told = 0;
    if (before != nullptr) {
      const auto known = before->values.find(value);
      if (known != before->values.end()) told = known->second;
    }
    if (const uint64_t since = Since(lines, told); since > 0) grown.values[value] = since;
  }
  grown.other_lines = Since(now.other_lines, before == nullptr ? 0 : before->other_lines);
  return grown;
}

}  // namespace

TemplateBook::TemplateBook(Parts parts)
    : store_(std::move(parts.store)),
      owner_(std::move(parts.owner)),
      lease_ttl_(parts.lease_ttl),
      miner_(parts.limits) {
  Metrics& metrics = *parts.metrics;
  templates_ = metrics.Gauge("fleetmedic_templates", "Templates of lines that no rule matches.");
  bytes_ = metrics.Gauge("fleetmedic_template_bytes", "Of them, their values and examples.");
  lines_ = metrics.Counter("fleetmedic_template_lines_total", "Lines that were mined.");
  born_ = metrics.Counter("fleetmedic_templates_born_total", "Templates that were new.");
  evicted_ = metrics.Counter("fleetmedic_templates_evicted_total",
                             "Templates that were forgotten for a limit.");
}

TemplateBook::~TemplateBook() {
  if (lease_) (void)store_->Release(*lease_);
}

bool TemplateBook::Lead(MonoTime now) {
  if (now < lease_due_) return lease_.has_value();
  lease_due_ = now + lease_ttl_ / 3;
  Result<Lease> lease =
      lease_ ? store_->Renew(*lease_, lease_ttl_) : store_->Acquire(owner_, lease_ttl_);
  if (lease) {
    lease_ = *std::move(lease);
    return true;
  }
  if (lease_ || lease.error().code != Code::kBusy) {
    LogWarning("templates are not kept for now", {{"error", lease.error().message}});
  }
  StepDown();
  return false;
}

void TemplateBook::StepDown() {
  lease_.reset();
  loaded_ = false;
  // What stands in the store now is another's: all of ours is to be kept anew.
  kept_change_ = 0;
  to_keep_.clear();
  kept_.clear();
}

void TemplateBook::Turn(MonoTime now) {
  Show();
  if (store_ == nullptr || !Lead(now)) return;
  if (!loaded_) {
    if (const Status loaded = Load(); !loaded) {
      LogWarning("cannot read the kept templates", {{"error", loaded.error().message}});
      return;
    }
    loaded_ = true;
    kept_due_ = now + kKeptEvery;
  }
  if (now >= kept_due_ && to_keep_.empty()) {
    kept_due_ = now + kKeptEvery;
    const uint64_t change = miner_.Change();
    for (MinedTemplate& mined : miner_.Export(kept_change_)) to_keep_.push_back(std::move(mined));
    kept_change_ = change;
  }
  if (to_keep_.empty()) return;
  if (const Status kept = Keep(); !kept) {
    LogWarning("cannot keep templates; trying again", {{"error", kept.error().message}});
    if (kept.error().code == Code::kFenced) StepDown();
  }
}

Status TemplateBook::Load() {
  // One that kept templates before has what it counted; of what another kept since then it learns
  // which there are, and nothing is counted twice.
  const auto counts = has_led_ ? TemplateMiner::Counts::kLearn : TemplateMiner::Counts::kTake;
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<Row> rows, ScanAll(*store_, Table::kTemplates));
  for (const Row& row : rows) {
    const Result<Json> json = Json::Parse(row.value);
    if (!json) continue;
    const Result<MinedTemplate> mined = MinedTemplateFromJson(*json);
    if (!mined || !miner_.Import(*mined, counts)) {
      LogWarning("a template is lost", {{"template", row.key}});
      continue;
    }
    kept_.insert(mined->id);
    // Its values were told by the predecessor.
    if (!has_led_) told_[mined->id] = VariablesOf(*mined);
  }
  has_led_ = true;
  return {};
}

Status TemplateBook::Keep() {
  const size_t count = std::min(to_keep_.size(), kKeptPerTurn);
  std::vector<uint64_t> gone;
  for (const uint64_t id : kept_) {
    if (gone.size() >= kKeptPerTurn) break;
    if (!miner_.Has(id)) gone.push_back(id);
  }
  const auto write = [&](StoreTransaction& transaction) -> Status {
    for (const uint64_t id : gone) {
      FLEETMEDIC_RETURN_IF_ERROR(transaction.Erase(Table::kTemplates, TemplateIdText(id)));
    }
    for (size_t i = 0; i < count; ++i) {
      FLEETMEDIC_RETURN_IF_ERROR(transaction.Put(Table::kTemplates, TemplateIdText(to_keep_[i].id),
                                                 ToJson(to_keep_[i]).Dump()));
    }
    return {};
  };
  FLEETMEDIC_RETURN_IF_ERROR(store_->Commit(lease_->epoch, write));
  for (const uint64_t id : gone) kept_.erase(id);
  for (size_t i = 0; i < count; ++i) kept_.insert(to_keep_[i].id);
  to_keep_.erase(to_keep_.begin(), to_keep_.begin() + static_cast<std::ptrdiff_t>(count));
  return {};
}

void TemplateBook::Begin(const LogFrame& frame, WallTime at) {
  origin_.source_class = miner_.Source(frame.source);
  origin_.source = frame.source;
  origin_.host = frame.host.str();
  origin_.at = at;
}

TemplateRef TemplateBook::Add(std::string_view line, uint64_t times) {
  origin_.times = times;
  return miner_.Add(line, origin_);
}

std::string TemplateBook::Text(uint64_t id) const {
  const std::optional<MinedTemplate> mined = miner_.Find(id);
  return mined ? TextOf(*mined) : "";
}

void TemplateBook::Describe(PatternCount* count) {
  const std::optional<uint64_t> id = ParseTemplateId(count->pattern);
  if (!id) return;
  const std::optional<MinedTemplate> mined = miner_.Find(*id);
  if (!mined) return;
  count->text = TextOf(*mined);
  if (mined->first_seen != kWallNever) {
    count->first_seen = std::min(count->first_seen, mined->first_seen);
  }
  if (told_.size() >= kToldMax) {
    told_.clear();
    told_aliases_.clear();
  }
  TellAliases(*mined, count);
  std::vector<PatternVariable> now = VariablesOf(*mined);
  std::vector<PatternVariable>& before = told_[*id];
  for (const PatternVariable& variable : now) {
    PatternVariable grown = Grown(variable, FindVariable(before, variable.name));
    if (!grown.values.empty() || grown.other_lines > 0) {
      count->variables.push_back(std::move(grown));
    }
  }
  before = std::move(now);
}

void TemplateBook::TellAliases(const MinedTemplate& mined, PatternCount* count) {
  if (mined.aliases.empty()) return;
  std::vector<uint64_t>& told = told_aliases_[mined.id];
  if (told == mined.aliases) return;
  for (const uint64_t alias : mined.aliases) count->aliases.push_back(TemplateIdText(alias));
  told = mined.aliases;
}

void TemplateBook::Show() {
  const TemplateMiner::Stats& stats = miner_.stats();
  templates_.Set(static_cast<double>(miner_.templates()));
  bytes_.Set(static_cast<double>(miner_.bytes()));
  lines_.Add(static_cast<double>(stats.lines - shown_.lines));
  born_.Add(static_cast<double>(stats.born - shown_.born));
  evicted_.Add(static_cast<double>(stats.evicted - shown_.evicted));
  shown_ = stats;
}

}  // namespace fleetmedic
