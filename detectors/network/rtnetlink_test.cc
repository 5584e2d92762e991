#include "detectors/network/rtnetlink.h"

#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "detectors/network/rtnetlink_socket.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Messages as the kernel lays them out (rtnetlink(7)).
std::string Padded(std::string bytes) {
  bytes.resize((bytes.size() + 3) & ~size_t{3}, '\0');
  return bytes;
}

template <typename T>
std::string Raw(const T& value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string Attribute(uint16_t type, const std::string& payload) {
  rtattr header{};
  header.rta_len = static_cast<uint16_t>(sizeof(header) + payload.size());
  header.rta_type = type;
  return Padded(Raw(header) + payload);
}

std::string Message(uint16_t type, const std::string& body, uint16_t flags = 0,
                    uint32_t sequence = 1) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<uint32_t>(sizeof(header) + body.size());
  header.nlmsg_type = type;
  header.nlmsg_flags = flags;
  header.nlmsg_seq = sequence;
  return Padded(Raw(header) + body);
}

std::string Link(int index, const std::string& name, unsigned flags, const std::string& kind) {
  ifinfomsg header{};
  header.ifi_index = index;
  header.ifi_type = ARPHRD_ETHER;
  header.ifi_flags = flags;
  std::string body = Padded(Raw(header)) + Attribute(IFLA_IFNAME, name + '\0') +
                     Attribute(IFLA_ADDRESS, std::string("\x02\x00\x00\x00\x00\x0a", 6)) +
                     Attribute(IFLA_MTU, Raw(uint32_t{9001})) +
                     Attribute(IFLA_CARRIER_CHANGES, Raw(uint32_t{4}));
  if (!kind.empty()) {
    body += Attribute(IFLA_LINKINFO | NLA_F_NESTED, Attribute(IFLA_INFO_KIND, kind + '\0'));
  }
  rtnl_link_stats64 stats{};
  stats.rx_packets = 7;
  stats.tx_dropped = 3;
  return body + Attribute(IFLA_STATS64, Raw(stats));
}

std::string DefaultRoute(uint32_t table, int link) {
  rtmsg header{};
  header.rtm_family = AF_INET;
  header.rtm_type = RTN_UNICAST;
  header.rtm_table = RT_TABLE_UNSPEC;
  return Padded(Raw(header)) + Attribute(RTA_TABLE, Raw(table)) +
         Attribute(RTA_OIF, Raw(static_cast<uint32_t>(link)));
}

TEST(RtnetlinkTest, TakesLinksAddressesDefaultRoutesAndRulesWithASource) {
  ifaddrmsg address{};
  address.ifa_family = AF_INET;
  address.ifa_index = 2;
  address.ifa_prefixlen = 24;
  rtmsg other{};
  other.rtm_family = AF_INET;
  other.rtm_type = RTN_UNICAST;
  other.rtm_dst_len = 24;
  rtmsg multipath{};
  multipath.rtm_family = AF_INET6;
  multipath.rtm_type = RTN_UNICAST;
  multipath.rtm_table = RT_TABLE_MAIN;
  rtnexthop hop{};
  hop.rtnh_len = sizeof(hop);
  hop.rtnh_ifindex = 5;
  fib_rule_hdr rule{};
  rule.family = AF_INET;
  rule.action = FR_ACT_TO_TBL;
  rule.src_len = 32;
  fib_rule_hdr everything{};
  everything.family = AF_INET;
  everything.action = FR_ACT_TO_TBL;
  everything.table = RT_TABLE_MAIN;
  const std::string datagram =
      Message(RTM_NEWLINK, Link(2, "eth0", IFF_UP | IFF_LOWER_UP, "")) +
      Message(RTM_NEWLINK, Link(3, "veth1", IFF_UP, "veth")) +
      Message(RTM_NEWADDR, Padded(Raw(address)) + Attribute(IFA_ADDRESS, "\x0a\x01\x02\x03") +
                               Attribute(IFA_LOCAL, "\x0a\x01\x02\x04")) +
      Message(RTM_NEWROUTE, DefaultRoute(1001, 2)) + Message(RTM_NEWROUTE, Padded(Raw(other))) +
      Message(RTM_NEWROUTE,
              Padded(Raw(multipath)) + Attribute(RTA_MULTIPATH, Raw(hop) + Raw(hop))) +
      Message(RTM_NEWRULE, Padded(Raw(rule)) + Attribute(FRA_SRC, "\x0a\x01\x02\x04") +
                               Attribute(FRA_TABLE, Raw(uint32_t{1001}))) +
      Message(RTM_NEWRULE, Padded(Raw(everything))) +
      Message(NLMSG_DONE, Raw(int32_t{0}), NLM_F_MULTI);
  NetworkTables tables;
  const auto progress = ParseRtnetlink(datagram, 1, &tables);
  ASSERT_TRUE(progress) << progress.error().message;
  EXPECT_TRUE(progress->done);
  EXPECT_FALSE(progress->interrupted);
  ASSERT_THAT(tables.links, SizeIs(2));
  EXPECT_EQ(tables.links[0].name, "eth0");
  EXPECT_EQ(tables.links[0].mac, "02:00:00:00:00:0a");
  EXPECT_EQ(tables.links[0].mtu, 9001u);
  EXPECT_EQ(tables.links[0].carrier_changes, 4u);
  EXPECT_EQ(tables.links[0].counters->rx_packets, 7u);
  EXPECT_EQ(tables.links[0].counters->tx_dropped, 3u);
  EXPECT_TRUE(tables.links[0].up());
  EXPECT_TRUE(tables.links[0].physical());
  EXPECT_FALSE(tables.links[1].up()) << "no carrier";
  EXPECT_FALSE(tables.links[1].physical()) << "a veth";
  ASSERT_THAT(tables.addresses, SizeIs(1));
  EXPECT_EQ(tables.addresses[0].address, "10.1.2.4");
  EXPECT_TRUE(tables.addresses[0].global);
  ASSERT_THAT(tables.default_routes, SizeIs(2));
  EXPECT_EQ(tables.default_routes[0].table, 1001u);
  EXPECT_THAT(tables.default_routes[0].links, ElementsAre(2));
  EXPECT_TRUE(tables.default_routes[1].ipv6);
  EXPECT_THAT(tables.default_routes[1].links, ElementsAre(5, 5));
  ASSERT_THAT(tables.rules, SizeIs(1));
  EXPECT_EQ(tables.rules[0].source, "10.1.2.4");
  EXPECT_EQ(tables.rules[0].table, 1001u);
}

