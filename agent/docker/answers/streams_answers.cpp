// SPDX-License-Identifier: Apache-2.0
// Streams: attach, exec, and the sizes of their terminals.
#include "agent/docker/routes.h"
#include "agent/docker/streams/detach_keys.h"
#include "agent/docker/streams/shim_stream.h"
#include "runtime/shim/attach_protocol.h"

namespace mete::agent::docker {
namespace {

namespace attach = runtime::shim::attach;

// What follows on the connection is not HTTP any more. Without an upgrade the answer is a body that ends with the
// connection.
HttpResponse stream_head(const Call& call, bool tty) {
  HttpResponse head;
  head.type = stream_type(call.version, tty);
  if (!call.request.upgrades) return head;
  head.status = 101;
  head.headers = {{"Connection", "Upgrade"}, {"Upgrade", "tcp"}};
  return head;
}

// Where the container's shim serves those who look at it, from now on or from its next start on.
Result<runtime::UniqueFd> socket_of(Container& container) {
  if (container.record().state == agent::ContainerState::kRunning)
    return attach::connect_to(container.slot().files().attach());
  METE_TRY(SocketPair pair, make_socket_pair());
  container.attempt().attach_next(std::move(pair.theirs));
  return std::move(pair.ours);
}

struct Size {
  unsigned rows = 0;
  unsigned columns = 0;
};

bool take_size(const Call& call, Size& size) {
  std::optional<std::int64_t> rows;
  std::optional<std::int64_t> columns;
  if (!take_number(call, "h", rows) || !take_number(call, "w", columns)) return false;
  constexpr std::int64_t kMost = 65535;
  if (rows.value_or(0) < 0 || rows.value_or(0) > kMost || columns.value_or(0) < 0 || columns.value_or(0) > kMost) {
    refuse(call, 400, "the size of a terminal has at most 65535 rows and columns");
    return false;
  }
  size = {static_cast<unsigned>(rows.value_or(0)), static_cast<unsigned>(columns.value_or(0))};
  return true;
}

// Of a container that was there when the client asked.
void tell_later(Engine& engine, const std::string& id, const std::string& action, Json more) {
  const auto record = engine.containers().all().find(id);
  if (record != engine.containers().all().end()) engine.containers().tell(record->second, action, std::move(more));
}

void tell_exec(Engine& engine, const Exec& exec) {
  std::string command;
  for (const auto& word : exec.command) command.append(" ").append(word);
  tell_later(engine, exec.container, "exec_start:" + command, {{"execID", exec.id}});
}

}  // namespace

void attach_container(Engine& engine, const Call& call) {
  ContainerRecord* const record = container_of(engine, call);
  if (record == nullptr) return;
  Container* const container = engine.containers().container(*record);
  if (container == nullptr) return refuse(call, 409, "container " + record->id + " is being removed");
  if (engine.containers().state(*record).paused)
    return refuse(call, 409, "Container " + record->name + " is paused, unpause the container before attach");
  if (!call.flag("stream"))
    return refuse(call, 400, "attach: expected stream=1; what was written before is in the logs");
  if (const std::string keys = call.parameter("detachKeys"); !are_detach_keys(keys))
    return refuse(call, 400, "Invalid detach keys (" + keys + ") provided");
  auto socket = socket_of(*container);
  if (!socket) return refuse(call, 500, socket.error().what);
  const bool tty = flag_of(record->config, "Tty");
  ShimStream::Wishes wishes;
  wishes.framed = !tty;
  wishes.input = call.flag("stdin") && flag_of(record->config, "OpenStdin");
  wishes.output = call.flag("stdout");
  wishes.errors = call.flag("stderr");
  engine.containers().tell(*record, "attach");
  const auto client = call.reply->take_over(stream_head(call, tty));
  std::make_shared<ShimStream>(engine.services().loop, std::move(*socket), ShimStream::Ends{.client = client}, wishes)
      ->begin();
}

void resize_container(Engine& engine, const Call& call) {
  ContainerRecord* const record = container_of(engine, call);
  Size size;
  if (record == nullptr || !take_size(call, size)) return;
  const Container* const container = engine.containers().container(*record);
  if (container == nullptr || container->record().state != agent::ContainerState::kRunning)
    return refuse(call, 409, "Container " + record->id + " is not running");
  auto socket = attach::connect_to(container->slot().files().attach());
  if (!socket) return refuse(call, 500, socket.error().what);
  // A shim that does not run (it is stopped, or the machine stands) holds no client for longer.
  constexpr auto kLongest = std::chrono::seconds(2);
  const auto timer = std::make_shared<Timer>(engine.services().loop);
  timer->expires_after(kLongest);
  const auto done = [&engine, call, size, timer, id = record->id](const ShimStream::Ended&) {
    timer->cancel();
    tell_later(engine, id, "resize", {{"height", std::to_string(size.rows)}, {"width", std::to_string(size.columns)}});
    answer_nothing(call, 200);
  };
  const auto stream = std::make_shared<ShimStream>(
      engine.services().loop, std::move(*socket), ShimStream::Ends{.ended = done}, ShimStream::Wishes{.output = false});
  timer->async_wait([stream](ErrorCode error) {
    if (!error) stream->abandon();
  });
  stream->resize_alone(size.rows, size.columns);
}

void create_exec(Engine& engine, const Call& call) {
  ContainerRecord* const record = container_of(engine, call);
  if (record == nullptr) return;
  const auto body = parse_body(call.request.body);
  if (!body) return refuse(call, 400, body.error().what);
  const State state = engine.containers().state(*record);
  if (state.paused)
    return refuse(call, 409, "Container " + record->name + " is paused, unpause the container before exec");
  if (!state.has_process()) return refuse(call, 409, "Container " + record->id + " is not running");
  if (const std::string keys = text_of(*body, "DetachKeys"); !are_detach_keys(keys))
    return refuse(call, 400, "Invalid escape keys (" + keys + ") provided");
  Exec exec;
  exec.container = record->id;
  exec.command = words_of(*body, "Cmd");
  if (exec.command.empty() || exec.command.front().empty()) return refuse(call, 400, "No exec command specified");
  if (flag_of(*body, "Privileged") && !flag_of(record->host_config, "Privileged"))
    return refuse(call, 400, "Privileged: a command has the rights of its container, whose other rights it cannot get");
  exec.env = words_of(*body, "Env");
  exec.user = text_of(*body, "User");
  exec.directory = text_of(*body, "WorkingDir");
  exec.tty = flag_of(*body, "Tty");
  exec.input = flag_of(*body, "AttachStdin");
  exec.output = flag_of(*body, "AttachStdout");
  exec.errors = flag_of(*body, "AttachStderr");
  std::string command;
  for (const auto& word : exec.command) command.append(" ").append(word);
  const std::string id = engine.execs().add(std::move(exec));
  engine.containers().tell(*record, "exec_create:" + command, {{"execID", id}});
  answer(call, {{"Id", id}}, 201);
}

void start_exec(Engine& engine, const Call& call) {
  Exec* const exec = engine.execs().find(call.words.front());
  if (exec == nullptr) return refuse(call, 404, "No such exec instance: " + call.words.front());
  const auto body = parse_body(call.request.body);
  if (!body) return refuse(call, 400, body.error().what);
  const Json& size = field(*body, "ConsoleSize");
  const bool sized =
      size.is_array() && size.size() == 2 && size[0].is_number_unsigned() && size[1].is_number_unsigned();
  const auto rows = sized ? size[0].get<unsigned>() : 0;
  const auto columns = sized ? size[1].get<unsigned>() : 0;
  const bool detached = flag_of(*body, "Detach");
  Execs::Client client;
  if (!detached) client = [call, tty = exec->tty] { return call.reply->take_over(stream_head(call, tty)); };
  engine.execs().start(*exec, rows, columns, client,
                       [&engine, call, detached, id = exec->id](const std::optional<Refusal>& refusal) {
                         if (refusal) return refuse(call, refusal->status, refusal->message);
                         if (const Exec* const begun = engine.execs().find(id)) tell_exec(engine, *begun);
                         if (detached) answer_nothing(call, 200);
                       });
}

void inspect_exec(Engine& engine, const Call& call) {
  const Exec* const exec = engine.execs().find(call.words.front());
  if (exec == nullptr) return refuse(call, 404, "No such exec instance: " + call.words.front());
  const std::vector<std::string> arguments(exec->command.begin() + 1, exec->command.end());
  answer(call, {{"ID", exec->id},
                {"Running", exec->running},
                {"ExitCode", exec->exit_code ? Json(*exec->exit_code) : Json()},
                {"ProcessConfig",
                 {{"tty", exec->tty},
                  {"entrypoint", exec->command.front()},
                  {"arguments", arguments},
                  {"privileged", false},
                  {"user", exec->user}}},
                {"OpenStdin", exec->input},
                {"OpenStderr", exec->errors},
                {"OpenStdout", exec->output},
                {"CanRemove", exec->exit_code.has_value()},
                {"ContainerID", exec->container},
                {"DetachKeys", ""},
                {"Pid", exec->pid}});
}

void resize_exec(Engine& engine, const Call& call) {
  Exec* const exec = engine.execs().find(call.words.front());
  if (exec == nullptr) return refuse(call, 404, "No such exec instance: " + call.words.front());
  Size size;
  if (!take_size(call, size)) return;
  if (const auto stream = exec->stream.lock()) stream->resize(size.rows, size.columns);
  answer_nothing(call, 200);
}

}  // namespace mete::agent::docker
