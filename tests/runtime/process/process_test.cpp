// SPDX-License-Identifier: Apache-2.0
// The pure side of launching: plans, their bytes, what is said of processes and signals.
#include <gtest/gtest.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "runtime/process/capabilities.h"
#include "runtime/process/launch/intermediate.h"
#include "runtime/process/launch/shared_launch.h"
#include "runtime/process/namespace_files.h"
#include "runtime/process/plan/enter.h"
#include "runtime/process/plan/plan.h"
#include "runtime/process/plan/wire.h"
#include "runtime/process/process_id.h"
#include "runtime/process/signals.h"

namespace mete::runtime {
namespace {

using process::LaunchSpec;
using process::NamespaceKind;

LaunchSpec small_spec() {
  LaunchSpec spec;
  spec.rootfs = "/root";
  spec.namespaces = {{NamespaceKind::mount, ""},
                     {NamespaceKind::pid, ""},
                     {NamespaceKind::network, ""},
                     {NamespaceKind::uts, ""},
                     {NamespaceKind::cgroup, ""}};
  spec.hostname = "h";
  spec.mounts = {{.destination = "/proc", .type = "proc", .source = "proc", .data = "a=1,,b"}};
  spec.masked_paths = {"/proc/kcore"};
  spec.args = {"true"};
  return spec;
}

std::vector<std::string> described(const process::Plan& plan) {
  std::vector<std::string> lines;
  for (const auto& op : plan.ops) lines.push_back(process::describe(op));
  return lines;
}

TEST(Plan, PutsTheOperationsInTheOrderTheyNeed) {
  const auto plan = process::make_plan(small_spec());
  ASSERT_TRUE(plan) << plan.error().what;
  EXPECT_EQ(described(*plan), (std::vector<std::string>{
                                  "set host name h", "make namespaces", "bring up lo", "make mounts private",
                                  "mount root /root", "mount proc on /proc", "wait for the cgroups",
                                  "make cgroup namespace", "mask /proc/kcore", "pivot root", "change directory /"}));
  EXPECT_EQ(plan->clone_flags, static_cast<std::uint64_t>(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS))
      << "the cgroup namespace comes after its cgroup";
  EXPECT_EQ(std::count(plan->ops.begin(), plan->ops.end(), process::SetupOp(process::Unshare{CLONE_NEWNET})), 1);
  const auto& mount = std::get<process::MountFilesystem>(plan->ops[5]);
  EXPECT_EQ(mount.options, (std::vector<std::string>{"a=1", "b"}));
}

TEST(Plan, JoinsWhatHasAPath) {
  auto spec = small_spec();
  spec.namespaces[1].path = "/proc/7/ns/pid";
  spec.namespaces[2].path = "/proc/7/ns/net";
  const auto plan = process::make_plan(spec);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->join_pid_namespace, "/proc/7/ns/pid");
  EXPECT_EQ(described(*plan).front(), "join namespace /proc/7/ns/net");
  EXPECT_EQ(std::count(plan->ops.begin(), plan->ops.end(), process::SetupOp(process::LoopbackUp{})), 0)
      << "it is not ours to change";
}

TEST(Plan, JoinsAllNamespacesInOneOperation) {
  auto spec = small_spec();
  spec.namespaces[0].path = "/proc/7/ns/mnt";
  spec.namespaces[3].path = "/proc/7/ns/uts";
  const auto plan = process::make_plan(spec);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->ops.front(), process::SetupOp(process::JoinNamespaces{{{NamespaceKind::mount, "/proc/7/ns/mnt"},
                                                                         {NamespaceKind::uts, "/proc/7/ns/uts"}}}));
  EXPECT_TRUE(process::joined_by_intermediate(*plan, false).empty()) << "the child has the right itself";
  spec.namespaces.push_back({NamespaceKind::user, ""});
  spec.uid_mappings = {{0, 100000, 65536}};
  EXPECT_EQ(process::joined_by_intermediate(*process::make_plan(spec), false).size(), 2U);
  spec.namespaces.back().path = "/proc/7/ns/user";
  EXPECT_EQ(process::joined_by_intermediate(*process::make_plan(spec), false).back().kind, NamespaceKind::user);
  spec.namespaces[1].path = "/proc/7/ns/pid";
  EXPECT_EQ(process::joined_by_intermediate(*process::make_plan(spec), true).back().kind, NamespaceKind::pid);
}

