#include "detectors/network/network_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detectors/network/ethtool.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// Recorded on a machine with two processors and Linux 6.18; of the second line the counts are
// changed.
constexpr std::string_view kArpCache =
    "entries  allocs   destroys hash_grows lookups  hits     res_failed rcv_probes_mcast "
    "rcv_probes_ucast periodic_gc_runs forced_gc_runs unresolved_discards table_fulls\n"
    "00000011 00000003 00000002 00000000   000004d2 000004cf 00000000   00000000         00000000  "
    "       0000005a         00000000       00000000            00000000\n"
    "00000011 00000001 00000000 00000000   00000010 0000000f 00000000   00000000         00000000  "
    "       00000000         00000000       00000000            0000001f\n";
constexpr std::string_view kNetstat =
    "TcpExt: SyncookiesSent ListenOverflows ListenDrops\n"
    "TcpExt: 0 12 13\n"
    "IpExt: InNoRoutes InTruncatedPkts\n"
    "IpExt: 1 2\n";
constexpr std::string_view kSockstat =
    "sockets: used 16\nTCP: inuse 100 orphan 0 tw 50 alloc 1 mem 0\nUDP: inuse 7 mem 0\n";

TEST(NetworkLimitsTest, TakesTheFilesOfTheKernelApart) {
  const auto table = NeighbourTableFrom(kArpCache);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->entries, 17u);
  EXPECT_EQ(table->table_fulls, 31u);
  EXPECT_FALSE(NeighbourTableFrom("entries table_fulls\n"));
  EXPECT_FALSE(NeighbourTableFrom("entries table_fulls\n1\n"));
  EXPECT_FALSE(NeighbourTableFrom("entries table_fulls\n1 zz\n"));
  EXPECT_EQ(NetstatValue(kNetstat, "TcpExt", "ListenOverflows"), 12u);
  EXPECT_EQ(NetstatValue(kNetstat, "IpExt", "InTruncatedPkts"), 2u);
  EXPECT_FALSE(NetstatValue(kNetstat, "TcpExt", "NoSuch"));
  EXPECT_FALSE(NetstatValue("TcpExt: A B\nTcpExt: 1\n", "TcpExt", "A"));
  EXPECT_FALSE(NetstatValue("TcpExt: A B\n", "TcpExt", "A"));
  EXPECT_EQ(SockstatValue(kSockstat, "TCP", "tw"), 50u);
  EXPECT_FALSE(SockstatValue(kSockstat, "TCP", "nothing"));
  EXPECT_FALSE(SockstatValue("TCP: inuse\n", "TCP", "inuse"));
}

TEST(NetworkLimitsTest, FindsTheAllowanceCountersOfTheEnaDriverByTheirNames) {
  std::string strings;
  for (const std::string name : {"tx_timeout", "bw_in_allowance_exceeded",
                                 "linklocal_allowance_exceeded", "queue_0_tx_cnt"}) {
    std::string slot = name;
    slot.resize(kEthtoolNameBytes, '\0');
    strings += slot;
  }
  EXPECT_THAT(
      AllowanceCounterPlaces(strings + "torn"),
      ElementsAre(Pair(1, "bw_in_allowance_exceeded"), Pair(2, "linklocal_allowance_exceeded")));
}

NetworkLimitsSample Healthy() {
  NetworkLimitsSample sample;
  sample.conntrack_count = 100;
  sample.conntrack_max = 1000;
  sample.neighbours = {{"ipv4", {100, 5}, 1024}};
  sample.port_first = 32768;
  sample.port_last = 60999;
  sample.tcp_in_use = 100;
  sample.tcp_time_wait = 50;
  sample.listen_overflows = 1000;
  return sample;
}

struct LimitCase {
  const char* sentence;
  std::function<void(NetworkLimitsSample*)> change;  // of the second look
  const char* type;
  const char* unit;
  Verdict verdict;
  Severity severity;
};

