#include "stream/kernel_record.h"

#include <algorithm>
#include <span>

#include "base/cap_text.h"
#include "base/text.h"
#include "stream/finding_owner.h"

namespace fleetmedic {
namespace {

constexpr size_t kHeadBytesMax = 512;
constexpr size_t kFindingsMax = 16;

constexpr std::string_view kHeads[] = {"------------[ cut here ]",
                                       "BUG: ",
                                       "BUG ",
                                       "WARNING: ",
                                       "general protection fault",
                                       "Unable to handle kernel",
                                       "kernel BUG at ",
                                       "INFO: task ",
                                       "INFO: rcu",
                                       "rcu: INFO: ",
                                       "watchdog: BUG: ",
                                       "watchdog: Watchdog",
                                       "NMI watchdog: BUG",
                                       "NMI watchdog: Watchdog",
                                       "Internal error: ",
                                       "invalid opcode: ",
                                       "double fault: ",
                                       "divide error: ",
                                       "traps: PANIC",
                                       "PANIC: double fault",
                                       "UBSAN: ",
                                       "SError Interrupt",
                                       "usercopy: ",
                                       "list_add corruption",
                                       "list_del corruption"};
constexpr std::string_view kHeadsInside[] = {
    " invoked oom-killer: ", ": page allocation failure: ", ": page allocation stalls "};
constexpr std::string_view kMembers[] = {
    "Oops: ", "oom-kill:", "Task in ", "Out of memory", "Memory cgroup out of memory", "note: "};
constexpr std::string_view kBodies[] = {"CPU: ",
                                        "Hardware name:",
                                        "Workqueue: ",
                                        "RIP: ",
                                        "RSP: ",
                                        "RAX: ",
                                        "RDX: ",
                                        "RBP: ",
                                        "R10: ",
                                        "R13: ",
                                        "FS: ",
                                        "CS: ",
                                        "CR2: ",
                                        "PKRU: ",
                                        "DR0: ",
                                        "DR3: ",
                                        "Code: ",
                                        "Modules linked",
                                        "Call Trace:",
                                        "Call trace:",
                                        "---[ ",
                                        "#PF: ",
                                        "PGD ",
                                        "task:",
                                        "Tainted: ",
                                        "pstate: ",
                                        "pc : ",
                                        "lr : ",
                                        "sp : ",
                                        "Mem abort info:",
                                        "Data abort",
                                        "user pgtable",
                                        "swapper pgtable",
                                        "Sending NMI",
                                        "NMI backtrace for",
                                        "Stack: ",
                                        "Last Breaking",
                                        "\"echo 0 > ",
                                        "Kernel Offset",
                                        "Showing all locks",
                                        "rcu: \t"};
constexpr std::string_view kMemoryBodies[] = {"Mem-Info:",
                                              "active_anon:",
                                              "Node ",
                                              "lowmem_reserve",
                                              "Swap cache stats",
                                              "Free swap",
                                              "Total swap",
                                              "Tasks state",
                                              "[ ",
                                              "memory: usage",
                                              "swap: usage",
                                              "kmem: usage",
                                              "memory+swap:",
                                              "Memory cgroup stats",
                                              "Unreclaimable slab",
                                              "cache:",
                                              "nodemask="};

bool StartsWithAny(std::string_view line, std::span<const std::string_view> starts) {
  return std::ranges::any_of(starts,
                             [line](std::string_view start) { return line.starts_with(start); });
}

bool ContainsAny(std::string_view line, std::span<const std::string_view> parts) {
  return std::ranges::any_of(
      parts, [line](std::string_view part) { return line.find(part) != std::string_view::npos; });
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// " ? tcp_sendmsg+0x1c/0x2a0", and " <TASK>".
bool IsTraceLine(std::string_view line) {
  if (!line.starts_with(' ') && !line.starts_with('\t')) return false;
  const std::string_view text = Trim(line);
  return text.find("+0x") != std::string_view::npos || text.starts_with('<') ||
         text.starts_with("Not tainted") || text.starts_with("Tainted:");
}

// "anon 4096", "12345 total pagecache pages".
bool IsMemoryFigure(std::string_view line) {
  if (line.empty()) return false;
  if (IsDigit(line.front())) return line.find("pages") != std::string_view::npos;
  const size_t space = line.find(' ');
  return space != std::string_view::npos && space + 1 < line.size() &&
         std::ranges::all_of(line.substr(0, space),
                             [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; }) &&
         std::ranges::all_of(line.substr(space + 1), IsDigit);
}

// "? tcp_sendmsg+0x1c/0x2a0 [mod]" without what only a debugger needs.
std::string_view FunctionOf(std::string_view line) {
  std::string_view text = Trim(line);
  if (text.starts_with("? ")) return {};  // left on the stack, and maybe never called
  return text.substr(0, text.find("+0x"));
}

}  // namespace

KernelLine KindOfKernelLine(std::string_view line, bool memory) {
  if (IsTraceLine(line)) return KernelLine::kBody;
  if (line.starts_with("---[ end trace")) return KernelLine::kEnd;
  if (StartsWithAny(line, kMembers)) {
    const bool killed = line.find("Killed process") != std::string_view::npos ||
                        line.find("Kill process") != std::string_view::npos;
    return killed ? KernelLine::kEnd : KernelLine::kMember;
  }
  if (StartsWithAny(line, kHeads) || ContainsAny(line, kHeadsInside)) return KernelLine::kHead;
  if (StartsWithAny(line, kBodies)) return KernelLine::kBody;
  // "x29: ffff800012345678 x28: ..." of arm64.
  if (line.size() > 3 && line[0] == 'x' && IsDigit(line[1]) && line.find(": ") < 5) {
    return KernelLine::kBody;
  }
  if (memory && (StartsWithAny(line, kMemoryBodies) || IsMemoryFigure(line))) {
    return KernelLine::kBody;
  }
  return KernelLine::kOther;
}

void KernelRecord::Begin() {
  End();
  open_ = true;
}

void KernelRecord::End() {
  for (std::vector<Finding>* list : {&told_, &pending_}) {
    if (list == &told_ && !grew_) continue;
    for (Finding& finding : *list) {
      Dress(&finding);
      if (ended_.size() < kFindingsMax) ended_.push_back(std::move(finding));
    }
  }
  told_.clear();
  pending_.clear();
  open_ = complete_ = memory_ = traced_ = grew_ = last_was_head_ = false;
  lines_ = bytes_ = 0;
  heads_.clear();
  trace_.clear();
  oom_.reset();
  counted_.clear();
}

bool KernelRecord::Take(std::string_view line, WallTime at) {
  joined_ = false;
  const bool full = lines_ >= kLinesMax || bytes_ >= kBytesMax;
  if (open_ && (complete_ || full || at - last_at_ > kGapMax)) End();
  const KernelLine kind = KindOfKernelLine(line, memory_);
  const bool head = kind == KernelLine::kHead;
  // A member without a head is one itself: the lines before it were lost, or never printed.
  const bool begins = head ? !open_ || traced_ : !open_ && kind == KernelLine::kMember;
  if (begins) Begin();
  if (!open_ || kind == KernelLine::kOther) return true;
  joined_ = true;
  last_was_head_ = head;
  last_at_ = at;
  complete_ = kind == KernelLine::kEnd;
  Join(line, kind);
  return kind != KernelLine::kBody;
}

void KernelRecord::Join(std::string_view line, KernelLine kind) {
  ++lines_;
  bytes_ += line.size();
  grew_ = true;
  memory_ = memory_ || ContainsAny(line, kHeadsInside);
  if (std::optional<OomReport> oom = ParseOomLine(line)) oom_ = std::move(oom);
  const bool rip = line.starts_with("RIP: ") || line.starts_with("pc : ");
  if (kind != KernelLine::kBody || (rip && !traced_)) {
    const bool telling = !line.starts_with("---");
    if (telling && heads_.size() < kHeadsMax) {
      heads_.push_back(VisibleText(line.substr(0, kHeadBytesMax)));
      // Made visible, a control character is three bytes and more.
      CapText(&heads_.back(), Condition::kEvidenceLineBytesMax);
    }
    return;
  }
  if (!IsTraceLine(line)) return;
  traced_ = true;
  const std::string_view function = FunctionOf(line);
  if (function.empty() || function.starts_with('<') || function.find(' ') != function.npos) return;
  if (trace_.size() + function.size() + 3 > kTraceBytesMax) return;
  if (!trace_.empty()) trace_ += " < ";
  trace_ += VisibleText(function);
}

bool KernelRecord::Counts(const std::string& rule, const std::string& unit) {
  if (!joined_) return true;
  if (counted_.emplace(rule, unit).second) return true;
  if (!last_was_head_) return false;
  // The same again as a head: another record, whose trace was not printed.
  const std::string head = heads_.empty() ? "" : heads_.back();
  const WallTime at = last_at_;
  Begin();
  last_at_ = at;
  lines_ = 1;
  if (!head.empty()) heads_.push_back(head);
  counted_.emplace(rule, unit);
  return true;
}

void KernelRecord::Dress(Finding* finding) const {
  if (lines_ > 1) {
    std::vector<std::string> evidence = heads_;
    constexpr std::string_view kTrace = "Call Trace: ";
    constexpr size_t kPart = Condition::kEvidenceLineBytesMax - kTrace.size();
    size_t bytes = 0;
    for (size_t at = 0; at < trace_.size() && evidence.size() < Condition::kEvidenceLinesMax;
         at += bytes) {
      std::string part = trace_.substr(at);
      CapText(&part, kPart);
      bytes = part.size();
      evidence.push_back((at == 0 ? std::string(kTrace) : "... ") + part);
    }
    if (!evidence.empty()) finding->condition.evidence = std::move(evidence);
  }
  AddOwner(VictimsCgroup(finding->captures), finding);
}

std::string_view KernelRecord::VictimsCgroup(
    const std::map<std::string, std::string>& captures) const {
  const auto pid = captures.find("pid");
  if (!oom_ || pid == captures.end()) return {};
  const bool victim = oom_->pid.empty() || oom_->pid == pid->second;
  return victim ? std::string_view(oom_->cgroup) : std::string_view();
}

std::vector<Finding> KernelRecord::Told(WallTime at, std::string_view position) {
  std::vector<Finding> all = std::move(ended_);
  ended_.clear();
  if (grew_) {
    for (Finding& finding : told_) {
      Dress(&finding);
      all.push_back(finding);
    }
  }
  // Told before, they must be later than they were to count as more than a repetition.
  for (Finding& finding : all) {
    finding.last_at = std::max(finding.last_at + Micros(1), at);
    finding.position = position;
  }
  for (Finding& finding : pending_) {
    Dress(&finding);
    all.push_back(finding);
    if (told_.size() < kFindingsMax) told_.push_back(std::move(finding));
  }
  pending_.clear();
  grew_ = false;
  return all;
}

KernelRecord* KernelRecords::Of(const HostId& host, std::string_view boot_id) {
  std::string key = host.str() + "\n" + std::string(boot_id);
  const auto known = by_key_.find(key);
  if (known != by_key_.end()) {
    entries_.splice(entries_.begin(), entries_, known->second);
    return &entries_.front().record;
  }
  if (entries_.size() >= kHostsMax) {
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.push_front(Entry{key, {}});
  by_key_.emplace(std::move(key), entries_.begin());
  return &entries_.front().record;
}

}  // namespace fleetmedic
