// SPDX-License-Identifier: Apache-2.0
// state, list, ps, spec: commands that only print.
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "runtime/file.h"
#include "runtime/json.h"
#include "runtime/oci/commands.h"
#include "runtime/oci/container.h"
#include "runtime/oci/example.h"

namespace mete::runtime::oci {
namespace {

using Json = nlohmann::ordered_json;

Result<int> print(const Json& json) {
  METE_CHECK(write_all(STDOUT_FILENO, json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"));
  return 0;
}

Json json_of(const State& state, Life life) {
  // The specification allows no pid for a container that has ended.
  return {{"ociVersion", state.version.empty() ? kSpecVersion : state.version},
          {"id", state.id},
          {"pid", life == Life::stopped ? 0 : state.process.pid},
          {"status", to_string(life)},
          {"bundle", state.bundle},
          {"rootfs", state.rootfs},
          {"created", state.created},
          {"annotations", state.annotations}};
}

const cgroup::Hierarchies* machine() {
  const auto found = hierarchies();
  return found ? *found : nullptr;
}

std::vector<std::string> ids_below(const std::string& root) {
  std::vector<std::string> ids;
  const auto closer = [](DIR* stream) { ::closedir(stream); };
  const std::unique_ptr<DIR, decltype(closer)> stream(::opendir(root.c_str()), closer);
  while (const dirent* entry = stream ? ::readdir(stream.get()) : nullptr) {
    if (check_id(entry->d_name)) ids.emplace_back(entry->d_name);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size() + 1, width), ' ');
  return text;
}

}  // namespace

Result<int> state(const Options& options) {
  const Place place(options.root, options.words.front());
  METE_CHECK(check_id(place.id()));
  METE_TRY(const State state, place.load());
  return print(json_of(state, life_of(place, state, machine())));
}

Result<int> list(const Options& options) {
  if (options.format != "table" && options.format != "json")
    return fail("--format: found \"" + options.format + "\", expected table or json");
  Json all = Json::array();
  std::string table =
      options.quiet ? ""
                    : padded("ID", 28) + padded("PID", 12) + padded("STATUS", 12) + padded("BUNDLE", 40) + "CREATED\n";
  for (const auto& id : ids_below(options.root)) {
    const Place place(options.root, id);
    const auto state = place.load();
    if (!state) continue;  // removed meanwhile, or never completed
    Json each = json_of(*state, life_of(place, *state, machine()));
    if (options.quiet) {
      table += id + "\n";
    } else {
      table += padded(id, 28) + padded(std::to_string(each["pid"].get<int>()), 12) +
               padded(each["status"].get<std::string>(), 12) + padded(state->bundle, 40) + state->created + "\n";
    }
    all.push_back(std::move(each));
  }
  if (options.format == "json" && !options.quiet) return print(all);
  METE_CHECK(write_all(STDOUT_FILENO, table));
  return 0;
}

Result<int> processes(const Options& options) {
  if (options.format != "table" && options.format != "json")
    return fail("--format: found \"" + options.format + "\", expected table or json");
  const Place place(options.root, options.words.front());
  METE_CHECK(check_id(place.id()));
  METE_TRY(const State state, place.load());
  std::vector<pid_t> pids;
  if (state.cgroup.empty()) {
    if (life_of(place, state, nullptr) != Life::stopped) pids.push_back(state.process.pid);
  } else {
    METE_TRY(const auto* found, hierarchies());
    METE_TRY(const cgroup::Group group, cgroup::Group::at(*found, state.cgroup));
    auto listed = group.processes();
    if (!listed && !cgroup::is_gone(listed.error())) return tl::unexpected<Error>(std::move(listed.error()));
    if (listed) pids = std::move(*listed);
  }
  if (options.format == "json") {
    METE_CHECK(write_all(STDOUT_FILENO, Json(pids).dump() + "\n"));
    return 0;
  }
  std::string table = "PID     COMMAND\n";
  for (const pid_t pid : pids) {
    auto command = read_file(AT_FDCWD, "/proc/" + std::to_string(pid) + "/cmdline");
    if (!command) continue;
    std::replace(command->begin(), command->end(), '\0', ' ');
    table += padded(std::to_string(pid), 8) + *command + "\n";
  }
  METE_CHECK(write_all(STDOUT_FILENO, table));
  return 0;
}

Result<int> spec(const Options& options) {
  const std::string path = options.bundle + "/config.json";
  const auto file = open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0644);
  if (!file) return tl::unexpected<Error>(file.error());
  const std::string text =
      options.rootless_spec ? rootless_example_config(::geteuid(), ::getegid()) : Json::parse(example_config()).dump(2);
  METE_CHECK(write_all(file->get(), text + "\n"));
  return 0;
}

}  // namespace mete::runtime::oci