TEST(NetworkLimitsTest, SaysWhatEachSampleMeans) {
  const LimitCase cases[] = {
      {"a tenth of the connections is fine", [](NetworkLimitsSample*) {}, "ConntrackTableFull", "",
       Verdict::kOk, Severity::kHard},
      {"89.9 % is fine", [](NetworkLimitsSample* s) { s->conntrack_count = 899; },
       "ConntrackTableFull", "", Verdict::kOk, Severity::kHard},
      {"90 % is soft", [](NetworkLimitsSample* s) { s->conntrack_count = 900; },
       "ConntrackTableFull", "", Verdict::kBad, Severity::kSoft},
      {"99 % is hard", [](NetworkLimitsSample* s) { s->conntrack_count = 990; },
       "ConntrackTableFull", "", Verdict::kBad, Severity::kHard},
      {"a file that may not be read is unknown",
       [](NetworkLimitsSample* s) { s->refused["ConntrackTableFull"] = "no permission"; },
       "ConntrackTableFull", "", Verdict::kUnknown, Severity::kHard},
      {"a table that overflowed is bad",
       [](NetworkLimitsSample* s) { s->neighbours[0].table.table_fulls = 6; }, "NeighbourTableFull",
       "ipv4", Verdict::kBad, Severity::kSoft},
      {"what overflowed before the first look is nobody's news", [](NetworkLimitsSample*) {},
       "NeighbourTableFull", "", Verdict::kOk, Severity::kSoft},
      {"95 % of the neighbours are bad",
       [](NetworkLimitsSample* s) { s->neighbours[0].table.entries = 973; }, "NeighbourTableFull",
       "ipv4", Verdict::kBad, Severity::kSoft},
      {"a limit that is not known has no share",
       [](NetworkLimitsSample* s) {
         s->neighbours[0] = {"ipv4", {5000, 5}, 0};
       },
       "NeighbourTableFull", "", Verdict::kOk, Severity::kSoft},
      {"TIME_WAIT counts as a port", [](NetworkLimitsSample* s) { s->tcp_time_wait = 25400; },
       "EphemeralPortsLow", "", Verdict::kBad, Severity::kInfo},
      {"few sockets are fine", [](NetworkLimitsSample*) {}, "EphemeralPortsLow", "", Verdict::kOk,
       Severity::kInfo},
      {"ten overflows within the window are told",
       [](NetworkLimitsSample* s) { s->listen_overflows = 1010; }, "TcpListenOverflow", "",
       Verdict::kBad, Severity::kInfo},
      {"nine are not", [](NetworkLimitsSample* s) { s->listen_overflows = 1009; },
       "TcpListenOverflow", "", Verdict::kOk, Severity::kInfo},
  };
  for (const LimitCase& c : cases) {
    CounterWindow window(Minutes(5));
    AddNetworkLimits(Healthy(), MonoTime(Hours(1)), &window);
    NetworkLimitsSample sample = Healthy();
    c.change(&sample);
    AddNetworkLimits(sample, MonoTime(Hours(1)) + Seconds(10), &window);
    bool found = false;
    for (const Condition& condition : EvaluateNetworkLimits(sample, window, {})) {
      if (condition.type != c.type) continue;
      found = true;
      EXPECT_EQ(condition.unit, c.unit) << c.sentence;
      EXPECT_EQ(condition.verdict, c.verdict) << c.sentence;
      EXPECT_EQ(condition.severity, c.severity) << c.sentence;
      EXPECT_FALSE(condition.message.empty()) << c.sentence;
    }
    EXPECT_TRUE(found) << c.sentence;
  }
}

TEST(NetworkLimitsTest, SaysNothingOfWhatTheHostDoesNotHave) {
  TempFolder folder;
  const NetworkLimitsSample sample = ReadNetworkLimits(FsRoot(folder.path()));
  EXPECT_THAT(EvaluateNetworkLimits(sample, CounterWindow(Minutes(5)), {}), IsEmpty());
}

TEST(NetworkLimitsTest, ReadsBelowTheRootOfTheHost) {
  TempFolder folder;
  const auto put = [&](const std::string& path, std::string_view text) {
    const std::string full = folder / path;
    ASSERT_TRUE(MakeFolders(full.substr(0, full.rfind('/'))));
    ASSERT_TRUE(WriteFileAtomic(full, text));
  };
  put("proc/sys/net/netfilter/nf_conntrack_count", "262140\n");
  put("proc/sys/net/netfilter/nf_conntrack_max", "262144\n");
  put("proc/net/stat/arp_cache", kArpCache);
  put("proc/sys/net/ipv4/neigh/default/gc_thresh3", "1024\n");
  put("proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
  put("proc/net/sockstat", kSockstat);
  put("proc/net/netstat", kNetstat);
  const NetworkLimitsSample sample = ReadNetworkLimits(FsRoot(folder.path()));
  EXPECT_EQ(sample.neighbours.at(0).entries_max, 1024u);
  EXPECT_EQ(sample.port_last, 60999u);
  EXPECT_EQ(sample.tcp_time_wait, 50u);
  EXPECT_EQ(sample.listen_overflows, 12u);
  const auto conditions = EvaluateNetworkLimits(sample, CounterWindow(Minutes(5)), {});
  ASSERT_FALSE(conditions.empty());
  EXPECT_EQ(conditions[0].type, "ConntrackTableFull");
  EXPECT_EQ(conditions[0].verdict, Verdict::kBad);
  EXPECT_EQ(conditions[0].severity, Severity::kHard);
  EXPECT_THAT(conditions[0].message, HasSubstr("262140 of 262144"));
}

}  // namespace
}  // namespace fleetmedic
