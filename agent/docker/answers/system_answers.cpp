// SPDX-License-Identifier: Apache-2.0
// The engine itself: what it is, what it holds, what happens in it.
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <algorithm>
#include <thread>

#include "agent/docker/container/driver_status.h"
#include "agent/docker/create/storage_opt.h"
#include "agent/docker/filters.h"
#include "agent/docker/routes.h"
#include "agent/docker/streams/log_stream.h"
#include "agent/docker/version.h"
#include "agent/pods/pod.h"
#include "runtime/cgroup/abilities.h"
#include "runtime/foreign/runtime_program.h"
#include "runtime/image/archives/platforms.h"
#include "runtime/process/plan/defaults.h"

namespace mete::agent::docker {
namespace {

struct Kernel {
  std::string release;
  std::string machine;
  std::string name;
};
Kernel kernel_of_machine() {
  struct utsname name {};
  (void)::uname(&name);
  return {name.release, name.machine, name.nodename};
}

// Those that --runtime may name: mete, what agent.yaml names, and crun where it is installed.
Json runtimes(const std::vector<config::RuntimeProgram>& configured) {
  Json all = {{config::kOwnRuntime, {{"path", "mete-shim"}}}};
  std::vector<std::string> names;
  for (const auto& each : configured) names.push_back(each.name);
  names.emplace_back("crun");
  for (const auto& name : names) {
    if (const auto found = runtime::foreign::find_runtime(name, configured)) all[name] = {{"path", found->program}};
  }
  return all;
}

bool is_asked_for(const Message& message, const Filters& filters) {
  const std::string name = text_of(message.attributes, "name");
  const auto is_subject = [&](const char* type) {
    if (!filters.has(type)) return true;
    const auto wanted = filters.values(type);
    return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& each) {
      if (message.type != type && std::string(type) != "image") return false;
      if (std::string(type) == "image") return text_of(message.attributes, "image") == each || message.id == each;
      return each == name || (!each.empty() && message.id.starts_with(each));
    });
  };
  const auto events = filters.values("event");
  const bool has_action = events.empty() || std::any_of(events.begin(), events.end(), [&](const std::string& each) {
                            return message.action == each || message.action.starts_with(each + ":");
                          });
  return filters.equals("type", message.type) && has_action && is_subject("container") && is_subject("image") &&
         is_subject("network") && is_subject("volume") &&
         filters.labels(texts_of(Json{{"l", message.attributes}}, "l"));
}

struct EventFollower {
  std::shared_ptr<HttpStream> client;
  std::optional<Events::Handle> handle;
  std::unique_ptr<Timer> end;

  void finish(Events& events) {
    if (handle) events.forget(*std::exchange(handle, std::nullopt));
    if (end) end->cancel();
    if (const auto stream = std::exchange(client, nullptr)) stream->on_close(nullptr);
  }
};

}  // namespace

void ping(Engine& /*engine*/, const Call& call) {
  HttpResponse response;
  response.body = "OK";
  response.headers = {{"Api-Version", version_text(kNewestVersion)},
                      {"Docker-Experimental", "false"},
                      {"Ostype", "linux"},
                      {"Builder-Version", "1"},
                      {"Swarm", "inactive"},
                      {"Cache-Control", "no-cache, no-store, must-revalidate"},
                      {"Pragma", "no-cache"}};
  call.reply->send(std::move(response));
}

void show_version(Engine& /*engine*/, const Call& call) {
  const Kernel kernel = kernel_of_machine();
  const std::string newest = version_text(kNewestVersion);
  const std::string oldest = version_text(kOldestVersion);
  answer(call,
         {{"Platform", {{"Name", "mete"}}},
          {"Components", Json::array({{{"Name", "Engine"},
                                       {"Version", kEngineVersion},
                                       {"Details",
                                        {{"ApiVersion", newest},
                                         {"MinAPIVersion", oldest},
                                         {"Os", "linux"},
                                         {"Arch", runtime::image::machine_architecture()},
                                         {"KernelVersion", kernel.release}}}},
                                      {{"Name", "mete"}, {"Version", METE_VERSION}, {"Details", Json::object()}}})},
          {"Version", kEngineVersion},
          {"ApiVersion", newest},
          {"MinAPIVersion", oldest},
          {"GitCommit", ""},
          {"GoVersion", ""},
          {"Os", "linux"},
          {"Arch", runtime::image::machine_architecture()},
          {"KernelVersion", kernel.release},
          {"BuildTime", ""}});
}

