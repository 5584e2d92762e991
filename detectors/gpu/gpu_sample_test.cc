#include "detectors/gpu/gpu_sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

TEST(GpuSampleTest, ComesBackFromJsonAsItWas) {
  NvmlSample sample;
  sample.driver_version = "550.54.15";
  sample.library_version = "12.550.54.15";
  GpuReading full;
  full.index = 1;
  full.pci = "0000:3b:00.0";
  full.name = "NVIDIA H100 80GB HBM3";
  full.uuid = "GPU-1";
  full.ecc_uncorrected = 3;
  full.row_remap = RowRemapReading{true, false, 1, 2};
  full.retirement_pending = false;
  full.nvlinks = {{0, true, 5, 6, 7}, {1, false, std::nullopt, std::nullopt, std::nullopt}};
  full.clock_reasons = 0x4;
  full.sm_clock_mhz = 1980;
  full.sm_clock_max_mhz = 1980;
  full.temperature_c = 41;
  full.persistence = true;
  full.fabric_state = 3;
  full.fabric_status = 0;
  full.recovery_action = 0;
  GpuReading lost;
  lost.index = 2;
  lost.status = 15;
  sample.gpus = {full, lost};
  const Result<NvmlSample> back = GpuSampleFromJson(ToJson(sample).Dump());
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, sample);

  NvmlSample without;
  without.library_error = "libnvidia-ml.so.1: cannot open shared object file";
  EXPECT_EQ(GpuSampleFromJson(ToJson(without).Dump()).value(), without);
}

TEST(GpuSampleTest, RefusesWhatIsNoSample) {
  for (
      const std::string_view text :
      {"", "{", "[]", "{}", R"({"init_status":0})", R"({"init_status":"0","count_status":0})",
       R"({"init_status":0,"count_status":0,"gpus":{}})",
       R"({"init_status":0,"count_status":0,"gpus":[{"index":0}]})",
       R"({"init_status":0,"count_status":0,"gpus":[{"index":0,"status":0,"row_remap":3}]})",
       R"({"init_status":0,"count_status":0,"gpus":[{"index":0,"status":0,"ecc_uncorrected":-1}]})",
       "No devices were found\n"}) {
    EXPECT_FALSE(GpuSampleFromJson(text)) << text;
  }
}

TEST(GpuSampleTest, BoundsWhatItTakes) {
  NvmlSample sample;
  sample.gpus.resize(kGpusMax + 10);
  sample.gpus[0].name = std::string(10'000, 'x');
  sample.gpus[0].nvlinks.resize(1000);
  const NvmlSample back = GpuSampleFromJson(ToJson(sample).Dump()).value();
  EXPECT_EQ(back.gpus.size(), kGpusMax);
  EXPECT_EQ(back.gpus[0].name.size(), 256u);
  EXPECT_EQ(back.gpus[0].nvlinks.size(), 18u);
}

TEST(PciAddressTest, IsWrittenAsSysfsWritesIt) {
  EXPECT_EQ(PciAddress("00000000:3B:00.0"), "0000:3b:00.0");
  EXPECT_EQ(PciAddress("00010000:3B:00.0"), "00010000:3b:00.0");
  EXPECT_EQ(PciAddress("0000:3b:00.0"), "0000:3b:00.0");
  EXPECT_EQ(PciAddress(""), "");
}

}  // namespace
}  // namespace fleetmedic
