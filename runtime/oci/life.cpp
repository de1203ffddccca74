// SPDX-License-Identifier: Apache-2.0
// create, start, run, delete.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <charconv>

#include "runtime/file.h"
#include "runtime/oci/commands.h"
#include "runtime/oci/container.h"

namespace mete::runtime::oci {
namespace {

Result<CreateRequest> request_of(const Options& options) {
  if (options.no_pivot) return fail("--no-pivot: found it, expected it left out: without pivot_root the host's root stays reachable");
  if (!options.console_socket.empty()) return fail("--console-socket: found one, expected none: terminals cannot be had yet");
  CreateRequest request;
  request.root = options.root;
  request.id = options.words.front();
  request.bundle = options.bundle;
  request.config_file = options.config;
  request.cgroups = options.cgroup_manager != "disabled";
  const auto& text = options.preserve_fds;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), request.preserved_fds);
  constexpr int kMost = 1024;
  if (error != std::errc() || end != text.data() + text.size() || request.preserved_fds < 0 || request.preserved_fds > kMost) {
    return fail("--preserve-fds: found \"" + text + "\", expected a number of descriptors, at most 1024");
  }
  return request;
}

Status write_pid_file(const Options& options, int pid) {
  if (options.pid_file.empty()) return {};
  // Replaced as a whole: clients wait for it to appear and read it at once.
  return replace_file(options.pid_file, std::to_string(pid), 0644, Durability::volatile_);
}

// What has to be undone when a container was made and the rest of its command failed.
Status give_up(const Place& place, const State& made, Error error) {
  (void)remove_container(place, made);
  return tl::unexpected<Error>(std::move(error));
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
  if (life != Life::created) return fail("container \"" + place.id() + "\": found it " + to_string(life) + ", expected it created");
  METE_TRY(const UniqueFd gate, open_at(AT_FDCWD, place.gate(), O_WRONLY | O_NONBLOCK));
  const char go = 1;
  if (::write(gate.get(), &go, 1) != 1) return fail_errno("open the start gate of \"" + place.id() + "\"");
  // The last reader is gone with the exec, so that after us nobody finds the container "created".
  constexpr int kLongestMilliseconds = 10'000;
  pollfd wait{gate.get(), 0, 0};
  (void)::poll(&wait, 1, kLongestMilliseconds);
  return 0;
}

Result<int> run(const Options& options) {
  METE_TRY(const CreateRequest request, request_of(options));
  if (!options.detach) hold_signals();
  METE_TRY(const Made made, make_container(request));
  for (const auto& warning : made.warnings) report(options, "warning", warning);
  const Place place(options.root, request.id);
  if (auto written = write_pid_file(options, made.launched.pid); !written) {
    METE_CHECK(give_up(place, made.state, std::move(written.error())));
  }
  if (options.detach) return 0;
  const int code = follow(made.launched.pid, made.launched.pidfd.get());
  if (options.keep) return code;
  const auto lock = place.lock();
  if (!lock) return code;  // somebody else has removed it meanwhile
  State ended = made.state;
  ended.process = {};
  METE_CHECK(remove_container(place, ended));
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
      return fail("container \"" + place.id() + "\": found it " + to_string(life) + ", expected it stopped (or --force)");
    }
  }
  METE_CHECK(remove_container(place, state ? std::optional(*state) : std::nullopt));
  return 0;
}

}  // namespace mete::runtime::oci