TEST(Plan, TheTimeNamespaceBelongsToTheUserNamespace) {
  auto spec = small_spec();
  spec.namespaces.push_back({NamespaceKind::time, ""});
  spec.boottime_offset = process::TimeOffset{5, 6};
  const auto first = [&] { return process::make_plan(spec)->ops.front(); };
  EXPECT_EQ(first(), process::SetupOp(process::NewTimeNamespace{"boottime 5 6\n"}));
  spec.namespaces.push_back({NamespaceKind::user, ""});
  spec.uid_mappings = {{0, 100000, 65536}};
  EXPECT_EQ(first(), process::SetupOp(process::NewTimeNamespace{"boottime 5 6\n"}))
      << "in the new user namespace, before its mappings";
  spec.namespaces.back().path = "/proc/7/ns/user";
  const auto joined = process::make_plan(spec);
  EXPECT_TRUE(joined->new_time_namespace) << "by the process that joins the user namespace";
  EXPECT_EQ(joined->time_offsets, "boottime 5 6\n");
}

TEST(Plan, BecomesReadOnlyWhenAllIsMade) {
  auto spec = small_spec();
  spec.read_only_root = true;
  spec.cwd = "/a/b";
  spec.mounts = {{.destination = "/dev", .type = "tmpfs", .attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID},
                 {.destination = "/dev/pts", .type = "devpts"},
                 {.destination = "/v", .type = "tmpfs", .attributes = MOUNT_ATTR_RDONLY},
                 {.destination = "/v/", .type = "bind", .source = "/x"}};
  spec.masked_paths.clear();
  const auto plan = process::make_plan(spec);
  ASSERT_TRUE(plan) << plan.error().what;
  EXPECT_EQ(std::get<process::MountFilesystem>(plan->ops[5]).attributes, std::uint64_t{MOUNT_ATTR_NOSUID});
  EXPECT_EQ(std::get<process::MountFilesystem>(plan->ops[7]).attributes, std::uint64_t{MOUNT_ATTR_RDONLY})
      << "another mount covers it";
  const auto lines = described(*plan);
  EXPECT_EQ((std::vector<std::string>(lines.end() - 5, lines.end())),
            (std::vector<std::string>{"make directory /a/b", "change the mount /dev", "make read-only /", "pivot root",
                                      "change directory /a/b"}));
}

TEST(Plan, ProcAndSysAreNoLinks) {
  auto spec = small_spec();
  spec.mounts = {{.destination = "/x/proc", .type = "proc"},
                 {.destination = "/sys/", .type = "bind", .source = "/sys"},
                 {.destination = "/data", .type = "bind", .source = "/data"},
                 {.destination = "/dev", .type = "tmpfs"}};
  const auto plan = process::make_plan(spec);
  ASSERT_TRUE(plan);
  EXPECT_TRUE(std::get<process::MountFilesystem>(plan->ops[5]).no_links);
  EXPECT_TRUE(std::get<process::BindMount>(plan->ops[6]).no_links);
  EXPECT_FALSE(std::get<process::BindMount>(plan->ops[7]).no_links);
  EXPECT_FALSE(std::get<process::MountFilesystem>(plan->ops[8]).no_links);
}

TEST(Plan, RefusesWhatCannotBeDone) {
  const auto error = [](auto change) {
    auto spec = small_spec();
    change(spec);
    const auto plan = process::make_plan(spec);
    return plan ? std::string() : plan.error().what;
  };
  EXPECT_NE(error([](LaunchSpec& spec) { spec.args.clear(); }), "");
  EXPECT_NE(error([](LaunchSpec& spec) { spec.cwd = "relative"; }), "");
  EXPECT_NE(error([](LaunchSpec& spec) { spec.mounts[0].destination = "proc"; }), "");
  EXPECT_NE(error([](LaunchSpec& spec) { spec.namespaces.clear(); }), "");
  EXPECT_NE(error([](LaunchSpec& spec) { spec.overlay = process::OverlayRoot{"/l", {}, "u", "w"}; }), "");
  EXPECT_NE(error([](LaunchSpec& spec) {
              spec.overlay = process::OverlayRoot{"/l", std::vector<std::string>(500, "0123456789abcdef"), "u", "w"};
            }),
            "");
}

