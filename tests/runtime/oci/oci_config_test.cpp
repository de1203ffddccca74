// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "runtime/process/plan/plan.h"
#include "tests/runtime/oci/oci_config_support.h"

namespace mete::runtime::oci {
namespace {

const process::MountSpec* mount_at(const Config& config, const std::string& destination) {
  for (const auto* list : {&config.launch.mounts, &config.launch.cgroup_mounts}) {
    for (const auto& mount : *list) {
      if (mount.destination == destination) return &mount;
    }
  }
  return nullptr;
}

TEST(OciConfig, TheExampleIsReadAndPlanned) {
  const auto config = read(example());
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->launch.rootfs, "/bundle/rootfs");
  EXPECT_TRUE(config->launch.read_only_root);
  EXPECT_EQ(config->launch.hostname, "mete");
  EXPECT_EQ(config->launch.namespaces.size(), 6U);
  EXPECT_EQ(config->launch.masked_paths.size(), 12U);
  EXPECT_EQ(config->launch.identity.umask, 022U);
  EXPECT_EQ(config->cgroups_path, "");
  EXPECT_EQ(config->resources.device_rules, (std::vector<cgroup::DeviceRule>{{}}));
  EXPECT_TRUE(process::make_plan(config->launch));
}

TEST(OciConfig, ProcessFields) {
  Json json = example();
  json["process"]["user"] = {{"uid", 7}, {"gid", 8}, {"umask", 077}, {"additionalGids", {9, 10}}};
  json["process"]["oomScoreAdj"] = -5;
  json["process"]["rlimits"] = {{{"type", "RLIMIT_CORE"}, {"soft", 1}, {"hard", 18446744073709551615ULL}}};
  json["process"]["capabilities"]["ambient"] = {"CAP_KILL"};
  json["process"]["capabilities"]["inheritable"] = {"CAP_KILL"};
  const auto config = read(json);
  ASSERT_TRUE(config) << config.error().what;
  const auto& identity = config->launch.identity;
  EXPECT_EQ(identity.uid, 7U);
  EXPECT_EQ(identity.gid, 8U);
  EXPECT_EQ(identity.umask, 077U);
  EXPECT_EQ(identity.additional_gids, (std::vector<std::uint32_t>{9, 10}));
  EXPECT_EQ(identity.rlimits, (std::vector<process::ResourceLimit>{{RLIMIT_CORE, 1, RLIM64_INFINITY}}));
  EXPECT_EQ(identity.capabilities.ambient, 1ULL << 5U);
  EXPECT_TRUE(identity.no_new_privileges);
  EXPECT_EQ(config->launch.oom_score_adj, -5);
}

TEST(OciConfig, CapabilitiesThatCannotBeGivenAreWarnings) {
  Json json = example();
  json["process"]["capabilities"]["bounding"] = {"CAP_KILL", "CAP_OF_TOMORROW", "CAP_SYS_RESOURCE"};
  Surroundings poor = surroundings();
  poor.capabilities = ~(1ULL << 24U);
  const auto config = read_config(json.dump(), poor);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->launch.identity.capabilities.bounding, 1ULL << 5U);
  ASSERT_EQ(config->warnings.size(), 2U);
  EXPECT_NE(config->warnings[0].find("CAP_OF_TOMORROW"), std::string::npos);
}

