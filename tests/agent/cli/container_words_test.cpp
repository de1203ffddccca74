// SPDX-License-Identifier: Apache-2.0
// What `mete run`, `exec` and `ps` make of docker's words.
#include <gtest/gtest.h>

#include "agent/cli/containers/container_rows.h"
#include "agent/cli/containers/exec_words.h"
#include "agent/cli/containers/published_ports.h"
#include "agent/cli/containers/run_request.h"
#include "agent/cli/output/nearest_word.h"
#include "config/base/edit_distance.h"

namespace mete::agent::cli {
namespace {

using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

std::string ports_of(const std::string& text) {
  const auto ports = published_ports(text);
  if (!ports) return ports.error().what;
  std::string shown;
  for (const auto& each : *ports)
    shown += (shown.empty() ? "" : " ") + each.address + "," + each.outside + "," + each.inside + "/" + each.protocol;
  return shown;
}

TEST(PublishedPorts, OneAndRanges) {
  EXPECT_EQ(ports_of("80"), ",,80/tcp");
  EXPECT_EQ(ports_of("8080:80/udp"), ",8080,80/udp");
  EXPECT_EQ(ports_of("127.0.0.1:8080:80"), "127.0.0.1,8080,80/tcp");
  EXPECT_EQ(ports_of("[::1]::80"), "::1,,80/tcp");
  EXPECT_EQ(ports_of("8000-8002:80-82"), ",8000,80/tcp ,8001,81/tcp ,8002,82/tcp");
  EXPECT_EQ(ports_of("80-81"), ",,80/tcp ,,81/tcp");
  for (const char* bad : {"", "x", "80:", "80/icmp", "81-80", "0", "65536", "8000-8001:80", "a:80"})
    EXPECT_TRUE(ports_of(bad).starts_with("--publish: found")) << bad << ": " << ports_of(bad);
}

Json request_of(RunOptions options) {
  options.image = "busybox";
  const auto made = run_request(options);
  return made ? *made : Json(made.error().what);
}

TEST(RunRequests, FieldsOfFlags) {
  RunOptions options;
  options.fields["HostConfig.MemorySwap"] = {"-1"};
  options.fields["HostConfig.ShmSize"] = {"64MiB"};
  options.fields["HostConfig.Ulimits"] = {"nofile=9:10", "core=0"};
  options.fields["HostConfig.LogConfig.Config"] = {"max-size=1m"};
  options.fields["HostConfig.BlkioDeviceReadBps"] = {"/dev/x:1mb"};
  options.fields["HostConfig.Devices"] = {"/dev/a", "/dev/b:/dev/c:r"};
  options.fields["Healthcheck.Interval"] = {"1m30s"};
  options.fields["ExposedPorts"] = {"90"};
  options.ports = {"80"};
  options.health_command = "true";
  const Json body = request_of(options);
  const Json& host = body["HostConfig"];
  EXPECT_EQ(host["MemorySwap"], -1);
  EXPECT_EQ(host["ShmSize"], 64 << 20);
  EXPECT_EQ(host["Ulimits"][0], (Json{{"Name", "nofile"}, {"Hard", 10}, {"Soft", 9}}));
  EXPECT_EQ(host["Ulimits"][1]["Hard"], 0);
  EXPECT_EQ(host["LogConfig"]["Config"]["max-size"], "1m");
  EXPECT_EQ(host["BlkioDeviceReadBps"][0], (Json{{"Path", "/dev/x"}, {"Rate", 1 << 20}}));
  EXPECT_EQ(host["Devices"][1],
            (Json{{"PathOnHost", "/dev/b"}, {"PathInContainer", "/dev/c"}, {"CgroupPermissions", "r"}}));
  EXPECT_EQ(body["Healthcheck"]["Interval"], 90'000'000'000);
  EXPECT_EQ(body["Healthcheck"]["Test"], (Json{"CMD-SHELL", "true"}));
  EXPECT_TRUE(body["ExposedPorts"].contains("90/tcp") && body["ExposedPorts"].contains("80/tcp"));
}

TEST(RunRequests, Mounts) {
  RunOptions options;
  options.mounts = {"type=bind,source=/srv,target=/www,readonly", "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770"};
  const Json mounts = request_of(options)["HostConfig"]["Mounts"];
  EXPECT_EQ(mounts[0], (Json{{"Type", "bind"}, {"Source", "/srv"}, {"Target", "/www"}, {"ReadOnly", true}}));
  EXPECT_EQ(mounts[1]["TmpfsOptions"], (Json{{"SizeBytes", 1 << 20}, {"Mode", 01770}}));
  options.mounts = {"type=bind,source=/srv"};
  EXPECT_NE(request_of(options).get<std::string>().find("without target="), std::string::npos);
  options.mounts = {"target=/x,colour=red"};
  EXPECT_NE(request_of(options).get<std::string>().find("colour=red"), std::string::npos);
}

TEST(RunRequests, WhatIsWrongNamesTheFlag) {
  for (const auto& [field, value, flag] : {std::tuple("HostConfig.CpuShares", "x", "--cpu-shares"),
                                           {"HostConfig.ShmSize", "1q", "--shm-size"},
                                           {"HostConfig.Ulimits", "nofile", "--ulimit"},
                                           {"Healthcheck.Timeout", "soon", "--health-timeout"}}) {
    RunOptions options;
    options.fields[field] = {value};
    const Json error = request_of(options);
    ASSERT_TRUE(error.is_string()) << field;
    EXPECT_NE(error.get<std::string>().find(flag), std::string::npos) << error;
  }
}

TEST(ExecWords, TheCommandIsBehindTheName) {
  const std::set<std::string> with_value = {"-c", "--container", "-e", "-u"};
  EXPECT_EQ(with_dashes({"web", "ls", "-l"}, with_value), (Words{"web", "--", "ls", "-l"}));
  EXPECT_EQ(with_dashes({"-it", "web", "sh"}, with_value), (Words{"-it", "web", "--", "sh"}));
  EXPECT_EQ(with_dashes({"-e", "A=1", "web", "env"}, with_value), (Words{"-e", "A=1", "web", "--", "env"}));
  EXPECT_EQ(with_dashes({"-iu", "me", "web", "id"}, with_value), (Words{"-iu", "me", "web", "--", "id"}));
  EXPECT_EQ(with_dashes({"web", "-c", "main", "--", "ls"}, with_value), (Words{"web", "-c", "main", "--", "ls"}));
  EXPECT_EQ(with_dashes({"web", "-c", "main", "ls"}, with_value), (Words{"web", "-c", "main", "ls"}));
  EXPECT_EQ(with_dashes({"web"}, with_value), Words{"web"});
  EXPECT_EQ(with_dashes({"-c"}, with_value), Words{"-c"});
}

TEST(NearestWord, OfMistypedOnes) {
  const Words known = {"stop", "start", "stats", "ps", "inspect", "network"};
  EXPECT_EQ(nearest_word("stpo", known), "stop");
  EXPECT_EQ(nearest_word("inspct", known), "inspect");
  EXPECT_EQ(nearest_word("networks", known), "network");
  EXPECT_EQ(nearest_word("xyzzy", known), "");
  EXPECT_EQ(nearest_word(std::string(1000, 'a'), known), "");
  EXPECT_EQ(config::edit_distance("", "abc"), 3U);
  EXPECT_EQ(config::edit_distance("ab", "ba"), 1U);
}

TEST(ContainerRows, OfDockersApiAndOfPods) {
  const Json row = {{"Id", std::string(64, 'a')},
                    {"Names", {"/web"}},
                    {"Image", "sha256:" + std::string(64, 'b')},
                    {"Command", "sleep 1000 and some more words"},
                    {"Created", 1'600'000'000},
                    {"Ports",
                     {{{"IP", "::"}, {"PrivatePort", 80}, {"PublicPort", 8080}, {"Type", "tcp"}},
                      {{"PrivatePort", 81}, {"Type", "udp"}}}},
                    {"Labels", {{"app", "web"}}},
                    {"State", "running"},
                    {"Status", "Up 2 minutes"}};
  const Json shown = docker_row(row, {});
  EXPECT_EQ(shown["ID"], std::string(12, 'a'));
  EXPECT_EQ(shown["Image"], std::string(12, 'b'));
  EXPECT_EQ(shown["Command"], "\"sleep 1000 and some\u2026\"");
  EXPECT_EQ(shown["Ports"], "[::]:8080->80/tcp, 81/udp");
  EXPECT_EQ(shown["Label"]["app"], "web");
  EXPECT_EQ(shown["CreatedAt"], "2020-09-13 12:26:40 +0000 UTC");
  EXPECT_EQ(docker_row(row, {true, false})["ID"], std::string(64, 'a'));
  const Json pod = {{"namespace", "default"},
                    {"name", "p"},
                    {"createdAt", "2020-09-13T12:26:40.000000000"},
                    {"network", {{"name", "bridge"}, {"ports", {{{"host", "0.0.0.0:81/udp"}, {"containerPort", 80}}}}}},
                    {"containers",
                     {{{"name", "early"}, {"init", true}, {"sidecar", false}},
                      {{"name", "main"},
                       {"init", false},
                       {"state", "exited"},
                       {"last", {{"exitCode", 3}, {"finishedAt", "2020-09-13T12:26:40"}}}}}}};
  const auto rows = pod_rows(pod, {});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0]["Names"], "default/p/main");
  EXPECT_EQ(rows[0]["ID"], "default/p");
  EXPECT_EQ(rows[0]["Ports"], "0.0.0.0:81->80/udp");
  EXPECT_TRUE(rows[0]["Status"].get<std::string>().starts_with("Exited (3) ")) << rows[0]["Status"];
}

}  // namespace
}  // namespace mete::agent::cli
