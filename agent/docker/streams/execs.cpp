// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/streams/execs.h"

#include <algorithm>

#include "agent/base/child_process.h"
#include "agent/base/spawn.h"
#include "agent/docker/container/start_errors.h"
#include "agent/docker/routes.h"
#include "agent/pods/pod.h"
#include "runtime/image/users.h"

namespace mete::agent::docker {
namespace {

// How long an ended one can be asked for.
constexpr auto kKept = std::chrono::minutes(5);
constexpr std::size_t kMostExecs = 4096;
// Docker does not tell apart a command of exec that is not there and one that cannot be executed.
constexpr int kCannotRun = 126;
constexpr int kNotFound = 127;

}  // namespace

std::string Execs::add(Exec exec) {
  forget_old();
  exec.id = new_id();
  const std::string id = exec.id;
  execs_[id] = std::move(exec);
  return id;
}

void Execs::forget_old() {
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(execs_, [&](const auto& each) {
    const Exec& exec = each.second;
    const bool without = !containers_.all().contains(exec.container) && !exec.running;
    return without || (exec.exit_code && (now - exec.ended > kKept || execs_.size() > kMostExecs));
  });
}

Exec* Execs::find(const std::string& id) {
  const auto at = execs_.find(id);
  return at == execs_.end() ? nullptr : &at->second;
}

std::vector<std::string> Execs::of(const std::string& container) const {
  std::vector<std::string> ids;
  for (const auto& [id, exec] : execs_) {
    if (exec.container == container && exec.running) ids.push_back(id);
  }
  return ids;
}

Result<std::vector<std::string>> Execs::options_of(const Exec& exec, const Container& inside) const {
  std::vector<std::string> options;
  const auto add = [&](const char* name, const std::string& value) { options.insert(options.end(), {name, value}); };
  if (exec.input) add("--stdin", "open");
  for (const auto& each : exec.env) add("--env", each);
  if (!exec.directory.empty()) add("--cwd", exec.directory);
  if (exec.user.empty()) return options;
  auto& images = containers_.services().images;
  METE_TRY(const auto image, images.find(inside.spec()->image));
  METE_TRY(const auto users, images.user_files(image));
  METE_TRY(const auto user, runtime::image::resolve_user(exec.user, users.passwd, users.group));
  add("--uid", std::to_string(user.uid));
  add("--gid", std::to_string(user.gid));
  for (const auto group : runtime::image::process_groups(user)) add("--group", std::to_string(group));
  if (std::none_of(exec.env.begin(), exec.env.end(), [](const auto& each) { return each.starts_with("HOME="); }))
    add("--env", "HOME=" + user.home);
  return options;
}

// The command is over before it began.
void Execs::cannot_run(Exec& exec, const std::string& why, const Client& client, const Done& begun) {
  exec.started = true;
  exec.exit_code = kCannotRun;
  exec.ended = std::chrono::steady_clock::now();
  if (!client) return begun(Refusal{400, why});
  const std::string line = why + "\r\n";
  if (const auto to = client()) to->write(exec.tty ? line : frame(1, line));
  begun(std::nullopt);
}

void Execs::start(Exec& exec, unsigned rows, unsigned columns, const Client& client, const Done& begun) {
  if (exec.started) return begun(Refusal{409, "Error: Exec command " + exec.id + " has already run"});
  const auto record = containers_.all().find(exec.container);
  const Container* const inside = record == containers_.all().end() ? nullptr : containers_.container(record->second);
  if (inside == nullptr || inside->record().state != agent::ContainerState::kRunning)
    return begun(Refusal{409, "Container " + exec.container + " is not running"});
  if (containers_.state(record->second).paused)
    return begun(Refusal{409, "Container " + record->second.name + " is paused, unpause the container before exec"});
  ExecSessionRequest request{inside->slot().files().directory(), inside->record().process, exec.command, {}};
  if (exec.tty) {
    request.options = {"--tty", "1", "--rows", std::to_string(rows), "--columns", std::to_string(columns)};
  }
  const auto more = options_of(exec, *inside);
  if (!more) return cannot_run(exec, user_error_text(more.error().what), client, begun);
  request.options.insert(request.options.end(), more->begin(), more->end());
  auto pair = make_socket_pair();
  if (!pair) return begun(Refusal{500, pair.error().what});
  const auto pid = spawn_exec_session(containers_.services().shim, request, pair->theirs);
  if (!pid) return begun(Refusal{500, pid.error().what});
  pair->theirs.reset();
  exec.started = exec.running = true;
  const std::string id = exec.id;
  // Of one in the background: what is written before the command runs is why it does not.
  const auto waits = std::make_shared<bool>(!client);
  const auto why = std::make_shared<std::string>();
  const auto tell_begun = [waits, begun](std::optional<Refusal> refusal) {
    if (std::exchange(*waits, false)) begun(refusal);
  };
  ShimStream::Ends ends;
  if (client) ends.client = client();
  ends.started = alive_.guard_value([this, id, tell_begun](int inside_pid) {
    if (Exec* const own = find(id)) own->pid = inside_pid;
    tell_begun(std::nullopt);
  });
  if (!client) {
    ends.said = [waits, why](std::string_view bytes) {
      if (*waits) why->append(bytes);
    };
  }
  ends.ended = alive_.guard_value([this, id, tell_begun, why](const ShimStream::Ended& ended) {
    while (why->ends_with('\n') || why->ends_with('\r')) why->pop_back();
    tell_begun(why->empty() ? Refusal{500, "exec: the command was not begun"} : Refusal{400, *why});
    Exec* const own = find(id);
    if (own == nullptr || !ended.exited) return;
    own->exit_code = own->pid == 0 && ended.code == kNotFound ? kCannotRun : ended.code;
    own->ended = std::chrono::steady_clock::now();  // forget_old() asks whoever has an exit code
    own->running = false;                           // whoever sees the end of the stream may ask at once
  });
  const ShimStream::Wishes wishes{.framed = !exec.tty,
                                  .input = exec.input,
                                  .output = exec.output || exec.tty || !client,
                                  .errors = exec.errors || !client};
  const auto stream =
      std::make_shared<ShimStream>(containers_.services().loop, std::move(pair->ours), std::move(ends), wishes);
  exec.stream = stream;
  await_child(containers_.services().loop, *pid, alive_.guard_value([this, id](int code) {
    Exec* const own = find(id);
    if (own == nullptr) return;
    own->running = false;
    if (!own->exit_code) own->exit_code = code < 0 ? 137 : code == kNotFound && own->pid == 0 ? kCannotRun : code;
    own->ended = std::chrono::steady_clock::now();
    const auto owner = containers_.all().find(own->container);
    if (owner != containers_.all().end())
      containers_.tell(owner->second, "exec_die", {{"execID", id}, {"exitCode", std::to_string(*own->exit_code)}});
  }));
  stream->begin();
  if (client) begun(std::nullopt);
}

}  // namespace mete::agent::docker
