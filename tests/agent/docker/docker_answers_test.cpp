// SPDX-License-Identifier: Apache-2.0
// What docker's clients are told: states, lists, inspection, frames, logs, statistics.
#include <gtest/gtest.h>

#include "agent/docker/container/container_json.h"
#include "agent/docker/container/row_texts.h"
#include "agent/docker/images/registry_login.h"
#include "agent/docker/routes.h"
#include "agent/docker/streams/log_stream.h"
#include "agent/docker/streams/stats_json.h"

namespace mete::agent::docker {
namespace {

using std::chrono::seconds;

WallTime at(int second) {
  return WallTime(seconds(second));
}

PodRecord pod_with(agent::ContainerState state) {
  PodRecord pod;
  pod.containers.emplace_back();
  pod.containers.front().state = state;
  return pod;
}

PodRecord ended_with(int code, const char* reason) {
  PodRecord pod = pod_with(agent::ContainerState::kExited);
  pod.stopped = true;
  auto& own = pod.containers.front();
  own.has_ended = true;
  own.exit_code = code;
  own.reason = reason;
  own.started_at = at(100);
  own.finished_at = at(110);
  return pod;
}

TEST(DockerState, FollowsThePod) {
  auto created = pod_with(agent::ContainerState::kExited);
  created.stopped = true;
  EXPECT_EQ(status_text(state_of(created, false), at(200)), "Created");
  auto running = pod_with(agent::ContainerState::kRunning);
  running.containers.front().started_at = at(80);
  EXPECT_EQ(status_text(state_of(running, false), at(200)), "Up 2 minutes");
  EXPECT_EQ(status_text(state_of(running, true), at(200)), "Up 2 minutes (Paused)");
  EXPECT_EQ(state_of(running, true).status, "paused");
  EXPECT_EQ(status_text(state_of(ended_with(5, "Error"), false), at(180)), "Exited (5) About a minute ago");
  EXPECT_TRUE(state_of(ended_with(137, "OOMKilled"), false).out_of_memory);
  const State failed = state_of(ended_with(127, "StartError"), false);
  EXPECT_EQ(failed.status, "created");
  EXPECT_EQ(failed.exit_code, 127);
  auto restarting = ended_with(1, "Error");
  restarting.stopped = false;
  restarting.containers.front().state = agent::ContainerState::kWaiting;
  EXPECT_EQ(status_text(state_of(restarting, false), at(112)), "Restarting (1) 2 seconds ago");
  EXPECT_TRUE(state_of(restarting, false).running);
  running.terminating = true;
  EXPECT_EQ(state_of(running, false).status, "removing");
}

TEST(DockerState, DurationsAreDockers) {
  EXPECT_EQ(duration_text(std::chrono::milliseconds(10)), "Less than a second");
  EXPECT_EQ(duration_text(seconds(1)), "1 second");
  EXPECT_EQ(duration_text(seconds(59)), "59 seconds");
  EXPECT_EQ(duration_text(seconds(61)), "About a minute");
  EXPECT_EQ(duration_text(std::chrono::minutes(50)), "50 minutes");
  EXPECT_EQ(duration_text(std::chrono::hours(1)), "About an hour");
  EXPECT_EQ(duration_text(std::chrono::hours(47)), "47 hours");
  EXPECT_EQ(duration_text(std::chrono::hours(72)), "3 days");
}

ContainerRecord web() {
  ContainerRecord record;
  record.id = std::string(64, 'b');
  record.name = "web";
  record.image = "busybox";
  record.config = {
      {"Cmd", {"sh", "-c", "exit 3"}}, {"Entrypoint", Json()}, {"Labels", Json::object()}, {"MetePorts", {8080}}};
  record.host_config =
      Json::parse(R"({"NetworkMode":"default","PortBindings":{"80/tcp":[{"HostIp":"","HostPort":""}]}})");
  record.created = at(100);
  return record;
}

Json row_of(const View& view, WallTime now) {
  RowTexts rows;
  std::string text;
  rows.append(view, {}, now, text);
  return Json::parse(text);
}

TEST(DockerJson, ARowAndAnInspection) {
  const ContainerRecord record = web();
  View view{record, {}, {}, "/volumes", {}, {}};
  view.state.status = "running";
  view.state.running = true;
  view.state.pid = 7;
  view.state.started = at(100);
  const Json row = row_of(view, at(105));
  EXPECT_EQ(row["Names"], Json::array({"/web"}));
  EXPECT_EQ(row["Command"], "sh -c 'exit 3'");
  EXPECT_EQ(row["Status"], "Up 5 seconds");
  EXPECT_EQ(row["Ports"].size(), 2U);
  EXPECT_EQ(row["Ports"][0], Json::parse(R"({"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"})"));
  const Json shown = inspect_json(view);
  EXPECT_EQ(shown["State"]["Pid"], 7);
  EXPECT_EQ(shown["State"]["FinishedAt"], "0001-01-01T00:00:00Z");
  EXPECT_EQ(shown["Path"], "sh");
  EXPECT_TRUE(shown["Config"].is_object() && shown["NetworkSettings"].is_object());
  EXPECT_FALSE(shown["Config"].contains("MetePorts"));
  EXPECT_TRUE(shown["NetworkSettings"]["Networks"].contains("bridge"));
  EXPECT_EQ(shown["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"], "8080");
}

// A kept row must not outlive what it was made of.
TEST(DockerJson, ARowFollowsWhatItIsMadeOf) {
  ContainerRecord record = web();
  View view{record, {}, {}, "/volumes", {}, {}};
  view.state.status = "running";
  view.state.running = true;
  RowTexts::Ends ends(1);
  ends.front().network = "bridge";
  ends.front().address = {false, {10, 78, 0, 2}};
  runtime::network::NetworkSpec bridge{.name = "bridge", .device = "mete0", .range = {{false, {10, 78, 0, 0}}, 24}};
  RowTexts rows;
  const auto row = [&] {
    std::string text;
    rows.append(view, ends, at(105), text);
    return Json::parse(text);
  };
  rows.begin({bridge});
  const Json first = row();
  EXPECT_EQ(first["NetworkSettings"]["Networks"]["bridge"]["IPAddress"], "10.78.0.2");
  EXPECT_EQ(first["NetworkSettings"]["Networks"]["bridge"]["IPPrefixLen"], 24);
  EXPECT_EQ(row(), first);
  ends.front().address = {false, {10, 78, 0, 3}};
  EXPECT_EQ(row()["NetworkSettings"]["Networks"]["bridge"]["IPAddress"], "10.78.0.3");
  bridge.range.length = 16;
  rows.begin({bridge});
  EXPECT_EQ(row()["NetworkSettings"]["Networks"]["bridge"]["IPPrefixLen"], 16);
  record.name = "other";
  rows.forget(record.id);
  EXPECT_EQ(row()["Names"][0], "/other");
  EXPECT_EQ(row()["Ports"].size(), 2U);
  view.state.running = false;
  view.state.status = "exited";
  EXPECT_EQ(row()["Ports"].size(), 0U);
  EXPECT_EQ(row()["State"], "exited");
}

TEST(DockerStreams, Frames) {
  EXPECT_EQ(frame(2, "abc"), std::string("\2\0\0\0\0\0\0\3abc", 11));
  EXPECT_EQ(stream_type(41, false), "application/vnd.docker.raw-stream");
  EXPECT_EQ(stream_type(42, false), "application/vnd.docker.multiplexed-stream");
  EXPECT_EQ(stream_type(42, true), "application/vnd.docker.raw-stream");
}

TEST(DockerLogs, Records) {
  LogWishes wishes;
  wishes.framed = false;
  const std::string record = "2026-01-02T03:04:05.678901234Z stderr F the line";
  EXPECT_EQ(log_piece(record, wishes, false)->bytes, "the line\n");
  wishes.timestamps = true;
  EXPECT_EQ(log_piece(record, wishes, false)->bytes, "2026-01-02T03:04:05.678901234Z the line\n");
  EXPECT_EQ(log_piece(record, wishes, true)->bytes, "the line\n");
  const auto part = log_piece("2026-01-02T03:04:05.678901234Z stdout P begin", wishes, true);
  EXPECT_EQ(part->bytes, "begin");
  EXPECT_FALSE(part->ends_line);
  wishes.errors = false;
  EXPECT_EQ(log_piece(record, wishes, false)->bytes, "");
  wishes.errors = true;
  wishes.since = "2026-01-02T03:04:06";
  EXPECT_EQ(log_piece(record, wishes, false)->bytes, "");
  EXPECT_FALSE(log_piece("nothing", wishes, false));
  EXPECT_EQ(log_time("0"), "");
  EXPECT_EQ(log_time("1795897800.5"), "2026-11-28T20:30:00.500000000Z");
  EXPECT_FALSE(log_time("x"));
}

TEST(DockerStats, AreWhatClientsComputeWith) {
  StatsMoment before;
  StatsMoment now;
  before.sample.cpu.usage = std::chrono::milliseconds(100);
  now.sample.cpu.usage = std::chrono::milliseconds(600);
  before.system = 1'000;
  now.system = 2'000'001'000;
  now.sample.memory.usage = Bytes(1000);
  now.sample.memory.inactive_file = Bytes(100);
  collectors::DeviceSample disk;
  disk.major = 8;
  disk.read_bytes = Bytes(12);
  now.sample.devices = {disk};
  const Json stats = Json::parse(stats_text({"id", "web", 5000, 2}, before, now));
  EXPECT_EQ(
      stats["blkio_stats"]["io_service_bytes_recursive"],
      Json::parse(R"([{"major":8,"minor":0,"op":"read","value":12},{"major":8,"minor":0,"op":"write","value":0}])"));
  EXPECT_TRUE(stats["networks"].empty() && stats["storage_stats"].is_object());
  const Json none = Json::parse(no_stats_text({"id", "web", 5000, 2}));
  EXPECT_EQ(none["precpu_stats"]["cpu_usage"]["total_usage"], 0);
  EXPECT_TRUE(none["memory_stats"].empty() && none["blkio_stats"]["io_service_bytes_recursive"].is_null());
  EXPECT_EQ(stats["cpu_stats"]["cpu_usage"]["total_usage"], 600'000'000);
  EXPECT_EQ(stats["precpu_stats"]["cpu_usage"]["total_usage"], 100'000'000);
  EXPECT_EQ(stats["cpu_stats"]["online_cpus"], 2);
  EXPECT_EQ(stats["memory_stats"]["limit"], 5000);
  EXPECT_EQ(stats["memory_stats"]["stats"]["total_inactive_file"], 100);
  EXPECT_EQ(stats["name"], "/web");
  EXPECT_EQ(system_time("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1\n", 100), 36U * 10'000'000U);
}

TEST(DockerLogin, IsDockersConfiguration) {
  EXPECT_EQ(*login_of("e30="), "");
  EXPECT_EQ(encode_base64("a:b"), "YTpi");
  const std::string header = encode_base64(R"({"username":"a","password":"b","serveraddress":"r:5000"})");
  EXPECT_EQ(*login_of(header), R"({"auths":{"r:5000":{"auth":"YTpi"}}})");
  EXPECT_FALSE(login_of("%"));
}

}  // namespace
}  // namespace mete::agent::docker
