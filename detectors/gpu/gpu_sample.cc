#include "detectors/gpu/gpu_sample.h"

#include "base/cap_text.h"
#include "detectors/gpu/nvml_api.h"

namespace fleetmedic {
namespace {

constexpr size_t kTextBytesMax = 256;

template <typename T>
void SetWhere(Json* json, std::string_view key, const std::optional<T>& value) {
  if (value) json->Set(key, *value);
}

template <typename T>
void OptionalWhere(JsonReader* in, const Json& json, std::string_view key,
                   std::optional<T>* value) {
  if (json[key].is_null()) return;
  T read{};
  in->Required(key, &read);
  *value = read;
}

Json ToJson(const NvlinkReading& link) {
  Json json;
  json.Set("link", link.link);
  json.Set("active", link.active);
  SetWhere(&json, "replays", link.replays);
  SetWhere(&json, "recoveries", link.recoveries);
  SetWhere(&json, "crc_errors", link.crc_errors);
  return json;
}

Result<NvlinkReading> NvlinkFromJson(const Json& json) {
  NvlinkReading link;
  JsonReader in(json, "nvlink");
  in.Required("link", &link.link);
  in.Required("active", &link.active);
  OptionalWhere(&in, json, "replays", &link.replays);
  OptionalWhere(&in, json, "recoveries", &link.recoveries);
  OptionalWhere(&in, json, "crc_errors", &link.crc_errors);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return link;
}

Json ToJson(const RowRemapReading& remap) {
  Json json;
  json.Set("pending", remap.pending);
  json.Set("failed", remap.failed);
  json.Set("corrected_rows", remap.corrected_rows);
  json.Set("uncorrected_rows", remap.uncorrected_rows);
  return json;
}

Result<RowRemapReading> RowRemapFromJson(const Json& json) {
  RowRemapReading remap;
  JsonReader in(json, "row_remap");
  in.Required("pending", &remap.pending);
  in.Required("failed", &remap.failed);
  in.Optional("corrected_rows", &remap.corrected_rows);
  in.Optional("uncorrected_rows", &remap.uncorrected_rows);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return remap;
}

Json ToJson(const GpuReading& gpu) {
  Json json;
  json.Set("index", gpu.index);
  json.Set("status", gpu.status);
  json.Set("pci", gpu.pci);
  json.Set("name", gpu.name);
  json.Set("uuid", gpu.uuid);
  SetWhere(&json, "ecc_uncorrected", gpu.ecc_uncorrected);
  if (gpu.row_remap) json.Set("row_remap", ToJson(*gpu.row_remap));
  SetWhere(&json, "retirement_pending", gpu.retirement_pending);
  Json::Array links;
  for (const NvlinkReading& link : gpu.nvlinks) links.push_back(ToJson(link));
  json.Set("nvlinks", std::move(links));
  SetWhere(&json, "clock_reasons", gpu.clock_reasons);
  SetWhere(&json, "sm_clock_mhz", gpu.sm_clock_mhz);
  SetWhere(&json, "sm_clock_max_mhz", gpu.sm_clock_max_mhz);
  SetWhere(&json, "temperature_c", gpu.temperature_c);
  SetWhere(&json, "persistence", gpu.persistence);
  SetWhere(&json, "fabric_state", gpu.fabric_state);
  SetWhere(&json, "fabric_status", gpu.fabric_status);
  SetWhere(&json, "recovery_action", gpu.recovery_action);
  return json;
}

Result<GpuReading> GpuFromJson(const Json& json) {
  GpuReading gpu;
  JsonReader in(json, "gpu");
  in.Required("index", &gpu.index);
  in.Required("status", &gpu.status);
  in.Optional("pci", &gpu.pci);
  in.Optional("name", &gpu.name);
  in.Optional("uuid", &gpu.uuid);
  OptionalWhere(&in, json, "ecc_uncorrected", &gpu.ecc_uncorrected);
  if (!json["row_remap"].is_null()) {
    RowRemapReading remap;
    in.RequiredAs("row_remap", &remap, RowRemapFromJson);
    gpu.row_remap = remap;
  }
  OptionalWhere(&in, json, "retirement_pending", &gpu.retirement_pending);
  in.ListAs("nvlinks", &gpu.nvlinks, NvlinkFromJson);
  OptionalWhere(&in, json, "clock_reasons", &gpu.clock_reasons);
  OptionalWhere(&in, json, "sm_clock_mhz", &gpu.sm_clock_mhz);
  OptionalWhere(&in, json, "sm_clock_max_mhz", &gpu.sm_clock_max_mhz);
  OptionalWhere(&in, json, "temperature_c", &gpu.temperature_c);
  OptionalWhere(&in, json, "persistence", &gpu.persistence);
  OptionalWhere(&in, json, "fabric_state", &gpu.fabric_state);
  OptionalWhere(&in, json, "fabric_status", &gpu.fabric_status);
  OptionalWhere(&in, json, "recovery_action", &gpu.recovery_action);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  for (std::string* text : {&gpu.pci, &gpu.name, &gpu.uuid}) {
    CapText(text, kTextBytesMax);
  }
  if (gpu.nvlinks.size() > nvml::kNvlinksMax) gpu.nvlinks.resize(nvml::kNvlinksMax);
  return gpu;
}

}  // namespace

Json ToJson(const NvmlSample& sample) {
  Json json;
  json.Set("library_error", sample.library_error);
  json.Set("init_status", sample.init_status);
  json.Set("init_text", sample.init_text);
  json.Set("driver_version", sample.driver_version);
  json.Set("library_version", sample.library_version);
  json.Set("count_status", sample.count_status);
  Json::Array gpus;
  for (const GpuReading& gpu : sample.gpus) gpus.push_back(ToJson(gpu));
  json.Set("gpus", std::move(gpus));
  return json;
}

Result<NvmlSample> GpuSampleFromJson(std::string_view text) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(text));
  NvmlSample sample;
  JsonReader in(json, "nvml");
  in.Optional("library_error", &sample.library_error);
  in.Required("init_status", &sample.init_status);
  in.Optional("init_text", &sample.init_text);
  in.Optional("driver_version", &sample.driver_version);
  in.Optional("library_version", &sample.library_version);
  in.Required("count_status", &sample.count_status);
  in.ListAs("gpus", &sample.gpus, GpuFromJson);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  if (sample.gpus.size() > kGpusMax) sample.gpus.resize(kGpusMax);
  return sample;
}

std::string PciAddress(std::string_view bus_id) {
  std::string address;
  for (const char c : bus_id) {
    const bool upper = c >= 'A' && c <= 'F';
    address += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  // NVML writes the domain with eight digits, sysfs with four where they are enough.
  if (address.size() == 16 && address.starts_with("0000") && address[8] == ':') {
    address.erase(0, 4);
  }
  return address;
}

}  // namespace fleetmedic