void show_info(Engine& engine, const Call& call) {
  const Kernel kernel = kernel_of_machine();
  auto& services = engine.services();
  int running = 0;
  int paused = 0;
  for (const auto& [id, record] : engine.containers().all()) {
    const State state = engine.containers().state(record);
    paused += state.paused ? 1 : 0;
    running += state.running && !state.paused ? 1 : 0;
  }
  const auto all = static_cast<int>(engine.containers().all().size());
  const auto images = services.images.list();
  const bool v2 = runtime::process::view_of(services.hierarchies).v1.empty();
  answer(call, {{"ID", services.boot_id},
                {"Containers", all},
                {"ContainersRunning", running},
                {"ContainersPaused", paused},
                {"ContainersStopped", all - running - paused},
                {"Images", images ? images->size() : 0},
                {"Driver", docker_driver(engine.services().storage->name())},
                {"DriverStatus", driver_status(services.storage->last_use())},
                {"Plugins",
                 {{"Volume", {"local"}},
                  {"Network", {"bridge", "host", "null"}},
                  {"Authorization", Json()},
                  {"Log", {"json-file", "local", "none"}}}},
                {"MemoryLimit", true},
                {"SwapLimit", true},
                {"CpuCfsPeriod", true},
                {"CpuCfsQuota", true},
                {"CPUShares", true},
                {"CPUSet", true},
                {"PidsLimit", true},
                {"OomKillDisable", runtime::cgroup::can_wait_out_of_memory(services.hierarchies)},
                {"IPv4Forwarding", true},
                {"Debug", false},
                {"LoggingDriver", "json-file"},
                {"CgroupDriver", "cgroupfs"},
                {"CgroupVersion", v2 ? "2" : "1"},
                {"KernelVersion", kernel.release},
                {"OperatingSystem", "Linux"},
                {"OSType", "linux"},
                {"Architecture", kernel.machine},
                {"NCPU", std::max(1U, std::thread::hardware_concurrency())},
                {"MemTotal", services.machine_memory.count()},
                {"IndexServerAddress", "https://index.docker.io/v1/"},
                {"RegistryConfig", Json::object()},
                {"DockerRootDir", services.settings.docker()},
                {"Name", kernel.name},
                {"Labels", Json::array()},
                {"ExperimentalBuild", false},
                {"ServerVersion", kEngineVersion},
                {"Runtimes", runtimes(services.settings.config.runtimes)},
                {"DefaultRuntime", "mete"},
                {"Swarm", {{"NodeID", ""}, {"LocalNodeState", "inactive"}, {"ControlAvailable", false}}},
                {"LiveRestoreEnabled", true},
                {"InitBinary", "mete-shim"},
                {"SecurityOptions", {"name=seccomp,profile=default"}},
                {"Warnings", Json::array()}});
}

void disk_use(Engine& engine, const Call& call) {
  const auto images = image_rows(engine, Filters(), call.version);
  if (!images) return refuse(call, 500, images.error().what);
  std::int64_t size = 0;
  for (const auto& each : *images) size += agent::docker::number_of(each, "Size");
  Json containers = Json::array();
  for (const auto& [id, record] : engine.containers().all()) {
    containers.push_back({{"Id", id},
                          {"Names", {"/" + record.name}},
                          {"Image", record.image},
                          {"State", engine.containers().state(record).status},
                          {"SizeRw", 0}});
  }
  Json volumes = Json::array();
  for (const auto& each : engine.containers().volumes().list()) {
    const auto users = users_of_volume(engine, each.name).size();
    volumes.push_back({{"Name", each.name}, {"Driver", "local"}, {"UsageData", {{"Size", -1}, {"RefCount", users}}}});
  }
  answer(call, {{"LayersSize", size},
                {"Images", *images},
                {"Containers", containers},
                {"Volumes", volumes},
                {"BuildCache", Json::array()}});
}

void follow_events(Engine& engine, const Call& call) {
  const auto filters = Filters::parse(call.parameter("filters"), {"container", "image", "network", "volume", "type",
                                                                  "event", "label", "daemon", "scope"});
  if (!filters) return refuse(call, 400, filters.error().what);
  const auto since = log_time(call.parameter("since"));
  const auto until = log_time(call.parameter("until"));
  if (!since || !until) return refuse(call, 400, "since, until: expected seconds since 1970");
  auto& events = engine.containers().events();
  const auto follower = std::make_shared<EventFollower>();
  follower->client = call.reply->stream("application/json");
  const auto show = [&events, wanted = *filters, until = *until](EventFollower& to, const Message& message) {
    if (!to.client || !is_asked_for(message, wanted)) return;
    if (!until.empty() && time_text(message.at) >= until) return;
    if (!to.client->write(to_json(message).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"))
      to.finish(events);
  };
  if (!since->empty()) {
    for (const auto& each : std::deque<Message>(events.recent())) {
      if (time_text(each.at) >= *since) show(*follower, each);
    }
  }
  const auto now = std::chrono::system_clock::now();
  std::chrono::nanoseconds left{0};
  if (!until->empty()) {
    const std::int64_t seconds = std::stoll(call.parameter("until"));  // log_time() has read it
    left = std::chrono::system_clock::time_point(std::chrono::seconds(seconds)) - now;
    if (left <= std::chrono::nanoseconds(0)) return follower->finish(events);
  }
  if (!follower->client) return;
  follower->handle = events.listen([follower, show](const Message& message) { show(*follower, message); });
  follower->client->on_close([follower, &events] { follower->finish(events); });
  if (until->empty()) return;
  follower->end = std::make_unique<Timer>(engine.services().loop);
  follower->end->expires_after(left);
  follower->end->async_wait([follower, &events](ErrorCode error) {
    if (!error) follower->finish(events);
  });
}

void no_swarm(Engine& /*engine*/, const Call& call) {
  refuse(call, 503,
         "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to "
         "swarm and try again.");
}

void leave_swarm(Engine& /*engine*/, const Call& call) {
  refuse(call, 503, "This node is not part of a swarm");
}

void refuse_swarm(Engine& /*engine*/, const Call& call) {
  refuse(call, 501, "swarm: mete is an engine of one machine, and joins none");
}

}  // namespace mete::agent::docker
