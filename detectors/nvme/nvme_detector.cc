#include "detectors/nvme/nvme_detector.h"

#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_types.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kControllers = "/sys/class/nvme";
constexpr size_t kFileBytesMax = 4096;
constexpr size_t kEntriesMax = 4096;

constexpr uint8_t kGetLogPage = 0x02;
constexpr uint32_t kHealthLog = 0x02;
constexpr uint32_t kWholeController = 0xffffffff;
// Status code type 0 (generic): invalid opcode, invalid field; type 1 (of the command): invalid
// log page.
constexpr int kInvalidOpcode = 0x001;
constexpr int kInvalidField = 0x002;
constexpr int kInvalidLogPage = 0x109;
constexpr int kStatusMask = 0x7ff;

}  // namespace

Result<std::string> ReadNvmeHealthPage(const FsRoot& root, const std::string& controller) {
  const std::string path = "/dev/" + controller;
  FLEETMEDIC_ASSIGN_OR_RETURN(const UniqueFd device, root.Open(path, O_RDONLY | O_NONBLOCK));
  std::string page(NvmeHealth::kPageBytes, '\0');
  nvme_passthru_cmd command{};
  command.opcode = kGetLogPage;
  command.nsid = kWholeController;
  command.addr = reinterpret_cast<uintptr_t>(page.data());
  command.data_len = static_cast<uint32_t>(page.size());
  // The page, and how many words of four bytes less one are wanted.
  command.cdw10 = kHealthLog | (static_cast<uint32_t>(page.size() / 4 - 1) << 16);
  // No time-out of our own: at its end the driver resets the controller, under everybody's I/O.
  const int status = ioctl(device.get(), NVME_IOCTL_ADMIN_CMD, &command);
  if (status == 0) return page;
  if (status < 0 && (errno == EACCES || errno == EPERM)) {
    return Fail(Code::kPermissionDenied,
                fmt::format("no permission (CAP_SYS_ADMIN) to ask {}", Quote(path)));
  }
  if (status < 0) return FailErrno("ask " + Quote(path) + " for its health", errno);
  const int code = status & kStatusMask;
  const bool unsupported =
      code == kInvalidOpcode || code == kInvalidField || code == kInvalidLogPage;
  return Fail(unsupported ? Code::kUnsupported : Code::kIo,
              fmt::format("{} answers status {:#x} instead of its health", Quote(path), code));
}

NvmeDetector::NvmeDetector(const Clock* clock, const HostConfig& host, const NvmeConfig& config,
                           ReadPage read_page)
    : clock_(clock),
      root_(host.root),
      config_(config),
      read_page_(std::move(read_page)),
      history_(config.error_window) {}

std::vector<std::string> NvmeDetector::types() const { return ConditionTypesOf("nvme"); }

bool NvmeDetector::Supported() const {
  const auto names = root_.List(kControllers, kEntriesMax);
  return names && !names->empty();
}

void NvmeDetector::AskHealth(MonoTime now, NvmeSample* controller) {
  // One that is being reset would let the command wait.
  if (!controller->state.empty() && controller->state != "live") return;
  const auto known = health_.find(controller->name);
  const bool fresh = known != health_.end() && known->second.answer &&
                     now - known->second.asked_at < config_.health_every;
  if (!fresh) {
    Result<std::string> page = read_page_(root_, controller->name);
    Result<NvmeHealth> answer =
        page ? ParseNvmeHealth(*page) : Result<NvmeHealth>(tl::unexpected(page.error()));
    if (answer) history_.AddHealth(controller->name, *answer, now);
    health_.insert_or_assign(controller->name, Health{std::move(answer), now});
  }
  controller->health = health_.at(controller->name).answer;
}

Result<std::vector<Condition>> NvmeDetector::Probe(MonoTime deadline) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                              root_.List(kControllers, kEntriesMax));
  const auto text = [this](const std::string& path) {
    return std::string(Trim(root_.ReadFile(path, kFileBytesMax).value_or("")));
  };
  std::vector<NvmeSample> controllers;
  for (const std::string& name : names) {
    if (!name.starts_with("nvme") || !ParseCount(std::string_view(name).substr(4))) continue;
    if (controllers.size() >= kControllersMax) break;
    NvmeSample controller;
    controller.name = name;
    const std::string folder = std::string(kControllers) + "/" + name;
    controller.model = text(folder + "/model");
    controller.state = text(folder + "/state");
    controllers.push_back(std::move(controller));
  }
  std::erase_if(health_, [&](const auto& entry) {
    return std::ranges::find(controllers, entry.first, &NvmeSample::name) == controllers.end();
  });
  history_.AddState(controllers, clock_->Mono());
  for (NvmeSample& controller : controllers) {
    const MonoTime now = clock_->Mono();
    if (now < deadline) {
      AskHealth(now, &controller);
    } else {
      controller.health = Fail(Code::kDeadlineExceeded, "not asked: no time was left");
    }
  }
  return EvaluateNvme(controllers, history_,
                      {.not_live_max = config_.not_live_max,
                       .used_percent_max = config_.used_percent_max,
                       .media_errors_max = static_cast<uint64_t>(config_.media_errors_max),
                       .warning_minutes_max = static_cast<uint64_t>(config_.warning_minutes_max)});
}

}  // namespace fleetmedic