TEST(OciConfig, MountOptions) {
  Json json = example();
  json["mounts"] = {
      {{"destination", "/a"},
       {"type", "tmpfs"},
       {"source", "t"},
       {"options", {"ro", "nosuid", "noexec", "exec", "size=1m", "sync", "x-mine"}}},
      {{"destination", "/b"}, {"source", "data"}, {"options", {"rbind", "ro", "rnosuid", "rslave"}}},
      {{"destination", "/c"}, {"type", "none"}, {"source", "/host"}, {"options", {"bind", "strictatime"}}},
      {{"destination", "d"}, {"type", "proc"}, {"source", "proc"}}};
  const auto config = read(json);
  ASSERT_TRUE(config) << config.error().what;
  const auto* a = mount_at(*config, "/a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->attributes, std::uint64_t{MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID});
  EXPECT_EQ(a->data, "size=1m,sync");
  const auto* b = mount_at(*config, "/b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->type, "bind");
  EXPECT_EQ(b->source, "/bundle/data");
  EXPECT_TRUE(b->recursive);
  EXPECT_EQ(b->top_attributes, std::uint64_t{MOUNT_ATTR_RDONLY});
  EXPECT_EQ(b->attributes, std::uint64_t{MOUNT_ATTR_NOSUID});
  EXPECT_EQ(b->propagation, std::uint64_t{MS_SLAVE | MS_REC});
  EXPECT_TRUE(config->launch.receive_host_mounts);
  const auto* c = mount_at(*config, "/c");
  ASSERT_NE(c, nullptr);
  EXPECT_FALSE(c->recursive);
  EXPECT_EQ(c->propagation, std::uint64_t{MS_PRIVATE | MS_REC}) << "another mount receives, this one must not";
  EXPECT_NE(mount_at(*config, "/d"), nullptr);
}

TEST(OciConfig, OptionsNameWhatABindTakesFromItsSource) {
  const auto bind = [](const Json& options) {
    Json json = example();
    json["mounts"] = {{{"destination", "/b"}, {"source", "/host"}, {"options", options}}};
    const auto config = read(json);
    EXPECT_TRUE(config) << options;
    return *mount_at(*config, "/b");
  };
  EXPECT_EQ(bind({"bind"}).top_cleared, 0U) << "what is not named stays as the source has it";
  EXPECT_EQ(bind({"bind", "rw", "exec", "suid", "dev"}).top_cleared,
            std::uint64_t{MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV});
  EXPECT_EQ(bind({"rbind", "rrw", "rexec"}).cleared, std::uint64_t{MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC});
  EXPECT_EQ(bind({"bind", "exec", "noexec"}).top_cleared, 0U) << "the later option wins";
  EXPECT_EQ(bind({"bind", "noexec", "exec"}).top_attributes, 0U);
  EXPECT_EQ(bind({"bind", "relatime"}).top_cleared, std::uint64_t{MOUNT_ATTR__ATIME});
  EXPECT_EQ(bind({"bind", "atime", "nostrictatime"}).top_cleared, 0U) << "they name no mode";
  EXPECT_EQ(bind({"bind", "noatime", "strictatime"}).top_attributes, std::uint64_t{MOUNT_ATTR_STRICTATIME});
  EXPECT_EQ(bind({"rbind", "rnodev", "dev", "exec"}).top_cleared, std::uint64_t{MOUNT_ATTR_NOEXEC}) << "of all mounts";
  EXPECT_EQ(bind({"rbind", "relatime", "rnoatime"}).top_cleared, 0U);
  EXPECT_TRUE(bind({"rbind", "bind"}).recursive && bind({"bind", "rbind"}).recursive && !bind({"bind"}).recursive);
}

TEST(OciConfig, TheCgroupMountIsTheHostsKind) {
  const auto config = read(example());
  ASSERT_TRUE(config);
  EXPECT_EQ(config->launch.cgroup_mounts.size(), 4U);
  const auto* memory = mount_at(*config, "/sys/fs/cgroup/memory");
  ASSERT_NE(memory, nullptr);
  EXPECT_NE(memory->attributes & MOUNT_ATTR_RDONLY, 0U);
  Surroundings v2 = surroundings();
  v2.cgroup_view = {{}, true};
  const auto other = read_config(example().dump(), v2);
  ASSERT_TRUE(other);
  ASSERT_EQ(other->launch.cgroup_mounts.size(), 1U);
  EXPECT_EQ(other->launch.cgroup_mounts[0].type, "cgroup2");
}

TEST(OciConfig, Resources) {
  Json json = example();
  json["linux"]["resources"] = {{"cpu",
                                 {{"shares", 512},
                                  {"quota", 20000},
                                  {"period", 50000},
                                  {"burst", 1000},
                                  {"idle", 1},
                                  {"cpus", "0-1"},
                                  {"mems", "0"}}},
                                {"memory", {{"limit", 1000000}, {"swap", 1500000}, {"reservation", 500000}}},
                                {"pids", {{"limit", 77}}},
                                {"hugepageLimits", {{{"pageSize", "2MB"}, {"limit", 4194304}}}},
                                {"devices",
                                 {{{"allow", false}, {"access", "rwm"}},
                                  {{"allow", true}, {"type", "c"}, {"major", 10}, {"minor", 229}, {"access", "rw"}}}},
                                {"blockIO", {{"weight", 0}}}};
  const auto config = read(json);
  ASSERT_TRUE(config) << config.error().what;
  const auto& limits = config->resources.limits;
  EXPECT_EQ(limits.cpu_shares, 512U);
  const auto& partial = config->resources.partial;
  EXPECT_EQ(partial.cpu_quota->value().count(), 20000);
  EXPECT_EQ(partial.cpu_period->count(), 50000);
  EXPECT_EQ(limits.cpu_burst->count(), 1000);
  EXPECT_EQ(limits.cpu_idle, true);
  EXPECT_EQ(limits.cpuset_cpus, "0-1");
  EXPECT_EQ(limits.memory->value(), Bytes(1000000));
  EXPECT_EQ(partial.memory_and_swap->value(), Bytes(1500000));
  EXPECT_EQ(limits.memory_soft->value(), Bytes(500000));
  EXPECT_EQ(limits.pids->value(), 77U);
  EXPECT_EQ(limits.hugetlb->at("2MB").value(), Bytes(4194304));
  EXPECT_EQ(config->resources.device_rules, (std::vector<cgroup::DeviceRule>{{}, {true, 'c', 10, 229, "rw"}}));
}

TEST(OciConfig, UnlimitedIsMinusOneAndNothingIsZero) {
  const auto unlimited = read_resources(R"({"memory":{"limit":-1,"swap":-1},"pids":{"limit":-1},"cpu":{"quota":-1}})");
  ASSERT_TRUE(unlimited) << unlimited.error().what;
  EXPECT_TRUE(unlimited->limits.memory->is_unlimited());
  EXPECT_TRUE(unlimited->limits.pids->is_unlimited());
  EXPECT_TRUE(unlimited->partial.cpu_quota->is_unlimited());
  const auto nothing = read_resources(R"({"memory":{"limit":0},"pids":{"limit":0},"cpu":{"quota":0,"shares":0}})");
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(nothing->limits_something());
}

// One number of a pair is not both: the other stays what it is.
TEST(OciConfig, OnlyWhatIsNamedIsAsked) {
  const auto period = read_resources(R"({"cpu":{"period":200000}})");
  ASSERT_TRUE(period) << period.error().what;
  EXPECT_FALSE(period->partial.cpu_quota);
  EXPECT_EQ(period->limits, cgroup::Limits());
  const auto none = read_resources(R"({"cpu":{"burst":0,"realtimeRuntime":0},"memory":{"disableOOMKiller":false}})");
  ASSERT_TRUE(none) << none.error().what;
  EXPECT_EQ(none->limits.cpu_burst, std::chrono::microseconds(0));
  EXPECT_EQ(none->limits.rt_runtime, std::chrono::microseconds(0));
  EXPECT_EQ(none->limits.oom_kill_disable, false);
  const auto rate = read_resources(R"({"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":5}]}})");
  ASSERT_TRUE(rate) << rate.error().what;
  ASSERT_EQ(rate->lines.size(), 1U) << "writes and operations keep their limits";
  EXPECT_EQ(rate->lines[0].v1_file + ": " + rate->lines[0].v1_text, "blkio.throttle.read_bps_device: 8:0 5");
  EXPECT_EQ(rate->lines[0].v2_file + ": " + rate->lines[0].v2_text, "io.max: 8:0 rbps=5");
  // From this number on the kernel takes it for no limit.
  EXPECT_FALSE(read_resources(R"({"blockIO":{"throttleReadIOPSDevice":[{"major":8,"minor":0,"rate":4294967295}]}})"));
}

TEST(OciConfig, SeccompRules) {
  Json json = example();
  json["linux"]["seccomp"] = {
      {"defaultAction", "SCMP_ACT_ERRNO"},
      {"defaultErrnoRet", 38},
      {"architectures", {"SCMP_ARCH_X86_64"}},
      {"syscalls",
       {{{"names", {"read", "write"}}, {"action", "SCMP_ACT_ALLOW"}},
        {{"names", {"personality"}},
         {"action", "SCMP_ACT_ALLOW"},
         {"args",
          {{{"index", 0}, {"value", 1}, {"op", "SCMP_CMP_EQ"}}, {{"index", 0}, {"value", 2}, {"op", "SCMP_CMP_EQ"}}}}},
        {{"names", {"x"}}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", 38}}}}};
  const auto config = read(json);
  ASSERT_TRUE(config) << config.error().what;
  ASSERT_TRUE(config->seccomp);
  EXPECT_EQ(config->seccomp->default_action, SECCOMP_RET_ERRNO | 38U);
  ASSERT_EQ(config->seccomp->rules.size(), 3U) << "alternatives are rules of their own, the default's repetition none";
  EXPECT_EQ(config->seccomp->rules[2].arguments.size(), 1U);
  EXPECT_TRUE(compile_seccomp(*config->seccomp));
}

}  // namespace
}  // namespace mete::runtime::oci