TEST(RtnetlinkTest, TellsOfErrorsInterruptionsAndOthersAnswers) {
  NetworkTables tables;
  const auto refused =
      ParseRtnetlink(Message(NLMSG_ERROR, Raw(int32_t{-EPERM})), 1, &tables).value();
  EXPECT_TRUE(refused.done);
  EXPECT_EQ(refused.error_number, EPERM);
  EXPECT_EQ(ParseRtnetlink(Message(NLMSG_ERROR, Raw(INT32_MIN)), 1, &tables)->error_number, 0);
  EXPECT_TRUE(ParseRtnetlink(Message(RTM_NEWLINK, Link(2, "a", 0, ""), NLM_F_DUMP_INTR), 1, &tables)
                  ->interrupted);
  tables = NetworkTables();
  EXPECT_FALSE(ParseRtnetlink(
                   Message(RTM_NEWLINK, Link(2, "a", 0, ""), 0, 9) + Message(NLMSG_DONE, "", 0, 9),
                   1, &tables)
                   ->done)
      << "the answer to another question";
  EXPECT_THAT(tables.links, IsEmpty());
}

TEST(RtnetlinkTest, LengthsThatDoNotFitAreRefusedWhereverABytesIsCutOrChanged) {
  const std::string whole = Message(RTM_NEWLINK, Link(2, "eth0", IFF_UP, "veth")) +
                            Message(RTM_NEWROUTE, DefaultRoute(254, 2)) + Message(NLMSG_DONE, "");
  for (size_t size = 1; size < whole.size(); ++size) {
    NetworkTables tables;
    // From a string of its own, so that a sanitizer sees a read past its end.
    const auto progress = ParseRtnetlink(std::string(whole, 0, size), 1, &tables);
    EXPECT_FALSE(progress && progress->done) << size;
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      NetworkTables tables;
      (void)ParseRtnetlink(changed, 1, &tables);
      (void)RtnetlinkNoticeMatters(changed, {{"eth0", 2}});
    }
  }
}

TEST(RtnetlinkTest, ContainersThatComeAndGoDoNotMatter) {
  const WatchedLinks watched = {{"eth0", 2}, {"named", 4}};
  EXPECT_FALSE(RtnetlinkNoticeMatters(Message(RTM_NEWLINK, Link(7, "veth7", 0, "veth")), watched));
  EXPECT_TRUE(RtnetlinkNoticeMatters(Message(RTM_NEWLINK, Link(8, "eth1", 0, "")), watched));
  EXPECT_TRUE(RtnetlinkNoticeMatters(Message(RTM_NEWLINK, Link(9, "named", 0, "veth")), watched))
      << "it is back";
  EXPECT_TRUE(RtnetlinkNoticeMatters(Message(RTM_DELLINK, Link(2, "x", 0, "veth")), watched));
  EXPECT_TRUE(RtnetlinkNoticeMatters(Message(RTM_DELROUTE, DefaultRoute(254, 2)), watched));
  rtmsg other{};
  other.rtm_type = RTN_UNICAST;
  other.rtm_dst_len = 32;
  EXPECT_FALSE(RtnetlinkNoticeMatters(Message(RTM_NEWROUTE, Padded(Raw(other))), watched));
  ifaddrmsg address{};
  address.ifa_index = 7;
  EXPECT_FALSE(RtnetlinkNoticeMatters(Message(RTM_NEWADDR, Padded(Raw(address))), watched));
  EXPECT_TRUE(RtnetlinkNoticeMatters("torn", watched));
}

TEST(RtnetlinkSocketTest, ThisMachineHasALoopbackInterface) {
  SystemClock clock;
  const auto tables = ReadNetworkTables(clock, clock.Mono() + Seconds(30), NetworkParts());
  ASSERT_TRUE(tables) << tables.error().message;
  const auto loopback = std::ranges::find_if(tables->links, &NetworkLink::loopback);
  ASSERT_NE(loopback, tables->links.end());
  EXPECT_EQ(loopback->name, "lo");
}

TEST(RtnetlinkSocketTest, AWatchSaysAtFirstThatItDoesNotKnow) {
  NetworkWatch watch;
  const auto first = watch.Changed({}, true);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_TRUE(*first);
}

}  // namespace
}  // namespace fleetmedic