TEST(Plan, SysctlsMustBelongToANamespaceTheContainerHas) {
  const auto allowed = [](const std::string& key, std::vector<NamespaceKind> without = {}) {
    auto spec = small_spec();
    spec.namespaces.push_back({NamespaceKind::ipc, ""});
    std::erase_if(spec.namespaces, [&](const auto& use) {
      return std::find(without.begin(), without.end(), use.kind) != without.end();
    });
    spec.sysctls[key] = "1";
    return process::make_plan(spec).has_value();
  };
  EXPECT_TRUE(allowed("net.ipv4.ip_forward"));
  EXPECT_TRUE(allowed("kernel.shmmax"));
  EXPECT_FALSE(allowed("net.ipv4.ip_forward", {NamespaceKind::network}));
  EXPECT_FALSE(allowed("kernel.shmmax", {NamespaceKind::ipc}));
  EXPECT_TRUE(allowed("kernel.domainname"));
  EXPECT_FALSE(allowed("kernel.hostname")) << "it has a field of its own";
  for (const char* key : {"kernel.core_pattern", "vm.overcommit_memory", "kernel.shmmax+kernel.core_pattern",
                          "net/../kernel/core_pattern", "net...kernel.core_pattern"}) {
    EXPECT_FALSE(allowed(key)) << key;
  }
}

TEST(Wire, APlanIsReadBackAsItWasWritten) {
  auto spec = small_spec();
  spec.overlay = process::OverlayRoot{"/layers", {"b", "a"}, "/u", "/w"};
  spec.sysctls = {{"net.ipv4.ip_forward", "1"}};
  spec.devices = {{"/dev/null", 1, 2, 3, 4}};
  spec.identity.additional_gids = {5, 6};
  spec.identity.umask = 022;
  spec.identity.rlimits = {{7, 8, 9}};
  spec.identity.seccomp_filter = std::string("\0\1binary", 8);
  spec.uid_mappings = {{0, 100000, 65536}};
  spec.namespaces.push_back({NamespaceKind::user, ""});
  spec.oom_score_adj = -997;
  const auto plan = process::make_plan(spec);
  ASSERT_TRUE(plan) << plan.error().what;
  const std::string bytes = process::encode(*plan);
  const auto back = process::decode_plan(bytes);
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(*back, *plan);
  // Cut anywhere, or longer, it is an error and no crash.
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(process::decode_plan(bytes.substr(0, length)));
  EXPECT_FALSE(process::decode_plan(bytes + "x"));
}

TEST(Wire, OfAPlanTheWantedOperationsAlone) {
  auto spec = small_spec();
  spec.session_keyring = "_ses.one";
  const auto plan = process::make_plan(spec);
  ASSERT_TRUE(plan) << plan.error().what;
  const std::string bytes = process::encode(*plan);
  const auto some = process::decode_plan(bytes, process::matters_for_entering);
  ASSERT_TRUE(some) << some.error().what;
  ASSERT_FALSE(some->ops.empty());
  auto expected = *plan;
  std::erase_if(expected.ops, [](const auto& op) { return !process::matters_for_entering(op); });
  EXPECT_LT(expected.ops.size(), plan->ops.size());
  EXPECT_EQ(*some, expected);
  // What enters is the same of both.
  const process::EnterSpec enter{.pid = ::getpid(), .args = {"true"}};
  EXPECT_EQ(process::make_enter_plan(*some, enter).value(), process::make_enter_plan(*plan, enter).value());
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(process::decode_plan(bytes.substr(0, length), process::matters_for_entering));
}

// An enter plan by pidfd whose every step the child does alone.
process::Plan plain_entering(process::EnterSpec spec = {}) {
  const auto container = process::make_plan(small_spec()).value();
  spec.pid = ::getpid();
  spec.args = {"true"};
  spec.by_pidfd = true;
  return process::make_enter_plan(container, spec).value();
}

