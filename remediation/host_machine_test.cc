#include "remediation/host_machine.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "remediation/evidence.h"

namespace fleetmedic {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Edges that any test of this file stepped along: the last test compares them with the table.
std::set<std::string>& EdgesTaken() {
  static std::set<std::string> edges;
  return edges;
}

Policy TestPolicy() {
  Policy policy;
  policy.conditions["InPlace"] = {.ladder = {Rung::kRestartUnit, Rung::kReboot},
                                  .repair_in_place = true};
  policy.conditions["Ignored"] = {.ignore = true};
  policy.default_ladder = {Rung::kRestartUnit, Rung::kReboot};
  return policy;
}

// One host, told what happens to it, in simulated time.
class HostMachine : public ::testing::Test {
 protected:
  HostMachine() {
    around_.mode = Mode::kAuto;
    HostFacts facts;
    facts.host = HostId("web-1");
    facts.boot_id = "boot-1";
    facts.booted_at = now_ - Hours(1);
    Take(input::Facts{facts});
  }

  Decision Take(const Input& input) {
    Decision decision = Step(policy_, record_, input, around_, now_);
    if (decision.next.state != record_.state) {
      EdgesTaken().insert(
          fmt::format("{}>{}", HostStateName(record_.state), HostStateName(decision.next.state)));
    }
    record_ = decision.next;
    last_ = decision;
    return decision;
  }

  void Report(const std::string& type, Verdict verdict, Severity severity = Severity::kHard) {
    HealthEvent event;
    event.host = record_.facts.host;
    event.boot_id = record_.facts.boot_id;
    event.booted_at = record_.facts.booted_at;
    event.detector = "detector";
    event.sequence = ++sequence_;
    event.observed_at = now_;
    Condition condition;
    condition.type = type;
    condition.verdict = verdict;
    condition.severity = severity;
    event.conditions.push_back(condition);
    Take(input::Report{event});
  }
  void Bad(const std::string& type = "DockerUnresponsive") { Report(type, Verdict::kBad); }
  void Ok() { Report("DockerUnresponsive", Verdict::kOk); }

  // Time goes on; the host repeats its last word every ten seconds, and ticks come each second.
  void Wait(Seconds span, bool silent = false) {
    for (Seconds passed(0); passed < span; passed += Seconds(1)) {
      now_ += Seconds(1);
      if (!silent && passed.count() % 10 == 0) {
        HealthEvent beat;
        beat.kind = HealthEventKind::kBeat;
        beat.host = record_.facts.host;
        beat.boot_id = record_.facts.boot_id;
        beat.booted_at = record_.facts.booted_at;
        beat.observed_at = now_;
        beat.beats["detector"] = {sequence_, now_};
        TakeKeepingEffects(input::Report{beat});
      }
      TakeKeepingEffects(input::Tick{});
    }
  }
  void TakeKeepingEffects(const Input& input) {
    for (Effect& effect : Take(input).effects) effects_.push_back(std::move(effect));
  }

  void View(int tasks_left, bool listed = true) {
    HostView view;
    view.host = record_.facts.host;
    view.revision = record_.revision;
    view.want = record_.want;
    view.tasks_left = tasks_left;
    Take(input::View{view, listed});
  }
  void Repaired(RepairOutcome outcome) {
    Take(input::Repaired{{record_.repair_id, outcome, "as told"}});
  }

  void ToSuspect() {
    Bad();
    Wait(Seconds(30));
  }
  void ToTainted() {
    ToSuspect();
    Take(input::Granted{GrantId("G-1")});
    ASSERT_EQ(record_.state, HostState::kTainted);
  }
  void ToDraining() {
    ToTainted();
    View(3);
    Wait(Seconds(1));
    ASSERT_EQ(record_.state, HostState::kDraining);
  }
  void ToDrained() {
    ToDraining();
    View(0);
    ASSERT_EQ(record_.state, HostState::kDrained);
  }
  void ToRepairing() {
    ToDrained();
    Wait(Seconds(1));
    ASSERT_EQ(record_.state, HostState::kRepairing);
  }
  void ToProbation() {
    ToRepairing();
    Repaired(RepairOutcome::kDone);
    ASSERT_EQ(record_.state, HostState::kProbation);
  }
  void ToRetired() {
    ToRepairing();
    Repaired(RepairOutcome::kFailed);
    Repaired(RepairOutcome::kFailed);
    ASSERT_EQ(record_.state, HostState::kRetired);
  }

