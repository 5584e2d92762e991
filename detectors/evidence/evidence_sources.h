// What a bundle is made of.
#ifndef FLEETMEDIC_DETECTORS_EVIDENCE_EVIDENCE_SOURCES_H_
#define FLEETMEDIC_DETECTORS_EVIDENCE_EVIDENCE_SOURCES_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/process_stat.h"
#include "config/docker_config.h"
#include "config/host_config.h"
#include "config/systemd_config.h"
#include "detectors/evidence/evidence_collector.h"

namespace fleetmedic {

// In order of worth, for the size of a bundle is limited: kernel log, units, containers, pressure,
// processes, journal, mounts, sockets, interfaces, GPU. `clock` outlives all reads, those that hang
// too: a process has one.
std::vector<EvidenceSource> EvidenceSources(const Clock* clock, const HostConfig& host,
                                            const AgentConfig& agent,
                                            const SystemdConfig& systemd_config,
                                            const DockerConfig& docker_config);

// One process of /proc/PID/stat (proc(5)): those in uninterruptible sleep, and the largest.
// All in state D, then the largest by memory and by CPU time, as a table of at most `rows_max`.
std::string ProcessTable(std::vector<ProcessStat> processes, size_t rows_max, int64_t page_bytes,
                         int64_t ticks_per_second);

// /proc/net/tcp by state: "ESTABLISHED 12".
std::string TcpStates(std::string_view tcp);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_EVIDENCE_EVIDENCE_SOURCES_H_
