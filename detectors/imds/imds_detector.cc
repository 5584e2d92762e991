#include "detectors/imds/imds_detector.h"

#include <utility>

#include "base/text.h"
#include "detectors/condition_types.h"
#include "detectors/network/rtnetlink_socket.h"

namespace fleetmedic {
namespace {

constexpr size_t kFileBytesMax = 4096;

DmiText ReadDmi(const FsRoot& root) {
  const auto read = [&root](const std::string& name) {
    const Result<std::string> text = root.ReadFile("/sys/class/dmi/id/" + name, kFileBytesMax);
    return text ? std::string(Trim(*text)) : std::string();
  };
  return {read("sys_vendor"), read("board_vendor"), read("board_asset_tag"), read("bios_version")};
}

}  // namespace

ImdsDetector::ImdsDetector(const Clock* clock, const HostConfig& host, const ImdsConfig& config,
                           std::shared_ptr<ExpectedInterfaces> expected)
    : ImdsDetector(
          clock, host, config, std::move(expected),
          [clock](const HttpAddress& address) -> ImdsSend {
            return [client = std::make_shared<HttpClient>(address, clock)](const HttpCall& call,
                                                                           MonoTime deadline) {
              return client->Send(call, deadline);
            };
          },
          [clock](MonoTime deadline) {
            return ReadNetworkTables(*clock, deadline, {.routes = false, .rules = false});
          }) {}

ImdsDetector::ImdsDetector(const Clock* clock, const HostConfig& host, const ImdsConfig& config,
                           std::shared_ptr<ExpectedInterfaces> expected, Connect connect,
                           ReadKernel read_kernel)
    : clock_(clock),
      root_(host.root),
      config_(config),
      expected_(std::move(expected)),
      connect_(std::move(connect)),
      read_kernel_(std::move(read_kernel)) {}

std::vector<std::string> ImdsDetector::types() const { return ConditionTypesOf("imds"); }

std::optional<HttpAddress> ImdsDetector::Address() const {
  if (config_.address.empty() && !IsEc2(ReadDmi(root_))) return std::nullopt;
  const Result<HttpAddress> address =
      HttpAddress::Parse(config_.address.empty() ? kAddress : std::string_view(config_.address));
  if (!address) return std::nullopt;  // the config is checked when it is loaded
  return *address;
}

Result<std::vector<Condition>> ImdsDetector::Probe(MonoTime deadline) {
  if (client_ == nullptr) {
    const std::optional<HttpAddress> address = Address();
    if (!address) return Fail(Code::kRefused, "not an EC2 instance, and the config names nobody");
    client_ = std::make_unique<ImdsClient>(clock_, connect_(*address));
  }
  ImdsSample sample;
  sample.at = clock_->Mono();
  // Something that is missing may have been detached since.
  const bool ask = !interfaces_ || history_.AnyMissing() ||
                   sample.at - *interfaces_at_ >= config_.interfaces_every;
  sample.answers = client_->Ask(deadline, ask);
  if (sample.answers.interfaces) {
    interfaces_ = sample.answers.interfaces;
    interfaces_at_ = sample.at;
  }
  // What was said and cannot be asked again is not known any more.
  const bool current = !ask || sample.answers.interfaces.has_value();
  if (current) sample.expected = interfaces_;
  if (sample.expected && expected_ != nullptr) {
    std::vector<ExpectedInterface> handed = *sample.expected;
    if (config_.interfaces_leave) {
      std::erase_if(handed, [](const ExpectedInterface& e) { return e.device_number != 0; });
    }
    expected_->Put(std::move(handed), sample.at);
  }
  Result<NetworkTables> kernel = read_kernel_(deadline);
  if (kernel) {
    sample.kernel = *std::move(kernel);
  } else {
    sample.kernel_error = kernel.error().message;
  }
  history_.Add(sample);
  return EvaluateImds(sample, history_,
                      {config_.missing_grace, config_.interfaces_leave, config_.unused_addresses});
}

}  // namespace fleetmedic