  template <typename T>
  int Count(const std::vector<Effect>& effects) const {
    return static_cast<int>(std::ranges::count_if(
        effects, [](const Effect& effect) { return std::holds_alternative<T>(effect); }));
  }
  bool Asks() const { return Count<effect::AskGrant>(last_.effects) == 1; }

  Policy policy_ = TestPolicy();
  Surroundings around_;
  WallTime now_ = WallFromMillis(1'800'000'000'000);
  HostRecord record_;
  Decision last_;
  std::vector<Effect> effects_;
  uint64_t sequence_ = 0;
};

TEST_F(HostMachine, ABadConditionMakesAHostSuspectAndAsksOnlyWhenItIsConfirmed) {
  Bad();
  EXPECT_EQ(record_.state, HostState::kSuspect);
  Wait(Seconds(29));
  EXPECT_FALSE(Asks());
  EXPECT_THAT(record_.waits_for, HasSubstr("confirmation of DockerUnresponsive"));
  Wait(Seconds(1));
  EXPECT_TRUE(Asks());
}

TEST_F(HostMachine, ASoftFaultIsConfirmedLater) {
  Report("DiskSlow", Verdict::kBad, Severity::kSoft);
  Wait(Seconds(299));
  EXPECT_EQ(Count<effect::AskGrant>(effects_), 0);
  Wait(Seconds(1));
  EXPECT_TRUE(Asks());
}

TEST_F(HostMachine, InfoAndIgnoredConditionsNeverMakeAHostSuspect) {
  Report("Note", Verdict::kBad, Severity::kInfo);
  EXPECT_EQ(record_.state, HostState::kHealthy);
  Bad("Ignored");
  EXPECT_EQ(record_.state, HostState::kHealthy);
}

TEST_F(HostMachine, UnknownIsNeverAReasonToAct) {
  Report("DockerUnresponsive", Verdict::kUnknown);
  Wait(Seconds(3600));
  EXPECT_EQ(record_.state, HostState::kHealthy);
  EXPECT_THAT(effects_, IsEmpty());
}

TEST_F(HostMachine, UnknownFreezesASuspect) {
  Bad();
  Wait(Seconds(10));
  Report("DockerUnresponsive", Verdict::kUnknown);
  Wait(Seconds(3600));
  EXPECT_EQ(record_.state, HostState::kSuspect);
  EXPECT_EQ(Count<effect::AskGrant>(effects_), 0);
}

TEST_F(HostMachine, ASilentHostIsNotActedOn) {
  Bad();
  Wait(Seconds(3600), /*silent=*/true);
  EXPECT_EQ(record_.state, HostState::kSuspect);
  // Confirmed while its word was still fresh, it may have asked; not any more.
  effects_.clear();
  Wait(Seconds(60), true);
  EXPECT_THAT(effects_, IsEmpty());
  EXPECT_THAT(record_.waits_for, HasSubstr("silent"));
}

TEST_F(HostMachine, AGrantThatComesTooLateIsGivenBack) {
  ToSuspect();
  Ok();
  Take(input::Granted{GrantId("G-1")});
  EXPECT_EQ(record_.state, HostState::kSuspect);
  EXPECT_EQ(Count<effect::ReleaseGrant>(last_.effects), 1);
  EXPECT_TRUE(record_.grant.empty());
  Wait(Seconds(120));
  EXPECT_EQ(record_.state, HostState::kHealthy);
}

TEST_F(HostMachine, ARefusalIsNamedAndAskedAgainLater) {
  ToSuspect();
  Take(input::Refused{"fleet_window: 1 of 1 in 10m", now_ + Minutes(4)});
  EXPECT_EQ(record_.waits_for, "limit fleet_window: 1 of 1 in 10m");
  effects_.clear();
  Wait(Minutes(4) - Seconds(1));
  EXPECT_EQ(Count<effect::AskGrant>(effects_), 0);
  Wait(Seconds(1));
  EXPECT_TRUE(Asks());
}

TEST_F(HostMachine, TheWholeRoadBackToService) {
  ToProbation();
  Ok();
  Wait(Seconds(120));
  EXPECT_EQ(record_.want, Want::kSchedulable);
  EXPECT_EQ(record_.state, HostState::kProbation);
  EXPECT_FALSE(record_.grant.empty());
  View(0, false);
  EXPECT_EQ(record_.state, HostState::kHealthy);
  EXPECT_EQ(Count<effect::ReleaseGrant>(last_.effects), 1);
  EXPECT_EQ(record_.revision, 3u);
}

TEST_F(HostMachine, ADrainIsDoneOnlyWhenTheListSaysSo) {
  ToDraining();
  View(0, /*listed=*/false);
  EXPECT_EQ(record_.state, HostState::kDraining);
  View(1, true);
  EXPECT_EQ(record_.state, HostState::kDraining);
  View(0, true);
  EXPECT_EQ(record_.state, HostState::kDrained);
}

TEST_F(HostMachine, ALateDrainPagesAndForcesNothing) {
  ToDraining();
  effects_.clear();
  Wait(Minutes(31));
  EXPECT_EQ(record_.state, HostState::kDraining);
  EXPECT_EQ(Count<effect::Notify>(effects_), 1);
  EXPECT_EQ(Count<effect::Direct>(effects_), 0);
}

TEST_F(HostMachine, ATaintedHostThatRecoversGoesToProbationWithItsTaint) {
  ToTainted();
  Ok();
  Wait(Seconds(120));
  EXPECT_EQ(record_.state, HostState::kProbation);
  EXPECT_EQ(record_.want, Want::kTainted);
}

TEST_F(HostMachine, ADrainingHostThatRecoversKeepsOnlyItsTaint) {
  ToDraining();
  Ok();
  Wait(Seconds(120));
  EXPECT_EQ(record_.state, HostState::kProbation);
  EXPECT_EQ(record_.want, Want::kTainted);
}

TEST_F(HostMachine, ADrainedHostThatRecoversByItselfIsNotRepaired) {
  ToDraining();
  Ok();
  Wait(Seconds(60));
  View(0);
  EXPECT_EQ(record_.state, HostState::kDrained);
  Wait(Seconds(60));
  EXPECT_EQ(record_.state, HostState::kProbation);
  EXPECT_EQ(record_.attempt, 0);
}

TEST_F(HostMachine, WhatFailedIsNotTriedAgain) {
  ToRepairing();
  EXPECT_EQ(record_.rung, Rung::kRestartUnit);
  Repaired(RepairOutcome::kFailed);
  EXPECT_EQ(record_.state, HostState::kRepairing);
  EXPECT_EQ(record_.rung, Rung::kReboot);
  EXPECT_EQ(record_.repair_id, "web-1/1/2");
}

TEST_F(HostMachine, AnUnknownOutcomeIsNotTriedAgain) {
  ToRepairing();
  Wait(Minutes(15));
  EXPECT_EQ(record_.rung, Rung::kReboot);
  EXPECT_EQ(record_.attempt, 2);
}

TEST_F(HostMachine, AnOutcomeOfAnotherRepairIsIgnored) {
  ToRepairing();
  Take(input::Repaired{{"web-1/1/7", RepairOutcome::kDone, ""}});
  EXPECT_EQ(record_.state, HostState::kRepairing);
  EXPECT_THAT(last_.why, HasSubstr("ignored"));
}

TEST_F(HostMachine, AUsedUpLadderRetiresTheHostAndPages) {
  ToRetired();
  EXPECT_EQ(Count<effect::Notify>(last_.effects), 1);
  Wait(Hours(24));
  EXPECT_EQ(record_.state, HostState::kRetired);
  Take(input::Return{"op1"});
  EXPECT_EQ(record_.state, HostState::kProbation);
}

TEST_F(HostMachine, ARungThatIsAPersonRetires) {
  policy_.default_ladder = {Rung::kPerson};
  ToDrained();
  Wait(Seconds(1));
  EXPECT_EQ(record_.state, HostState::kRetired);
}

TEST_F(HostMachine, ARelapseInProbationGoesBackToWhereTheHostWas) {
  ToProbation();
  Wait(Seconds(29));  // still bad from before the repair: no relapse yet
  EXPECT_EQ(record_.state, HostState::kProbation);
  now_ += Seconds(1);
  Take(input::Tick{});
  EXPECT_EQ(record_.state, HostState::kDrained);
}

TEST_F(HostMachine, ARelapseOfATaintedHostIsTaintedAgain) {
  ToTainted();
  View(3);
  Take(input::Return{"op1"});
  EXPECT_EQ(record_.state, HostState::kProbation);
  Wait(Seconds(31));
  EXPECT_EQ(record_.state, HostState::kTainted);
}

TEST_F(HostMachine, AProbationThatDoesNotEndIsAPersons) {
  ToProbation();
  Report("DockerUnresponsive", Verdict::kUnknown);
  Wait(Hours(1));
  EXPECT_EQ(record_.state, HostState::kRetired);
}

TEST_F(HostMachine, ARepairInPlaceLeavesTheTasksAlone) {
  Bad("InPlace");
  Wait(Seconds(30));
  Take(input::Granted{GrantId("G-1")});
  EXPECT_EQ(record_.state, HostState::kRepairing);
  EXPECT_EQ(record_.revision, 0u);
  Repaired(RepairOutcome::kDone);
  Report("InPlace", Verdict::kOk);
  Wait(Seconds(120));
  EXPECT_EQ(record_.state, HostState::kHealthy);
  EXPECT_EQ(Count<effect::Direct>(effects_), 0);
  EXPECT_EQ(Count<effect::ReleaseGrant>(effects_), 1);
}

TEST_F(HostMachine, AFailedRepairInPlaceTaintsUnderTheSameGrant) {
  Bad("InPlace");
  Wait(Seconds(30));
  Take(input::Granted{GrantId("G-1")});
  Repaired(RepairOutcome::kFailed);
  EXPECT_EQ(record_.state, HostState::kTainted);
  EXPECT_EQ(record_.grant, GrantId("G-1"));
  EXPECT_EQ(Count<effect::AskGrant>(last_.effects), 0);
}

TEST_F(HostMachine, AListDoesNotEndAProbationInPlace) {
  Bad("InPlace");
  Wait(Seconds(30));
  Take(input::Granted{GrantId("G-1")});
  Repaired(RepairOutcome::kDone);
  View(5);
  EXPECT_EQ(record_.state, HostState::kProbation);
}

TEST_F(HostMachine, NothingNewHappensToAHeldOrProtectedHost) {
  for (const bool held : {true, false}) {
    record_ = HostRecord();
    record_.facts.host = HostId("web-1");
    record_.facts.boot_id = "boot-1";
    record_.facts_known = true;
    Take(input::Overlay{.held = held, .protected_ = !held, .reason = "op1"});
    Bad();
    Wait(Hours(1));
    EXPECT_EQ(record_.state, HostState::kSuspect);
    EXPECT_EQ(Count<effect::AskGrant>(effects_), 0);
    EXPECT_THAT(record_.waits_for, HasSubstr("op1"));
  }
}

TEST_F(HostMachine, AHoldStopsBetweenSteps) {
  ToTainted();
  Take(input::Overlay{.held = true, .reason = "op1"});
  View(3);
  Wait(Minutes(1));
  EXPECT_EQ(record_.state, HostState::kTainted);
  Take(input::Overlay{});
  Wait(Seconds(1));
  EXPECT_EQ(record_.state, HostState::kDraining);
}

TEST_F(HostMachine, EachModeStopsWhatItMust) {
  struct Case {
    Mode mode;
    bool asks;
  };
  for (const Case& c : std::vector<Case>{{Mode::kAuto, true},
                                         {Mode::kShadow, false},
                                         {Mode::kDegraded, false},
                                         {Mode::kTripped, false},
                                         {Mode::kHold, false}}) {
    around_.mode = c.mode;
    record_.state = HostState::kHealthy;
    Bad();
    effects_.clear();
    Wait(Seconds(40));
    EXPECT_EQ(Count<effect::AskGrant>(effects_) > 0, c.asks) << ModeName(c.mode);
  }
}

TEST_F(HostMachine, TheBrakeStopsADrainButNotARecovery) {
  ToTainted();
  around_.mode = Mode::kTripped;
  View(3);
  Wait(Minutes(1));
  EXPECT_EQ(record_.state, HostState::kTainted);
  Ok();
  Wait(Seconds(241));
  EXPECT_EQ(record_.want, Want::kSchedulable);
}

TEST_F(HostMachine, AFleetIssueHoldsTheDrain) {
  around_.issue = "I-7";
  ToSuspect();
  EXPECT_FALSE(Asks());
  EXPECT_EQ(record_.waits_for, "fleet issue I-7");
}

TEST_F(HostMachine, AHeldRuleJustifiesNothing) {
  around_.held_rules = {"kernel.oops"};
  Finding finding;
  finding.host = record_.facts.host;
  finding.boot_id = "boot-1";
  finding.rule = "kernel.oops";
  finding.condition.type = "KernelOops";
  finding.condition.verdict = Verdict::kBad;
  finding.condition.severity = Severity::kHard;
  finding.clear = Clear::kBoot;
  finding.first_at = finding.last_at = now_;
  Ok();
  Take(input::Found{finding});
  Wait(Minutes(5));
  EXPECT_EQ(record_.waits_for, "held: rule:kernel.oops");
  EXPECT_EQ(Count<effect::AskGrant>(effects_), 0);
}

TEST_F(HostMachine, ABootClearsWhatWasKnownOfTheLast) {
  ToSuspect();
  HostFacts facts = record_.facts;
  facts.boot_id = "boot-2";
  facts.booted_at = now_;
  Take(input::Facts{facts});
  EXPECT_THAT(record_.conditions, IsEmpty());
  Take(input::Granted{GrantId("G-1")});
  EXPECT_EQ(record_.state, HostState::kSuspect);
  EXPECT_TRUE(record_.grant.empty());
}

TEST_F(HostMachine, AReportOfAnOlderBootIsIgnored) {
  HealthEvent old;
  old.host = record_.facts.host;
  old.boot_id = "boot-0";
  old.booted_at = now_ - Hours(9);
  old.detector = "detector";
  old.sequence = 99;
  old.observed_at = now_;
  Take(input::Report{old});
  EXPECT_EQ(last_.why, "ignored: a report of another boot");
}

TEST_F(HostMachine, DuplicatesAndReorderingChangeNothing) {
  Bad();
  const HostRecord before = record_;
  HealthEvent again;
  again.host = record_.facts.host;
  again.boot_id = "boot-1";
  again.detector = "detector";
  again.sequence = 1;
  again.observed_at = now_;
  Take(input::Report{again});
  EXPECT_EQ(record_.conditions, before.conditions);
  EXPECT_EQ(record_.state, before.state);
}

TEST_F(HostMachine, APersonsDrainGoesThroughTheGrantAndWaitsForThePerson) {
  Ok();
  around_.mode = Mode::kShadow;
  Take(input::Overlay{.drain_wanted = true, .reason = "op1 \"disk swap\""});
  EXPECT_EQ(record_.state, HostState::kSuspect);
  EXPECT_TRUE(Asks());
  Take(input::Granted{GrantId("G-1")});
  View(2);
  Wait(Seconds(1));
  View(0);
  EXPECT_EQ(record_.state, HostState::kDrained);
  Wait(Hours(5));
  EXPECT_EQ(record_.state, HostState::kDrained);
  Take(input::Overlay{});
  Take(input::Return{"op1"});
  EXPECT_EQ(record_.state, HostState::kProbation);
}

TEST_F(HostMachine, ARelapseWhileTheUntaintIsUnderWayAsksAgain) {
  ToProbation();
  Ok();
  Wait(Seconds(120));
  Bad();
  EXPECT_EQ(record_.state, HostState::kProbation);
  View(0, false);
  EXPECT_EQ(record_.state, HostState::kHealthy);
  EXPECT_EQ(Count<effect::ReleaseGrant>(last_.effects), 1);
  Wait(Seconds(31));
  EXPECT_EQ(record_.state, HostState::kSuspect);
  EXPECT_TRUE(Asks());
}

TEST_F(HostMachine, AnOlderRecordIsNoticedByTheSchedulersRevision) {
  HostView view;
  view.host = record_.facts.host;
  view.revision = 12;
  view.want = Want::kTainted;
  Take(input::View{view, true});
  EXPECT_EQ(record_.revision, 12u);
  EXPECT_EQ(Count<effect::Notify>(last_.effects), 1);
  EXPECT_EQ(Count<effect::Direct>(last_.effects), 0);
}

TEST_F(HostMachine, SilentAndLostByTheSchedulerIsSuspectAndToldNotDrained) {
  Ok();
  Take(input::NotListed{});
  Wait(Minutes(2), true);
  EXPECT_EQ(record_.state, HostState::kSuspect);
  EXPECT_EQ(Count<effect::Notify>(effects_), 1);
  EXPECT_EQ(Count<effect::AskGrant>(effects_), 0);
}

TEST_F(HostMachine, IsTotalOverEveryStateAndInput) {
  const std::vector<Input> inputs = {input::Facts{record_.facts},
                                     input::Report{},
                                     input::Found{},
                                     input::Tick{},
                                     input::Granted{GrantId("g")},
                                     input::Refused{},
                                     input::View{},
                                     input::NotListed{},
                                     input::Repaired{},
                                     input::Overlay{},
                                     input::Return{"x"}};
  ASSERT_EQ(inputs.size(), std::variant_size_v<Input>);
  for (const HostState state :
       {HostState::kHealthy, HostState::kSuspect, HostState::kTainted, HostState::kDraining,
        HostState::kDrained, HostState::kRepairing, HostState::kProbation, HostState::kRetired}) {
    for (const Input& input : inputs) {
      HostRecord record = record_;
      record.state = state;
      const auto next = [&] { return Step(policy_, record, input, around_, now_).next; };
      EXPECT_EQ(next(), next()) << InputName(input);
    }
  }
}

// Runs every story of this file in one process: see CMakeLists.txt.
class ZTable : public ::testing::Test {};

TEST_F(ZTable, HasNoEdgeThatIsNeverTakenAndNoneIsTakenThatItLacks) {
  std::set<std::string> listed;
  for (const Transition& row : Transitions()) {
    if (row.from == row.to) continue;
    listed.insert(fmt::format("{}>{}", HostStateName(row.from), HostStateName(row.to)));
  }
  if (EdgesTaken().empty()) GTEST_SKIP() << "the stories ran in other processes";
  EXPECT_EQ(EdgesTaken(), listed);
}

}  // namespace
}  // namespace fleetmedic
