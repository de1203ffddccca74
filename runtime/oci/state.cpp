// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/cgroup/cgroup.h"
#include "runtime/file.h"
#include "runtime/json.h"
#include "runtime/oci/config/json.h"
#include "runtime/oci/config/read_parts.h"

namespace mete::runtime::oci {
namespace {

// A zombie does not count as running.
bool runs(const process::ProcessId& id) {
  if (id.pid <= 0) return false;
  const auto stat = read_file(AT_FDCWD, "/proc/" + std::to_string(id.pid) + "/stat");
  if (!stat) return false;
  const auto start = process::parse_start_time(*stat);
  if (!start || *start != id.start_time) return false;
  const char state = (*stat)[std::min(stat->rfind(')') + 2, stat->size() - 1)];
  return state != 'Z' && state != 'X';
}

}  // namespace

const char* to_string(Life life) {
  switch (life) {
    case Life::creating:
      return "creating";
    case Life::created:
      return "created";
    case Life::running:
      return "running";
    case Life::paused:
      return "paused";
    case Life::stopped:
      return "stopped";
  }
  return "?";
}

std::string spec_state(const State& state, const std::string& status, pid_t pid) {
  nlohmann::ordered_json json = {
      {"ociVersion", state.version.empty() ? kSpecVersion : state.version}, {"id", state.id}, {"status", status}};
  if (pid != 0) json["pid"] = pid;
  json["bundle"] = state.bundle;
  if (!state.annotations.empty()) json["annotations"] = state.annotations;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string process_state(const State& state, const std::string& status, pid_t pid) {
  nlohmann::ordered_json json = {
      {"ociVersion", state.version.empty() ? kSpecVersion : state.version}, {"fds", {"seccompFd"}}, {"pid", pid}};
  if (!state.listener_metadata.empty()) json["metadata"] = state.listener_metadata;
  json["state"] = nlohmann::ordered_json::parse(spec_state(state, status, state.process.pid));
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string to_text(const State& state) {
  nlohmann::json json = {{"ociVersion", state.version},     {"id", state.id},
                         {"bundle", state.bundle},          {"rootfs", state.rootfs},
                         {"cgroup", state.cgroup},          {"created", state.created},
                         {"pid", state.process.pid},        {"startTime", state.process.start_time},
                         {"annotations", state.annotations}};
  if (!state.unit.empty()) json["systemdUnit"] = state.unit;
  if (!state.cgroup_mounts.empty()) json["cgroupMounts"] = state.cgroup_mounts;
  if (!state.listener_path.empty())
    json["seccompListener"] = {{"path", state.listener_path}, {"metadata", state.listener_metadata}};
  const std::pair<const char*, const std::vector<Hook>*> points[] = {{"startContainer", &state.hooks.start_container},
                                                                     {"poststart", &state.hooks.poststart},
                                                                     {"poststop", &state.hooks.poststop}};
  for (const auto& [point, hooks] : points) {
    for (const auto& hook : *hooks) {
      nlohmann::json each = {{"path", hook.path}, {"args", hook.args}};
      if (hook.env) each["env"] = *hook.env;
      if (hook.timeout) each["timeout"] = hook.timeout->count();
      json["hooks"][point].push_back(std::move(each));
    }
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Result<State> parse_state(std::string_view text) {
  METE_TRY(const nlohmann::json json, parse_json(text, "state.json"));
  Problems problems;
  const Node node(&json, problems, "");
  State state;
  state.version = node["ociVersion"].text();
  state.id = node["id"].text();
  state.bundle = node["bundle"].text();
  state.rootfs = node["rootfs"].text();
  state.cgroup = node["cgroup"].text();
  state.unit = node["systemdUnit"].text();
  state.cgroup_mounts = node["cgroupMounts"].text();
  state.created = node["created"].text();
  state.process.pid = static_cast<pid_t>(node["pid"].integer(0, 0, INT32_MAX));
  state.process.start_time = node["startTime"].u64();
  for (const auto& [key, value] : node["annotations"].members()) state.annotations[key] = value.text();
  state.listener_path = node["seccompListener"]["path"].text();
  state.listener_metadata = node["seccompListener"]["metadata"].text();
  state.hooks = read_hooks(node["hooks"]);
  METE_CHECK(problems.status());
  return state;
}

Status check_id(const std::string& id) {
  constexpr std::size_t kLongest = 255;
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
           c == '.' || c == '-';
  };
  if (id.empty()) return fail("container id: found none, expected one");
  if (id.size() > kLongest)
    return fail("container id: found " + std::to_string(id.size()) + " characters, expected at most 255");
  if (id == "." || id == ".." || !std::all_of(id.begin(), id.end(), allowed)) {
    return fail("container id: found \"" + id + "\", expected letters, digits and _ + . - alone");
  }
  return {};
}

tl::unexpected<Error> Place::missing() const {
  // Clients search for these words.
  return tl::unexpected<Error>(Error{ENOENT, "container \"" + id_ + "\" does not exist"});
}

Result<UniqueFd> Place::claim(const std::string& root) const {
  constexpr mode_t kPrivate = 0700;
  int made = ::mkdir(directory_.c_str(), kPrivate);
  if (made != 0 && errno == ENOENT) {
    METE_CHECK(make_directories(root, kPrivate));
    made = ::mkdir(directory_.c_str(), kPrivate);
  }
  if (made != 0 && errno == EEXIST) {
    return tl::unexpected<Error>(Error{
        EEXIST, "container \"" + id_ + "\" already exists (" + directory_ + "), expected an id that is not in use"});
  }
  if (made != 0) return fail_errno("mkdir " + directory_);
  return lock();
}

Result<UniqueFd> Place::lock() const {
  UniqueFd directory(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return errno == ENOENT ? missing() : fail_errno("open " + directory_);
  constexpr int kTries = 1000;
  constexpr useconds_t kWait = 10'000;
  for (int i = 0; i < kTries; ++i) {
    if (::flock(directory.get(), LOCK_EX | LOCK_NB) == 0) {
      // The previous holder of the lock may have removed the container.
      struct stat mine {};
      struct stat there {};
      if (::fstat(directory.get(), &mine) != 0 || ::stat(directory_.c_str(), &there) != 0 ||
          mine.st_ino != there.st_ino)
        return missing();
      return directory;
    }
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno("lock " + directory_);
    ::usleep(kWait);
  }
  return fail("container \"" + id_ + "\": found another call working on it for 10 s, expected it to end");
}

bool Place::exists() const {
  return ::access(directory_.c_str(), F_OK) == 0;
}

Result<State> Place::load() const {
  auto text = read_file(AT_FDCWD, directory_ + "/state.json");
  if (!text && text.error().code == ENOENT) {
    if (!exists()) return missing();
    return fail("container \"" + id_ +
                "\": found no state: its creation was interrupted; remove it with delete --force");
  }
  if (!text) return tl::unexpected<Error>(std::move(text.error()));
  return parse_state(*text);
}

Status Place::save(const State& state) const {
  return replace_file(directory_ + "/state.json", to_text(state), 0600, Durability::volatile_);
}

Status Place::write_new(const std::string& name, std::string_view text) const {
  METE_TRY(const UniqueFd file, open_at(AT_FDCWD, directory_ + "/" + name, O_WRONLY | O_CREAT | O_EXCL, 0600));
  if (auto written = write_all(file.get(), text); !written) return fail_in(directory_ + "/" + name, written.error());
  return {};
}

Status Place::remove() const {
  // Unlinks the usual files without reading the directory; remove_tree() handles the rest.
  for (const char* const name : {"/plan", "/gate", "/state.json"}) ::unlink((directory_ + name).c_str());
  if (::rmdir(directory_.c_str()) == 0 || errno == ENOENT) return {};
  return remove_tree(directory_);
}

namespace {
// Without paused: that is the cgroup's to tell.
Life life_of_process(const Place& place, const State& state) {
  if (state.process.pid == 0) return Life::creating;
  if (!runs(state.process)) return Life::stopped;
  const UniqueFd gate(::open(place.gate().c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  return gate.valid() ? Life::created : Life::running;  // ENXIO: no reader, so the command runs
}
}  // namespace

Result<Life> known_life(const Place& place, const State& state, const cgroup::Hierarchies& hierarchies) {
  const Life life = life_of_process(place, state);
  if (life != Life::running || state.cgroup.empty()) return life;
  METE_TRY(const auto group, cgroup::Group::at(hierarchies, state.cgroup));
  METE_TRY(const bool frozen, group.frozen());
  return frozen ? Life::paused : Life::running;
}

Life life_of(const Place& place, const State& state, const cgroup::Hierarchies* hierarchies) {
  if (hierarchies == nullptr) return life_of_process(place, state);
  return known_life(place, state, *hierarchies).value_or(Life::running);
}

}  // namespace mete::runtime::oci
