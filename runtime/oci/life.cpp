// SPDX-License-Identifier: Apache-2.0
// create, start, run, delete.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

#include "runtime/file.h"
#include "runtime/oci/commands.h"
#include "runtime/oci/config/rights.h"
#include "runtime/oci/console.h"
#include "runtime/oci/container.h"

namespace mete::runtime::oci {
namespace {

// Socket activation (sd_listen_fds(3)): passes the descriptors from 3 on to the container.
void pass_activation(int& preserved, std::vector<std::string>& env) {
  const char* const text = std::getenv("LISTEN_FDS");
  if (text == nullptr) return;
  int count = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), count);
  constexpr int kMost = 1024;
  if (error != std::errc() || *end != '\0' || count < 0 || count > kMost) return;
  preserved += count;
  env.push_back("LISTEN_FDS=" + std::to_string(count));
  env.emplace_back("LISTEN_PID=1");
}

Result<CreateRequest> request_of(const Options& options) {
  CreateRequest request;
  request.root = options.root;
  request.id = options.words.front();
  request.bundle = options.bundle;
  request.config_file = options.config;
  request.cgroups = options.cgroup_manager != "disabled";
  request.systemd = options.systemd_cgroup || options.cgroup_manager == "systemd";
  request.rootless = is_rootless(options.rootless);
  request.move_root = options.no_pivot;
  request.new_keyring = !options.no_new_keyring;
  request.pidfd_socket = options.pidfd_socket;
  if (options.debug) request.tell_step = [&options](const std::string& step) { report(options, "debug", step); };
  METE_TRY(request.preserved_fds, preserved_fds(options));
  pass_activation(request.preserved_fds, request.more_env);
  if (!options.console_socket.empty()) {
    METE_TRY(request.console, connect_to(options.console_socket, "--console-socket"));
  }
  return request;
}

Status write_pid_file(const Options& options, int pid) {
  if (options.pid_file.empty()) return {};
  // Replaced as a whole: clients wait for the file to appear and read it at once.
  return replace_file(options.pid_file, std::to_string(pid), 0644, Durability::volatile_);
}

// Removes a container that was made when the rest of its command failed.
Status give_up(const Place& place, const State& made, Error error) {
  (void)remove_container(place, made);
  return tl::unexpected<Error>(std::move(error));
}

Status start_made(const Options& options, const Place& place, const Made& made) {
  if (auto written = write_pid_file(options, made.launched.pid); !written)
    return give_up(place, made.state, std::move(written.error()));
  if (!made.gated) return {};
  METE_TRY(const UniqueFd lock, place.lock());
  return start_container(place, made.state);
}

}  // namespace

Result<int> create(const Options& options) {
  METE_TRY(CreateRequest request, request_of(options));
  request.with_gate = true;
  METE_TRY(const Made made, make_container(request));
  for (const auto& warning : made.warnings) report(options, "warning", warning);
  if (auto written = write_pid_file(options, made.launched.pid); !written) {
    METE_CHECK(give_up(Place(options.root, request.id), made.state, std::move(written.error())));
  }
  return 0;
}

Result<int> start(const Options& options) {
  const Place place(options.root, options.words.front());
  METE_CHECK(check_id(place.id()));
  METE_TRY(const UniqueFd lock, place.lock());
  METE_TRY(const State state, place.load());
  const Life life = life_of(place, state, nullptr);
  if (life != Life::created)
    return fail("container \"" + place.id() + "\": found it " + to_string(life) + ", expected it created");
  METE_CHECK(start_container(place, state));
  return 0;
}

Result<int> run(const Options& options) {
  METE_TRY(CreateRequest request, request_of(options));
  request.takes_terminal = !options.detach;
  if (!options.detach) hold_signals();
  METE_TRY(const Made made, make_container(request));
  for (const auto& warning : made.warnings) report(options, "warning", warning);
  const Place place(options.root, request.id);
  METE_CHECK(start_made(options, place, made));
  if (options.detach) return 0;
  give_back_image(made.launched.pidfd);
  const int code = made.terminal.valid() ? follow_terminal(made.launched.pid, made.launched.pidfd, made.terminal)
                                         : follow(made.launched.pid, made.launched.pidfd.get());
  if (options.keep) return code;
  const auto lock = place.lock();
  if (!lock) return code;  // another call has removed it meanwhile
  State ended = made.state;
  ended.process = {};
  METE_CHECK(remove_container(place, ended));
  for (const auto& warning : run_poststop(made.state)) report(options, "warning", warning);
  return code;
}

Result<int> remove(const Options& options) {
  const Place place(options.root, options.words.front());
  METE_CHECK(check_id(place.id()));
  auto lock = place.lock();
  if (!lock) {
    if (options.force && lock.error().code == ENOENT) return 0;
    return tl::unexpected<Error>(std::move(lock.error()));
  }
  const auto state = place.load();
  if (!options.force) {
    METE_CHECK(state);
    const Life life = life_of(place, *state, nullptr);
    if (life != Life::stopped) {
      return fail("container \"" + place.id() + "\": found it " + to_string(life) +
                  ", expected it stopped (or --force)");
    }
  }
  METE_CHECK(remove_container(place, state ? std::optional(*state) : std::nullopt));
  if (state) {
    for (const auto& warning : run_poststop(*state)) report(options, "warning", warning);
  }
  return 0;
}

}  // namespace mete::runtime::oci
