#include "model/audit_chain.h"

#include <gtest/gtest.h>

#include "base/sha256.h"

namespace fleetmedic {
namespace {

AuditEntry After(const AuditTail& tail, const std::string& why) {
  AuditEntry entry;
  entry.seq = tail.seq + 1;
  entry.who = "op1";
  entry.action = "hold";
  entry.object = "fleet";
  entry.why = why;
  entry.previous_hash = tail.hash;
  entry.hash = Sha256Hex(AuditHashInput(entry));
  return entry;
}

TEST(AuditChain, FollowsEntriesAndNamesTheOneThatDoesNot) {
  AuditTail tail;
  const AuditEntry first = After(tail, "one");
  ASSERT_TRUE(FollowAudit(first, &tail));
  EXPECT_EQ(tail, (AuditTail{1, first.hash}));
  const AuditEntry second = After(tail, "two");

  AuditEntry edited = second;
  edited.why = "another";
  AuditEntry elsewhere = second;
  elsewhere.previous_hash = Sha256Hex("x");
  elsewhere.hash = Sha256Hex(AuditHashInput(elsewhere));
  AuditEntry later = second;
  later.seq = 3;
  for (const AuditEntry& wrong : {edited, elsewhere, later, first}) {
    const AuditTail before = tail;
    EXPECT_EQ(FollowAudit(wrong, &tail).error().code, Code::kCorrupt);
    EXPECT_EQ(tail, before);
  }
  EXPECT_TRUE(FollowAudit(second, &tail));
}

TEST(AuditChain, TheEndIsATextThatReadsBack) {
  const AuditTail tail{812, Sha256Hex("x")};
  EXPECT_EQ(ParseAuditTail(AuditTailText(tail)).value(), tail);
  for (const std::string& wrong :
       {std::string(), std::string("812"), "x:" + tail.hash, "0:" + tail.hash, "-1:" + tail.hash,
        "812:" + tail.hash.substr(1), "812:" + tail.hash + "0", "812 :" + tail.hash,
        "812:" + std::string(64, 'G')}) {
    EXPECT_EQ(ParseAuditTail(wrong).error().code, Code::kInvalidArgument) << wrong;
  }
}

}  // namespace
}  // namespace fleetmedic
