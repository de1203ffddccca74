// SPDX-License-Identifier: Apache-2.0
// Requests of docker's clients, as recorded, and the Pods that become of them.
#include <gtest/gtest.h>

#include "agent/docker/container/driver_status.h"
#include "agent/docker/create/create_request.h"
#include "agent/docker/create/pod_of.h"
#include "agent/docker/create/storage_opt.h"
#include "agent/docker/filters.h"
#include "agent/docker/refusals.h"
#include "agent/docker/routes.h"
#include "agent/docker/version.h"

namespace mete::agent::docker {
namespace {

runtime::image::Image busybox() {
  runtime::image::Image image;
  image.name = "busybox:latest";
  image.id = std::string(64, 'a');
  image.config.env = {"PATH=/bin", "LANG=C"};
  image.config.cmd = {"sh"};
  image.config.labels = {{"of", "image"}};
  return image;
}

// What `docker create busybox` sends though nobody asked for it.
Json plain() {
  return Json::parse(R"({"Image":"busybox","Cmd":null,"Env":null,"AttachStdout":true,"AttachStderr":true,"Tty":false,
    "HostConfig":{"NetworkMode":"default","RestartPolicy":{"Name":"no","MaximumRetryCount":0},"MemorySwappiness":-1,
    "ConsoleSize":[0,0],"OomKillDisable":false,"PidsLimit":0,"Binds":null,"Devices":[]},
    "NetworkingConfig":{"EndpointsConfig":{"default":{"IPAMConfig":null,"Links":null,"Aliases":null}}}})");
}

ContainerRecord read(const Json& body) {
  auto record = read_create(body, busybox(), {2});
  EXPECT_TRUE(record) << (record ? "" : record.error().what);
  if (!record) return {};
  record->id = std::string(64, 'b');
  record->name = record->pod = "web";
  return *record;
}

config::PodPlan plan(const Json& body) {
  auto made = plan_of(read(body), {.volumes = "/volumes", .network_of_other = "docker/other"}, {});
  EXPECT_TRUE(made) << (made ? "" : made.error().what);
  return made ? *made : config::PodPlan();
}

std::string refusal(const Json& host) {
  Json body = plain();
  body["HostConfig"].update(host);
  const auto record = read_create(body, busybox(), {2});
  return record ? "" : record.error().what;
}

TEST(DockerVersion, IsNegotiatedBetween124And151) {
  EXPECT_EQ(split_version("/v1.41/info")->version, 41);
  EXPECT_EQ(split_version("/v1.41/info")->path, "/info");
  EXPECT_EQ(split_version("/_ping")->version, kNewestVersion);
  EXPECT_EQ(split_version("/volumes")->path, "/volumes");
  EXPECT_EQ(split_version("/v1.52/info").error().what,
            "client version 1.52 is too new. Maximum supported API version is 1.51");
  EXPECT_FALSE(split_version("/v1.23/info"));
  EXPECT_FALSE(split_version("/v2.0/info"));
}

TEST(DockerRoutes, TakeTheOpenWords) {
  EXPECT_EQ(match("/containers/*/json", "/containers/web/json"), std::vector<std::string>{"web"});
  EXPECT_EQ(match("/images/**/json", "/images/a/b/c:1/json"), std::vector<std::string>{"a/b/c:1"});
  EXPECT_EQ(match("/images/**", "/images/a/b"), std::vector<std::string>{"a/b"});
  EXPECT_FALSE(match("/containers/*/json", "/containers//json"));
  EXPECT_FALSE(match("/containers/*", "/containers/web/json"));
  EXPECT_FALSE(match("/info", "/info/more"));
}

TEST(DockerFilters, HaveBothForms) {
  for (const char* text :
       {R"({"name":["web"],"label":["a=b","c"]})", R"({"name":{"web":true},"label":{"a=b":true,"c":true}})"}) {
    const auto filters = Filters::parse(text, {"name", "label"});
    ASSERT_TRUE(filters);
    EXPECT_TRUE(filters->contains("name", "my-web-1"));
    EXPECT_TRUE(filters->labels({{"a", "b"}, {"c", ""}}));
    EXPECT_FALSE(filters->labels({{"a", "b"}}));
  }
  EXPECT_EQ(Filters::parse(R"({"bogus":["x"]})", {"name"}).error().what, "Invalid filter 'bogus'");
  EXPECT_TRUE(Filters::parse(R"({"name":["^/web$"]})", {"name"})->contains("name", "web"));
  EXPECT_FALSE(Filters::parse(R"({"name":["^/web$"]})", {"name"})->contains("name", "web2"));
}

TEST(DockerCreate, APlainOneIsAPodOfOneContainer) {
  const auto made = plan(plain());
  ASSERT_EQ(made.pod.spec.containers.size(), 1U);
  const auto& container = made.pod.spec.containers.front();
  EXPECT_EQ(made.pod.metadata.namespace_, "docker");
  EXPECT_EQ(made.pod.spec.restart_policy, config::RestartPolicy::kNever);
  EXPECT_EQ(made.pod.spec.hostname, std::string(12, 'b'));
  EXPECT_EQ(made.pod.metadata.labels.at("of"), "image");
  EXPECT_EQ(made.containers.front().command, std::vector<std::string>{"sh"});
  EXPECT_EQ(container.extras->cpu_shares, 1024U);
  EXPECT_EQ(container.extras->oom_score_adj, 0);
  EXPECT_TRUE(container.extras->keeps_layer);
  EXPECT_FALSE(container.resources.limits.memory);
  EXPECT_FALSE(made.pod.metadata.annotations.contains("mete/network"));
}

TEST(DockerCreate, CommandAndEntrypointAreMergedByDockersRule) {
  auto image = busybox();
  image.config.entrypoint = {"/entry"};
  const auto line = [&](const Json& more) {
    Json body = plain();
    body.update(more);
    const auto record = read_create(body, image, {2});
    auto words = words_of(record->config, "Entrypoint");
    for (const auto& each : words_of(record->config, "Cmd")) words.push_back(each);
    return words;
  };
  using Line = std::vector<std::string>;
  EXPECT_EQ(line(Json::object()), (Line{"/entry", "sh"}));
  EXPECT_EQ(line({{"Cmd", {"a"}}}), (Line{"/entry", "a"}));
  EXPECT_EQ(line({{"Entrypoint", {"x"}}}), Line{"x"});
  EXPECT_EQ(line({{"Entrypoint", {"x"}}, {"Cmd", {"a"}}}), (Line{"x", "a"}));
  EXPECT_EQ(line({{"Entrypoint", {""}}, {"Cmd", {"a"}}}), Line{"a"});
}

TEST(DockerCreate, NothingInACommandOrAVariableIsExpanded) {
  Json body = plain();
  body["Cmd"] = {"sh", "-c", "echo $$ $(A) $A"};
  body["Env"] = {"A=$(B)", "LANG"};
  const auto made = plan(body);
  EXPECT_EQ(made.containers.front().command.back(), "echo $$ $(A) $A");
  ASSERT_EQ(made.containers.front().env.size(), 2U);
  EXPECT_EQ(made.containers.front().env.back().value, "$(B)");
  EXPECT_EQ(made.pod.spec.containers.front().extras->unset_env, std::vector<std::string>{"LANG"});
}

TEST(DockerCreate, Resources) {
  Json body = plain();
  body["HostConfig"].update(Json::parse(R"({"Memory":67108864,"NanoCpus":500000000,"PidsLimit":9,"CpuShares":512,
    "CpusetCpus":"0","MemoryReservation":8388608,"ShmSize":1048576,"OomScoreAdj":5,
    "Ulimits":[{"Name":"nofile","Hard":10,"Soft":9}],"Tmpfs":{"/t":"size=1m"}})"));
  const auto made = plan(body);
  const auto& container = made.pod.spec.containers.front();
  EXPECT_EQ(container.resources.limits.memory, Bytes(64 << 20));
  EXPECT_EQ(container.resources.limits.cpu, MilliCpu(500));
  const auto& extras = container.extras;
  EXPECT_EQ(extras->cpu_quota, std::chrono::microseconds(50'000));
  EXPECT_EQ(extras->swap, Bytes(64 << 20));  // docker's: as much swap as memory
  EXPECT_EQ(extras->pids, 9U);
  EXPECT_EQ(extras->cpu_shares, 512U);
  EXPECT_EQ(extras->cpuset_cpus, "0");
  EXPECT_EQ(extras->bounds, (std::vector<config::ProcessBound>{{"nofile", 9, 10}}));
  EXPECT_EQ(extras->tmpfs, (std::vector<config::TmpfsMount>{{"/t", "size=1m"}}));
  EXPECT_EQ(extras->shm_size, Bytes(1 << 20));
}

TEST(DockerCreate, MountsAndPorts) {
  Json body = plain();
  body["HostConfig"]["Binds"] = {"/h:/c:ro", "data:/d"};
  body["HostConfig"]["PortBindings"] = Json::parse(R"({"81/udp":[{"HostIp":"127.0.0.1","HostPort":"18081"}]})");
  const auto made = plan(body);
  ASSERT_EQ(made.pod.spec.volumes.size(), 2U);
  EXPECT_EQ(std::get<config::HostPathVolume>(made.pod.spec.volumes[1].source).path, "/volumes/data/_data");
  EXPECT_TRUE(made.pod.spec.containers.front().volume_mounts[0].read_only);
  const auto& port = made.pod.spec.containers.front().ports.at(0);
  EXPECT_EQ(port.host_port, 18081);
  EXPECT_EQ(port.container_port, 81);
  EXPECT_EQ(port.protocol, config::Protocol::kUdp);
  EXPECT_EQ(port.host_ip, "127.0.0.1");
}

TEST(DockerCreate, Networks) {
  const auto annotation = [](const char* mode) {
    Json body = plain();
    body["HostConfig"]["NetworkMode"] = mode;
    const auto made = plan(body);
    const auto& annotations = made.pod.metadata.annotations;
    const auto at = annotations.find("mete/network");
    return made.pod.spec.host_network ? "(host)" : at == annotations.end() ? "(default)" : at->second;
  };
  EXPECT_EQ(annotation("default"), "(default)");
  EXPECT_EQ(annotation("host"), "(host)");
  EXPECT_EQ(annotation("none"), "none");
  EXPECT_EQ(annotation("mine"), "mine");
  EXPECT_EQ(annotation("container:x"), "container:docker/other");
}

TEST(DockerCreate, RestartPolicies) {
  const auto made = [](const char* name, int most) {
    Json body = plain();
    body["HostConfig"]["RestartPolicy"] = {{"Name", name}, {"MaximumRetryCount", most}};
    return plan(body).pod.spec;
  };
  EXPECT_EQ(made("always", 0).restart_policy, config::RestartPolicy::kAlways);
  EXPECT_EQ(made("unless-stopped", 0).restart_policy, config::RestartPolicy::kAlways);
  EXPECT_EQ(made("on-failure", 3).restart_policy, config::RestartPolicy::kOnFailure);
  EXPECT_EQ(made("on-failure", 3).containers.front().extras->most_restarts, 3U);
  EXPECT_FALSE(made("on-failure", 0).containers.front().extras->most_restarts);
}

TEST(DockerCreate, WhatIsNotDoneIsRefused) {
  EXPECT_EQ(refusal({{"Memory", 1000}}), "Minimum memory limit allowed is 6MB");
  EXPECT_EQ(refusal({{"Memory", 64 << 20}, {"MemorySwap", 1}}),
            "Minimum memoryswap limit should be larger than memory limit, see usage");
  EXPECT_EQ(refusal({{"NanoCpus", 3'000'000'000}}),
            "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available");
  EXPECT_EQ(refusal({{"Runtime", "/bin/x"}}), "Unknown runtime specified /bin/x");
  for (const auto& [name, why] : refused_fields())
    EXPECT_EQ(refusal({{name, "x"}}),
              std::string("HostConfig.") + name + ": found \"x\", which mete does not do: " + why);
  EXPECT_EQ(refusal({{"StorageOpt", {{"inodes", "5"}}}}),
            "HostConfig.StorageOpt: found \"inodes\", expected size, the one option there is");
  EXPECT_EQ(
      refusal({{"StorageOpt", {{"size", "much"}}}}),
      "HostConfig.StorageOpt.size: found \"much\", expected a number of bytes, or one with k, m, g or t after it");
  EXPECT_NE(refusal({{"SecurityOpt", {"apparmor=mine"}}}), "");
  EXPECT_NE(refusal({{"LogConfig", {{"Type", "syslog"}}}}), "");
  EXPECT_EQ(refusal({{"SecurityOpt", {"no-new-privileges"}}}), "");
}

TEST(DockerInfo, AThinPoolHasDockersRows) {
  EXPECT_EQ(driver_status(std::nullopt), Json::array());
  const auto rows = driver_status(runtime::storage::PoolUse{"mete-1-pool", Bytes(64 << 10), Bytes(1'500'000),
                                                            Bytes(107'374'182'400), Bytes(999), Bytes(16 << 20), ""});
  EXPECT_EQ(
      rows.dump(),
      R"([["Pool Name","mete-1-pool"],["Pool Blocksize","65.54kB"],["Backing Filesystem","ext4"],["Data Space Used","1.5MB"],)"
      R"(["Data Space Total","107.4GB"],["Data Space Available","107.4GB"],["Metadata Space Used","999B"],)"
      R"(["Metadata Space Total","16.78MB"],["Metadata Space Available","16.78MB"],["Pool Fault","none"]])");
}

TEST(DockerCreate, AQuotaHasDockersUnits) {
  const auto size = [](const char* text) {
    const auto found = layer_size_of(Json{{"StorageOpt", {{"size", text}}}});
    return found && *found ? (*found)->count() : -1;
  };
  EXPECT_EQ(size("1048576"), 1 << 20);
  EXPECT_EQ(size("64m"), 64 << 20);
  EXPECT_EQ(size("1.5GB"), 3LL << 29);
  EXPECT_EQ(size("2 GiB"), 2LL << 30);
  for (const char* wrong : {"", "m", "-1", "0", "1x", "1mm", "nan", "inf"}) EXPECT_EQ(size(wrong), -1) << wrong;
  EXPECT_FALSE(*layer_size_of(Json{{"StorageOpt", nullptr}}));
}

TEST(DockerUpdate, ChangesWhatIsNamed) {
  const auto record = read(plain());
  const auto host = update_host_config(record.host_config, {{"Memory", 64 << 20}, {"CpuShares", 0}}, {2});
  ASSERT_TRUE(host);
  EXPECT_EQ(number_of(*host, "Memory"), 64 << 20);
  EXPECT_EQ(number_of(*update_host_config(record.host_config, {{"BlkioWeight", 10}}, {2}), "BlkioWeight"), 10);
  EXPECT_FALSE(update_host_config(record.host_config, {{"BlkioWeight", 9}}, {2}));
  EXPECT_FALSE(update_host_config(record.host_config, {{"OomKillDisable", true}}, {2}));
  EXPECT_FALSE(update_host_config(record.host_config, {{"Memory", 10}}, {2}));
}

TEST(DockerRecord, IsReadAsItWasWritten) {
  ContainerRecord record = read(plain());
  record.error = "why";
  record.created = enforcers::WallTime(std::chrono::nanoseconds(5));
  const auto again = parse_container(to_json(record));
  ASSERT_TRUE(again);
  EXPECT_EQ(to_json(*again), to_json(record));
  EXPECT_FALSE(parse_container("{}"));
  EXPECT_EQ(pod_name("My_Web.1", std::string(64, 'c'), false), "my-web-1");
  EXPECT_EQ(pod_name("web", std::string(64, 'c'), true), "web-cccccccccccc");
  EXPECT_EQ(pod_name("___", std::string(64, 'c'), false), "c-cccccccccccc");
}

// One that is none would be in the way of every list of containers.
TEST(DockerCreate, ExposedPortsArePorts) {
  for (const char* wrong : {"x/tcp", "0/tcp", "80/ip", "70000", "99999999999/udp", "", "/tcp"}) {
    const auto record =
        read_create({{"Image", "busybox"}, {"ExposedPorts", {{wrong, Json::object()}}}}, busybox(), {2});
    ASSERT_FALSE(record) << wrong;
    EXPECT_NE(record.error().what.find("invalid port specification"), std::string::npos) << record.error().what;
  }
  // An image may say anything, and a record of an earlier mete has it.
  runtime::build::ImageSettings settings;
  settings.exposed_ports = {"x", "80/tcp"};
  auto record = read_create({{"Image", "busybox"}}, busybox(), {2}, settings).value();
  EXPECT_EQ(names_in(record.config, "ExposedPorts"), (std::vector<std::string>{"80/tcp"}));
  record.config["ExposedPorts"] = {{"x", Json::object()}, {"80", Json::object()}};
  View view{record, {}, {}, "/volumes", {}, {}};
  view.state.running = true;
  EXPECT_EQ(port_rows(view), (Json::array({{{"PrivatePort", 80}, {"Type", "tcp"}}})));
}

TEST(DockerCreate, WhatARecordHasOfGroupsAndPortsIsRead) {
  auto record = read({{"Image", "busybox"}, {"HostConfig", {{"GroupAdd", {"10", "audio"}}}}});
  EXPECT_FALSE(pod_of(record, {.volumes = "/volumes"}));  // whose names nobody has looked up
  record.config["MeteGroups"] = {10, 29};
  EXPECT_EQ(pod_of(record, {.volumes = "/volumes"}).value().spec.security->supplemental_groups,
            (std::vector<std::uint32_t>{10, 29}));
  for (const Json& wrong : {Json("audio"), Json(-1), Json(1LL << 40), Json()}) {
    record.config["MeteGroups"] = Json::array({wrong});
    EXPECT_FALSE(pod_of(record, {.volumes = "/volumes"})) << wrong;
  }
  EXPECT_EQ(ports_of({{"MetePorts", {"x"}}}, {{"PortBindings", {{"80/tcp", {{{"HostPort", "8080"}}}}}}}).value().size(),
            1U);
}

}  // namespace
}  // namespace mete::agent::docker
