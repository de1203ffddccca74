// SPDX-License-Identifier: Apache-2.0
#include "config/model/agent_config.h"

#include "tests/config/support.h"

namespace mete::config {
namespace {

AgentConfigFile read(std::string_view text) {
  return read_agent_config(text, "agent.yaml");
}

TEST(AgentConfig, TheStorageDriverIsAWord) {
  EXPECT_EQ(read("{}").config.storage.driver, StorageDriver::kAutomatic);
  EXPECT_EQ(read("{}").config.storage.disk_limit, DiskLimit::kEvict);
  for (const auto& each : kStorageDrivers) {
    const auto file = read("storage: {driver: " + std::string(each.word) + "}");
    EXPECT_TRUE(file.errors.empty());
    EXPECT_EQ(file.config.storage.driver, each.driver);
  }
  const auto quota = read("storage: {ephemeralStorage: quota}");
  EXPECT_EQ(quota.config.storage.disk_limit, DiskLimit::kQuota);
  EXPECT_FALSE(read("storage: {driver: floppy}").errors.empty());
}

TEST(AgentConfig, AThinPoolIsAFileADeviceOrAnothersPool) {
  const auto none = read("storage: {driver: devicemapper}").config.storage.thin_pool;
  EXPECT_TRUE(none.device.empty() && none.pool.empty() && !none.size);
  EXPECT_EQ(none.root_size, Bytes(10LL << 30));
  const auto file = read("storage: {thinPool: {size: 50Gi, rootSize: 256Mi}}");
  EXPECT_TRUE(file.errors.empty()) << joined(file.errors);
  EXPECT_EQ(file.config.storage.thin_pool.size, Bytes(50LL << 30));
  EXPECT_EQ(file.config.storage.thin_pool.root_size, Bytes(256LL << 20));
  EXPECT_EQ(read("storage: {thinPool: {device: /dev/sdb}}").config.storage.thin_pool.device, "/dev/sdb");
  EXPECT_EQ(read("storage: {thinPool: {pool: vg-thin-tpool}}").config.storage.thin_pool.pool, "vg-thin-tpool");
  const auto refusal = [](const std::string& fields) {
    return joined(read("storage: {thinPool: {" + fields + "}}").errors);
  };
  EXPECT_NE(refusal("device: sdb").find("expected the path of a block device"), std::string::npos);
  EXPECT_NE(refusal("pool: /dev/mapper/thin").find("without a folder"), std::string::npos);
  EXPECT_NE(refusal("device: /dev/sdb, pool: thin").find("one of the two"), std::string::npos);
  EXPECT_NE(refusal("size: 1Mi").find("at least 128Mi"), std::string::npos);
  EXPECT_NE(refusal("rootSize: 1Mi").find("at least 32Mi"), std::string::npos);
  EXPECT_NE(refusal("pool: thin, size: 50Gi").find("which has a size of its own"), std::string::npos);
}

TEST(AgentConfig, Runtimes) {
  EXPECT_TRUE(read("{}").config.runtimes.empty());
  const auto file = read("runtimes:\n- {name: runc}\n- {name: other, path: /opt/other, args: [--x, \"y z\"]}\n");
  ASSERT_TRUE(file.errors.empty());
  const std::vector<RuntimeProgram> expected = {{"runc", "", {}}, {"other", "/opt/other", {"--x", "y z"}}};
  EXPECT_EQ(file.config.runtimes, expected);
  const auto refused = [](const std::string& runtimes, const std::string& field) {
    const auto wrong = read("runtimes: [" + runtimes + "]");
    return wrong.errors.size() == 1 && wrong.errors[0].field == field;
  };
  EXPECT_TRUE(refused("{name: mete}", "runtimes[0].name"));
  EXPECT_TRUE(refused("{name: Run_C}", "runtimes[0].name"));
  EXPECT_TRUE(refused("{name: a}, {name: a}", "runtimes[1].name"));
  EXPECT_TRUE(refused("{name: a, path: bin/a}", "runtimes[0].path"));
  EXPECT_TRUE(refused("{path: /bin/a}", "runtimes[0]"));
}

TEST(AgentConfig, AllOfItMayBeLeftOut) {
  for (const char* text : {"", "{}", "export: {}", "export:\n", "# nothing\n"}) {
    const auto file = read(text);
    EXPECT_TRUE(file.errors.empty()) << text << "\n" << joined(file.errors);
    const ExportPolicy& exported = file.config.exported;
    EXPECT_TRUE(exported.containers && exported.slices && exported.services && exported.id_label) << text;
    EXPECT_FALSE(exported.other || exported.kube) << text;
    EXPECT_EQ(exported.labels, (std::vector<std::string>{"com.docker.compose.project", "com.docker.compose.service"}))
        << text;
    EXPECT_GT(exported.most_cgroups, 1'000) << text;
  }
}

TEST(AgentConfig, ReadsEverything) {
  const auto file = read(R"(export:
  containers: false
  slices: false
  services: false
  other: true
  include: ["/hand/*"]
  exclude: [/docker/*, "*.mount"]
  idLabel: false
  labels: ["app.kubernetes.io/*"]
  maxCgroups: 7
  kube: true
collectors:
  enable: [sockets]
  disable: [io, pids]
web: {configFile: web.yml}
)");
  ASSERT_TRUE(file.errors.empty()) << joined(file.errors);
  const ExportPolicy& exported = file.config.exported;
  EXPECT_FALSE(exported.containers || exported.slices || exported.services || exported.id_label);
  EXPECT_TRUE(exported.other && exported.kube);
  EXPECT_EQ(exported.include, std::vector<std::string>{"/hand/*"});
  EXPECT_EQ(exported.exclude, (std::vector<std::string>{"/docker/*", "*.mount"}));
  EXPECT_EQ(exported.labels, std::vector<std::string>{"app.kubernetes.io/*"});
  EXPECT_EQ(exported.most_cgroups, 7);
  EXPECT_EQ(file.config.collectors.enable, std::vector<std::string>{"sockets"});
  EXPECT_EQ(file.config.web_config, "web.yml");
  EXPECT_EQ(file.config.collectors.disable, (std::vector<std::string>{"io", "pids"}));
}

TEST(AgentConfig, ReadsWhatIsKeptForTheMachine) {
  const auto file = read(R"(machine:
  reserve: {cpu: 500m, memory: 512Mi}
  outOfMemory:
    pressure: {full: 20%, for: 2s}
    do: report
    protect: [default/db, "kube-system/*"]
)");
  ASSERT_TRUE(file.errors.empty()) << joined(file.errors);
  const MachinePolicy& machine = file.config.machine;
  EXPECT_EQ(machine.reserve_cpu, MilliCpu(500));
  EXPECT_EQ(machine.reserve_memory, Bytes(512 << 20));
  ASSERT_TRUE(machine.pressure);
  EXPECT_FALSE(machine.pressure->some);
  EXPECT_EQ(machine.pressure->full, Ratio(200'000));
  EXPECT_EQ(machine.pressure->over, std::chrono::seconds(2));
  EXPECT_TRUE(machine.report_only);
  EXPECT_EQ(machine.protect, (std::vector<std::string>{"default/db", "kube-system/*"}));
  EXPECT_EQ(read("").config.machine.reserve_memory, Bytes(0)) << "whoever says nothing has nobody ended";
}

TEST(AgentConfig, NoLabelsAtAll) {
  EXPECT_TRUE(read("export: {labels: []}").config.exported.labels.empty());
}

struct Wrong {
  const char* text;
  const char* error;  // how it begins
};

TEST(AgentConfig, ErrorsNameTheirPlace) {
  const std::vector<Wrong> cases = {
      {"export: {servces: true}", "agent.yaml:1:10: export.servces: unknown field, did you mean `services`?"},
      {"exprot: {}\n", "agent.yaml:1:1: exprot: unknown field, did you mean `export`?"},
      {"export: {kube: 3}", "agent.yaml:1:16: export.kube: found the number 3, expected"},
      {"export:\n  slices: maybe\n", "agent.yaml:2:11: export.slices: found"},
      {"export:\n  maxCgroups: 0\n", "agent.yaml:2:15: export.maxCgroups: found the number 0, expected"},
      {"export: {maxCgroups: 1000001}", "agent.yaml:1:22: export.maxCgroups: found the number 1000001, expected"},
      {"export: {maxCgroups: many}", "agent.yaml:1:22: export.maxCgroups: found"},
      {"export: {labels: {a: b}}", "agent.yaml:1:18: export.labels: found"},
      {"export: {include: [[a]]}", "agent.yaml:1:20: export.include"},
      {"export: [1]", "agent.yaml:1:9: export: found"},
      {"collectors: {disable: io}", "agent.yaml:1:23: collectors.disable: found"},
      {"export: {other: true, other: false}", "agent.yaml:1:23: "},
      {"export: [", "agent.yaml:"},
      {"- export\n", "agent.yaml:1:1: "},
      {"machine: {reserve: {memory: -1}}", "agent.yaml:1:29: machine.reserve.memory: found"},
      {"machine: {reserve: {cpu: lots}}", "agent.yaml:1:26: machine.reserve.cpu: found"},
      {"machine: {outOfMemory: {do: reboot}}", "agent.yaml:1:29: machine.outOfMemory.do: found"},
      {"machine: {outOfMemory: {pressure: {for: 1s}}}", "agent.yaml:1:35: machine.outOfMemory.pressure: found neither"},
      {"machine: {outOfMemory: {pressure: {full: 101%, for: 1s}}}",
       "agent.yaml:1:42: machine.outOfMemory.pressure.full: found"},
      {"machine: {outOfMemory: {pressure: {full: 10%, for: 0s}}}",
       "agent.yaml:1:52: machine.outOfMemory.pressure.for: found"},
      {"web: {configFile: [a]}", "agent.yaml:1:19: web.configFile: found"},
      {"web: {configFile: ''}", "agent.yaml:1:19: web.configFile: found an empty path, expected"},
      {"web: {confgFile: a}", "agent.yaml:1:7: web.confgFile: unknown field, did you mean `configFile`?"},
      {"export:\n  include: [\"\xff\"]\n", "agent.yaml:2:"},
  };
  for (const Wrong& wrong : cases) {
    const auto file = read(wrong.text);
    ASSERT_FALSE(file.errors.empty()) << wrong.text;
    EXPECT_TRUE(to_string(file.errors[0]).starts_with(wrong.error)) << wrong.text << "\n" << to_string(file.errors[0]);
    EXPECT_FALSE(file.config.exported.kube) << "a wrong file changes nothing";
  }
}

TEST(AgentConfig, OfSeveralErrorsAllAreTold) {
  EXPECT_EQ(read("export:\n  containrs: true\n  slices: maybe\n  maxCgroups: -1\n").errors.size(), 3U);
}

TEST(AgentConfig, WithAnErrorNothingIsTaken) {
  const auto file = read("export: {containers: false, slcies: false}");
  EXPECT_FALSE(file.errors.empty());
  EXPECT_TRUE(file.config.exported.containers);
}

TEST(AgentConfig, TheNetworkOfPods) {
  EXPECT_EQ(read("").config.network.pods, DefaultNetwork::kAutomatic);
  EXPECT_EQ(to_string(read("").config.network.range), "10.77.0.0/16");
  const auto file = read(
      "network: {default: bridge, device: br-x, subnet: 10.5.0.0/24, subnet6: 'fd00:5::/64', mtu: 1400, icc: false}");
  ASSERT_TRUE(file.errors.empty()) << joined(file.errors);
  const NetworkPolicy& network = file.config.network;
  EXPECT_EQ(network.pods, DefaultNetwork::kBridge);
  EXPECT_EQ(network.device, "br-x");
  EXPECT_EQ(to_string(network.range), "10.5.0.0/24");
  EXPECT_EQ(to_string(network.range6.value()), "fd00:5::/64");
  EXPECT_EQ(network.mtu, 1400);
  EXPECT_FALSE(network.between_containers);
  EXPECT_EQ(read("network: {default: none}").config.network.pods, DefaultNetwork::kNone);
  for (const char* wrong : {"{default: host}", "{subnet: 10.5.0.1/24}", "{subnet: 10.5.0.0/31}",
                            "{subnet: 'fd00::/64'}", "{subnet6: 10.5.0.0/24}", "{device: ''}",
                            "{device: sixteen-letters-}", "{device: a/b}", "{mtu: 1279}", "{icc: maybe}"}) {
    EXPECT_EQ(read(std::string("network: ") + wrong).errors.size(), 1U) << wrong;
  }
}

TEST(AgentConfig, FoldersOfPlugins) {
  const auto usual = read("").config.network.cni;
  EXPECT_EQ(usual.configurations, std::vector<std::string>{"/etc/cni/net.d"});
  EXPECT_EQ(usual.plugins, (std::vector<std::string>{"/opt/cni/bin", "/usr/lib/cni"}));
  const auto file = read("network: {cni: {configurations: [/a], plugins: [/b, /c], timeout: 5s}}");
  ASSERT_TRUE(file.errors.empty()) << joined(file.errors);
  EXPECT_EQ(file.config.network.cni.configurations, std::vector<std::string>{"/a"});
  EXPECT_EQ(file.config.network.cni.plugins, (std::vector<std::string>{"/b", "/c"}));
  EXPECT_EQ(file.config.network.cni.timeout, std::chrono::seconds(5));
  for (const char* wrong : {"{plugins: [bin]}", "{plugins: ['/a:/b']}", "{configurations: []}", "{timeout: 0s}",
                            "{timeout: 11m}", "{timeout: soon}"})
    EXPECT_EQ(read(std::string("network: {cni: ") + wrong + "}").errors.size(), 1U) << wrong;
}

}  // namespace
}  // namespace mete::config
