// What the detectors' subsystems answer.
#include <map>

#include "base/result.h"
#include "detectors/checks/check_evaluate.h"
#include "detectors/containerd/grpc_health.h"
#include "detectors/disk/disk_evaluate.h"
#include "detectors/dns/dns_evaluate.h"
#include "detectors/dns/dns_message.h"
#include "detectors/gpu/gpu_evaluate.h"
#include "detectors/gpu/gpu_sample.h"
#include "detectors/hardware/hardware_evaluate.h"
#include "detectors/imds/imds_parse.h"
#include "detectors/mesos/mesos_evaluate.h"
#include "detectors/mesos/mesos_json.h"
#include "detectors/mount_table.h"
#include "detectors/network/rtnetlink.h"
#include "detectors/nvme/nvme_evaluate.h"
#include "tests/fuzz/targets.h"

namespace fleetmedic {
namespace {

void GrpcHealth(std::string_view bytes) {
  GrpcHealthReply whole;
  whole.Feed(bytes);
  // However the bytes are cut, the answer is the same.
  GrpcHealthReply pieces;
  for (size_t at = 0; at < bytes.size(); at += 7) pieces.Feed(bytes.substr(at, 7));
  FLEETMEDIC_CHECK(whole.End() == pieces.End());
}

void Rtnetlink(std::string_view bytes) {
  constexpr uint32_t kSequence = 1;
  NetworkTables tables;
  (void)ParseRtnetlink(bytes, kSequence, &tables);
  FLEETMEDIC_CHECK(tables.links.size() <= kNetworkLinksMax);
  (void)RtnetlinkNoticeMatters(bytes, {{"eth0", 2}});
}

void Imds(std::string_view bytes) {
  (void)ImdsMacsFrom(bytes);
  (void)ImdsAddressesFrom(bytes);
  (void)ImdsWordFrom(bytes);
  (void)ImdsEventsFrom(bytes);
  (void)ImdsSpotNoticeFrom(bytes);
  (void)ImdsRebalanceFrom(bytes);
}

void Dns(std::string_view bytes) {
  (void)DnsServersFrom(bytes);
  const Result<std::string> query = DnsQuery(7, "host.example", 1);
  FLEETMEDIC_CHECK(query.has_value());
  (void)DnsReplyFrom(bytes, *query);
  // Any name makes a sound question or none.
  const Result<std::string> other = DnsQuery(7, bytes, 1);
  if (other) (void)DnsReplyFrom(*query, *other);
}

// What a detector tells is read by other roles, whatever its subsystem answered.
void CheckTold(const std::vector<Condition>& conditions) {
  for (const Condition& condition : conditions) {
    const Result<Json> json = Json::Parse(ToJson(condition).Dump());
    FLEETMEDIC_CHECK(json.has_value());
    FLEETMEDIC_CHECK(ConditionFromJson(*json).has_value());
  }
}

void Mesos(std::string_view bytes) {
  (void)NumericMaster(bytes);
  const Result<MesosState> state = MesosStateFromJson(bytes);
  const Result<MesosMetrics> metrics = MesosMetricsFromJson(bytes);
  if (!state || !metrics) return;
  MesosSample sample;
  sample.seen = true;
  sample.health = sample.state_answer = sample.metrics_answer = {MesosAnswer::Kind::kReplied, 200};
  sample.state = *state;
  sample.metrics = *metrics;
  sample.disk_used_share = 0.5;
  MesosHistory history{Minutes(10)};
  // From one look to the next the counters stay as they are.
  for (int look = 1; look <= 2; ++look) {
    sample.at = MonoTime(Minutes(look));
    history.Add(sample);
    CheckTold(EvaluateMesos(sample, history, MesosThresholds()));
  }
}

void Nvme(std::string_view bytes) {
  const Result<NvmeHealth> health = ParseNvmeHealth(bytes);
  FLEETMEDIC_CHECK(health.has_value() == (bytes.size() == NvmeHealth::kPageBytes));
}

void Gpu(std::string_view bytes) {
  (void)PciAddress(bytes);
  const Result<NvmlSample> sample = GpuSampleFromJson(bytes);
  if (!sample) return;
  FLEETMEDIC_CHECK(sample->gpus.size() <= kGpusMax);
  const Result<NvmlSample> again = GpuSampleFromJson(ToJson(*sample).Dump());
  FLEETMEDIC_CHECK(again.has_value() && *again == *sample);
  GpuSample looked;
  looked.state = GpuSample::Nvml::kAnswered;
  looked.nvml = *sample;
  GpuHistory history;
  for (int look = 1; look <= 2; ++look) {
    looked.nvml_at = MonoTime(Minutes(look));
    CheckTold(EvaluateGpu(looked, GpuThresholds(), &history));
  }
}

void CheckOutput(std::string_view bytes) {
  FLEETMEDIC_CHECK(CheckMessage(bytes).size() <= kCheckMessageBytesMax);
  CheckConfig check;
  check.type = "Fuzz";
  check.name = "fuzz";
  CheckRun run;
  run.output = bytes;
  for (const int exit_code : {0, 1, 2, 3}) {
    run.status.exit_code = exit_code;
    const Condition condition = EvaluateCheck(check, run);
    FLEETMEDIC_CHECK(condition.evidence.size() <= Condition::kEvidenceLinesMax);
    for (const std::string& line : condition.evidence) {
      FLEETMEDIC_CHECK(line.size() <= Condition::kEvidenceLineBytesMax);
    }
    // It is an event that whoever reads it takes.
    FLEETMEDIC_CHECK(ConditionFromJson(ToJson(condition)).has_value());
  }
}

void HostTexts(std::string_view bytes) {
  constexpr size_t kMax = 256;
  FLEETMEDIC_CHECK(MountTable(bytes, kMax).size() <= kMax);
  (void)DisksFromDiskstats(bytes);
  if (const auto cpus = ParseCpuList(bytes, kMax)) FLEETMEDIC_CHECK(cpus->size() <= kMax);
}

constexpr FuzzTarget kTargets[] = {
    {"grpc_health", GrpcHealth},
    {"rtnetlink", Rtnetlink},
    {"imds", Imds},
    {"dns", Dns},
    {"mesos", Mesos},
    {"gpu", Gpu},
    {"check_output", CheckOutput},
    {"nvme", Nvme},
    {"host_texts", HostTexts},
};

}  // namespace

std::span<const FuzzTarget> DetectorFuzzTargets() { return kTargets; }

}  // namespace fleetmedic
