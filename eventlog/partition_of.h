// Which partition of a topic the records of a key are in: the same in every process, on every
// platform and for ever, since places are kept by it.
#ifndef FLEETMEDIC_EVENTLOG_PARTITION_OF_H_
#define FLEETMEDIC_EVENTLOG_PARTITION_OF_H_

#include <cstdint>
#include <string_view>

namespace fleetmedic {

// FNV-1a, without the highest bit: it is a number in SQL too.
constexpr int64_t KeyHash(std::string_view key) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return static_cast<int64_t>(hash & INT64_MAX);
}

constexpr int32_t PartitionOf(std::string_view key, int32_t partitions) {
  return static_cast<int32_t>(KeyHash(key) % partitions);
}

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EVENTLOG_PARTITION_OF_H_
