// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/policy_executor.h"

#include <gtest/gtest.h>

#include <csignal>

namespace mete::agent {
namespace {

// A cgroup that is nowhere; counts what is asked of it.
class FakeSubject : public Subject {
 public:
  explicit FakeSubject(const runtime::cgroup::Hierarchies& hierarchies)
      : group_(*runtime::cgroup::Group::at(hierarchies, "/nowhere")) {}

  config::Policy of_policy;
  int acts = 0;

  const runtime::cgroup::Group& cgroup() const override { return group_; }
  std::string shown() const override { return "it"; }
  std::string pod_key() const override { return {}; }
  std::string container_name() const override { return {}; }
  const config::Policy* policy() const override { return &of_policy; }
  std::optional<Bytes> memory_limit() const override { return std::nullopt; }
  std::optional<Bytes> original_limit() const override { return std::nullopt; }
  void report(Severity, std::string, std::string, EventFields) override {}
  Result<runtime::process::ProcessId> first_process() const override { return fail("none"); }
  Status raise_memory_limit(Bytes) override { return act(); }
  std::optional<runtime::cgroup::CpuBandwidth> own_cpu() const override { return std::nullopt; }
  std::optional<std::chrono::microseconds> lent_quota() const override { return std::nullopt; }
  Status lend_quota(std::optional<std::chrono::microseconds>) override { return act(); }
  Status restart(const std::string&) override { return act(); }
  Status kill_all() override { return act(); }
  Result<pid_t> exec(const std::vector<std::string>&, std::chrono::nanoseconds) override {
    ++acts;
    return 1;
  }
  Status guard_freeze(std::chrono::nanoseconds) override { return act(); }
  void guard_new_hold() override {}
  void unguard_freeze() override { ++acts; }
  Status let_kernel_decide() override { return act(); }
  void decide_again() override { ++acts; }
  bool restarting() const override { return false; }
  Status lift_memory_high() override { return act(); }
  Status notify_pressure() override { return act(); }
  void killed_by_policy(const std::string&) override { ++acts; }

 private:
  Status act() {
    ++acts;
    return {};
  }
  runtime::cgroup::Group group_;
};

void ask_for_everything(PolicyExecutor& executor, FakeSubject& subject) {
  (void)executor.kill_container(subject);
  (void)executor.kill_process(subject, 0);
  (void)executor.kill_rest(subject);
  (void)executor.restart(subject);
  (void)executor.exec(subject, {"true"}, std::chrono::seconds(1));
  (void)executor.raise(subject, Bytes(1));
  (void)executor.freeze(subject, std::chrono::seconds(1));
  (void)executor.lift_memory_high(subject);
  (void)executor.notify_pressure(subject);
  (void)executor.lend_quota(subject, std::nullopt);
}

TEST(PolicyExecutor, ADryRunDoesNothingAndSaysSo) {
  const runtime::cgroup::Hierarchies hierarchies{.mode = runtime::cgroup::Mode::kV2, .v2_mount = "/nowhere"};
  FakeSubject subject(hierarchies);
  subject.of_policy.dry_run = true;
  auto& executor = executor_of(subject);
  ask_for_everything(executor, subject);
  EXPECT_EQ(subject.acts, 0);
  EXPECT_TRUE(executor.signal({.pid = ::getpid()}, SIGKILL));
  EXPECT_EQ(executor.outcome_of({}), Outcome::kDryRun);
  EXPECT_EQ(executor.outcome_of(fail("it would not have worked")), Outcome::kDryRun);
  EXPECT_EQ(executor.exec(subject, {"true"}, std::chrono::seconds(1)).value_or(1), 0) << "there is no child to await";
}

TEST(PolicyExecutor, WithoutADryRunTheSubjectIsAsked) {
  const runtime::cgroup::Hierarchies hierarchies{.mode = runtime::cgroup::Mode::kV2, .v2_mount = "/nowhere"};
  FakeSubject subject(hierarchies);
  ask_for_everything(executor_of(subject), subject);
  EXPECT_GE(subject.acts, 8);
  EXPECT_EQ(executor_of(subject).outcome_of({}), Outcome::kDone);
  EXPECT_EQ(executor_of(subject).outcome_of(fail("no")), Outcome::kFailed);
}

TEST(PolicyExecutor, ADryRunDoesNotUseUpTheGuard) {
  const runtime::cgroup::Hierarchies hierarchies{.mode = runtime::cgroup::Mode::kV2, .v2_mount = "/nowhere"};
  FakeSubject subject(hierarchies);
  subject.of_policy.guard = config::GuardPolicy{.max_kills = 1, .per = std::chrono::seconds(60)};
  enforcers::KillGuard guard;
  const Moment now{std::chrono::seconds(100)};
  subject.of_policy.dry_run = true;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(executor_of(subject).may_kill(guard, subject.of_policy, now));
  subject.of_policy.dry_run = false;
  EXPECT_TRUE(executor_of(subject).may_kill(guard, subject.of_policy, now));
  EXPECT_FALSE(executor_of(subject).may_kill(guard, subject.of_policy, now));
}

}  // namespace
}  // namespace mete::agent
