#include "tests/sim/scheduler_truth.h"
namespace fleetmedic::sim {
namespace {
class Model final : public SchedulerTruth {
 public:
  Model(EventLoop* loop, Fleet* fleet) : loop_(loop), fleet_(fleet) {}
  void Start() override {
    for (auto& [id, h] : fleet_->hosts()) left_[id] = 3;
    loop_->Every(Seconds(2), Seconds(1), [this] {
      for (auto& [id, d] : directives_) {
        if (d.want == Want::kDrained && left_[id] > 0) --left_[id];
        if (d.want == Want::kSchedulable) left_[id] = 3;
      }
    });
  }
  Result<HostView> Apply(const Directive& d) override {
    Directive& mine = directives_[d.host];
    if (mine.revision > d.revision) return fleetmedic::Fail(Code::kConflict, "older");
    mine = d;
    return View(d.host);
  }
  HostView View(const HostId& id) {
    HostView v;
    v.host = id;
    if (directives_.contains(id)) { v.revision = directives_[id].revision; v.want = directives_[id].want; }
    v.tasks_left = left_[id];
    v.connected = !fleet_->hosts().at(id).booting;
    return v;
  }
  std::vector<HostView> List() override {
    std::vector<HostView> l;
    for (auto& [id, h] : fleet_->hosts()) l.push_back(View(id));
    return l;
  }
  std::map<HostId, Directive> Directives() const override { return directives_; }
  std::string Unsound() const override { return ""; }
 private:
  EventLoop* loop_; Fleet* fleet_;
  std::map<HostId, Directive> directives_;
  std::map<HostId, int> left_;
};
}
std::unique_ptr<SchedulerTruth> MakeBundledScheduler(EventLoop* loop, EventLog*, Fleet* fleet) {
  return std::make_unique<Model>(loop, fleet);
}
}
