// SPDX-License-Identifier: Apache-2.0
// state, list, ps, spec: commands that only print.
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "runtime/cgroup/text.h"
#include "runtime/file.h"
#include "runtime/json.h"
#include "runtime/oci/commands.h"
#include "runtime/oci/config/example.h"
#include "runtime/oci/container.h"

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

const cgroup::Hierarchies* machine(const State& state) {
  const auto found = hierarchies(state.cgroup_mounts);
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

// The heading of the text of ps(1), and its lines about these processes. Empty: it has no column PID.
std::optional<std::string> lines_of(std::string_view text, const std::vector<pid_t>& pids) {
  const auto word_at = [](std::string_view line, std::size_t column) {
    for (; column > 0; --column) (void)cgroup::next_word(line);
    return cgroup::next_word(line);
  };
  const std::string_view heading = cgroup::next_line(text);
  std::size_t column = 0;
  while (word_at(heading, column) != "PID") {
    if (word_at(heading, column).empty()) return std::nullopt;
    ++column;
  }
  std::string lines = std::string(heading) + "\n";
  while (!text.empty()) {
    const std::string_view line = cgroup::next_line(text);
    const auto pid = cgroup::parse_u64(word_at(line, column));
    if (pid && std::find(pids.begin(), pids.end(), static_cast<pid_t>(*pid)) != pids.end())
      lines.append(line).append("\n");
  }
  return lines;
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size() + 1, width), ' ');
  return text;
}

// The machine's ps(1) with these options; of its lines the first, and those of the container's processes.
Result<int> print_ps(std::vector<std::string> words, const std::vector<pid_t>& pids) {
  std::string command = "exec ps";
  for (const auto& word : words) {
    command += " '";
    for (const char c : word) command += c == '\'' ? std::string("'\\''") : std::string(1, c);
    command += "'";
  }
  const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.c_str(), "re"), ::pclose);
  if (!output) return fail_errno("ps");
  std::string text;
  char buffer[4096];
  while (const std::size_t got = ::fread(buffer, 1, sizeof buffer, output.get())) text.append(buffer, got);
  const auto shown = lines_of(text, pids);
  if (!shown)
    return fail("ps: found no column PID in what the machine's ps printed, expected options that show it, such as -ef");
  METE_CHECK(write_all(STDOUT_FILENO, *shown));
  return 0;
}

}  // namespace

Result<int> state(const Options& options) {
  const Place place(options.root, options.words.front());
  METE_CHECK(check_id(place.id()));
  METE_TRY(const State state, place.load());
  return print(json_of(state, life_of(place, state, machine(state))));
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
    Json each = json_of(*state, life_of(place, *state, machine(*state)));
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
    METE_TRY(const auto* found, hierarchies(state.cgroup_mounts));
    METE_TRY(const cgroup::Group group, cgroup::Group::at(*found, state.cgroup));
    auto listed = group.processes();
    if (!listed && !cgroup::is_gone(listed.error())) return tl::unexpected<Error>(std::move(listed.error()));
    if (listed) pids = std::move(*listed);
  }
  if (options.format == "json") {
    METE_CHECK(write_all(STDOUT_FILENO, Json(pids).dump() + "\n"));
    return 0;
  }
  if (options.words.size() > 1) return print_ps({options.words.begin() + 1, options.words.end()}, pids);
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