TEST(SharedLaunch, OnlyWhereTheLauncherHasNoPart) {
  process::LaunchOptions options;
  options.process = 7;
  EXPECT_TRUE(process::can_share_memory(plain_entering(), options));
  EXPECT_FALSE(process::can_share_memory(process::make_plan(small_spec()).value(), options)) << "a container's first";
  EXPECT_FALSE(process::can_share_memory(plain_entering(), {})) << "without a pidfd";
  EXPECT_FALSE(process::can_share_memory(plain_entering({.terminal = process::TerminalSpec{}}), options));
  auto plan = plain_entering();
  plan.identity.seccomp_flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
  EXPECT_FALSE(process::can_share_memory(plan, options)) << "the launcher takes the listener";
  plan = plain_entering();
  plan.uid_mappings = {{0, 100000, 1}};
  EXPECT_FALSE(process::can_share_memory(plan, options)) << "the launcher writes the mappings";
  plan = plain_entering();
  plan.join_user_namespace = "/proc/1/ns/user";
  EXPECT_FALSE(process::can_share_memory(plan, options)) << "an intermediate process joins it";
  plan = plain_entering();
  plan.ops.push_back(process::AwaitHooks{});
  EXPECT_FALSE(process::can_share_memory(plan, options));
  auto others = options;
  others.start_gate = 5;
  EXPECT_FALSE(process::can_share_memory(plain_entering(), others));
  others = options;
  others.record = [](pid_t) { return Status(); };
  EXPECT_FALSE(process::can_share_memory(plain_entering(), others)) << "the child waits until it is recorded";
  others = options;
  others.make_cgroups = [] { return Status(); };
  EXPECT_FALSE(process::can_share_memory(plain_entering(), others));
}

TEST(Enter, ByPidfdJoinsAllKindsWithOneOperation) {
  const auto plan = plain_entering();
  EXPECT_EQ(plan.join_pid_namespace, "/proc/" + std::to_string(::getpid()) + "/ns/pid");
  const auto at = std::find_if(plan.ops.begin(), plan.ops.end(),
                               [](const auto& op) { return std::holds_alternative<process::JoinProcess>(op); });
  ASSERT_NE(at, plan.ops.end());
  for (const auto& use : std::get<process::JoinProcess>(*at).all) {
    EXPECT_NE(use.kind, NamespaceKind::user);
    EXPECT_NE(use.kind, NamespaceKind::pid);
  }
  EXPECT_EQ(std::get<process::JoinProcess>(*at).all.size(), 6U);
}

TEST(Namespaces, OnesOwnAreKnown) {
  const std::string own = "/proc/" + std::to_string(::getpid()) + "/ns/";
  EXPECT_TRUE(process::is_own({NamespaceKind::network, own + "net"}));
  EXPECT_FALSE(process::is_own({NamespaceKind::network, own + "uts"}));
  EXPECT_EQ(std::string(process::file_name_of(NamespaceKind::cgroup)), "cgroup");
}

TEST(ProcessId, ReadsTheStartTimePastAnyCommandName) {
  EXPECT_EQ(process::parse_start_time("7 (a) b) (c) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 9 10").value(),
            123456U);
  EXPECT_FALSE(process::parse_start_time("7 (a) S 1 2 3"));
  EXPECT_FALSE(process::parse_start_time("nothing"));
}

TEST(ProcessId, TellsAReusedPidApart) {
  const auto self = process::identify(::getpid());
  ASSERT_TRUE(self);
  EXPECT_TRUE(process::open_pidfd(*self));
  EXPECT_EQ(process::open_pidfd({self->pid, self->start_time + 1}).error().code, ESRCH);
}

TEST(Signals, AreReadAsPeopleWriteThem) {
  for (const char* text : {"TERM", "SIGTERM", "sigterm", "15"})
    EXPECT_EQ(process::signal_number(text), SIGTERM) << text;
  EXPECT_EQ(process::signal_number("RTMIN+3"), SIGRTMIN + 3);
  EXPECT_EQ(process::signal_number("SIGRTMAX-1"), SIGRTMAX - 1);
  for (const char* text : {"", "0", "-1", "65", "NOPE", "RTMIN+99", "SIGRTMIN-1", "15x"})
    EXPECT_FALSE(process::signal_number(text)) << text;
}

TEST(Capabilities, AreReadAsPeopleWriteThem) {
  EXPECT_EQ(process::capability_mask("NET_ADMIN"), 1U << 12U);
  EXPECT_EQ(process::capability_mask("cap_net_admin"), 1U << 12U);
  EXPECT_EQ(process::capability_mask("ALL"), process::all_capabilities());
  EXPECT_FALSE(process::capability_mask("CAP_NOTHING"));
  EXPECT_EQ(process::capability_names(1U << 12U), (std::vector<std::string>{"CAP_NET_ADMIN"}));
}

}  // namespace
}  // namespace mete::runtime
