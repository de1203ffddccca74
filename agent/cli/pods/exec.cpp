// SPDX-License-Identifier: Apache-2.0
// `mete exec` runs the command as its own child: the agent only tells where the container is.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "agent/cli/containers/subject.h"
#include "agent/cli/objects/chosen_pod.h"
#include "agent/cli/objects/pod_word.h"
#include "runtime/file.h"
#include "runtime/process/launch/launcher.h"
#include "runtime/process/launch/own_image.h"
#include "runtime/process/plan/enter.h"
#include "runtime/process/plan/wire.h"
#include "runtime/process/terminal.h"
#include "runtime/shim/attempt_files.h"

namespace mete::agent::cli {
namespace {

struct ExecOptions {
  std::string pod;
  std::string space;
  std::string container;
  std::vector<std::string> command;
  std::vector<std::string> env;
  std::string directory;
  std::string user;
  bool detach = false;
  bool interactive = false;
  bool tty = false;
  bool privileged = false;
};

namespace process = runtime::process;
using runtime::UniqueFd;

Result<int> run(const process::Plan& plan, const ExecOptions& options) {
  METE_TRY(const UniqueFd null, runtime::open_at(AT_FDCWD, "/dev/null", O_RDONLY));
  process::LaunchOptions launch;
  launch.stdin_fd = options.interactive ? STDIN_FILENO : null.get();
  launch.stdout_fd = STDOUT_FILENO;
  launch.stderr_fd = STDERR_FILENO;
  UniqueFd terminal;
  launch.terminal = [&terminal](UniqueFd opened) -> Status {
    terminal = std::move(opened);
    process::prepare_foreground(terminal);
    return {};
  };
  // A signal in the first moment must not end only this process: it stays pending until the command can receive it.
  sigset_t ours;
  sigemptyset(&ours);
  sigaddset(&ours, SIGINT);
  sigaddset(&ours, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &ours, nullptr);
  // As is a change of the window's size after it was given to the command's terminal and before relay() waits for one.
  sigset_t resized;
  sigemptyset(&resized);
  sigaddset(&resized, SIGWINCH);
  if (options.tty) ::sigprocmask(SIG_BLOCK, &resized, nullptr);
  METE_TRY(const process::Launched launched, process::launch(plan, launch));
  // Ctrl-C goes to the command, which has a session of its own; this process stays to report the exit code.
  if (options.tty) {
    process::relay(terminal, launched.pidfd, ours);
  } else {
    for (const int signal : {SIGINT, SIGTERM}) {
      static pid_t child;
      child = launched.pid;
      std::signal(signal, [](int number) { ::kill(child, number); });
    }
  }
  ::sigprocmask(SIG_UNBLOCK, &ours, nullptr);
  int status = 0;
  while (::waitpid(launched.pid, &status, 0) < 0 && errno == EINTR) {
  }
  return runtime::shim::exit_status_of(status).code;
}

// What the agent has to do: another user, and a command that nobody waits for.
int exec_by_agent(const Common& common, const Subject& subject, const ExecOptions& options) {
  const DockerClient client = docker_client(common);
  const Json wishes = {{"AttachStdin", options.interactive && !options.detach},
                       {"AttachStdout", !options.detach},
                       {"AttachStderr", !options.detach},
                       {"Tty", options.tty},
                       {"Privileged", options.privileged},
                       {"User", options.user},
                       {"WorkingDir", options.directory},
                       {"Env", options.env},
                       {"Cmd", options.command}};
  const auto made =
      client.request("POST", subject.path + "/exec", wishes.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!made) return complain(made.error().what, kNoAgent);
  if (made->status >= 400) return complain(message_of(*made), kFailed);
  const std::string path = "/exec/" + Json::parse(made->body)["Id"].get<std::string>();
  const Json start = {{"Detach", options.detach}, {"Tty", options.tty}};
  if (options.detach) return ask_docker(common, "POST", path + "/start", start.dump());
  auto stream = client.open("POST", path + "/start", true, start.dump());
  if (!stream) return complain(stream.error().what, kNoAgent);
  if (stream->status != 101) return complain("exec: found status " + std::to_string(stream->status));
  const StreamWishes streams{options.interactive, options.tty, path + "/resize", ""};
  if (copy_streams(client, *stream, streams) != StreamEnd::kClosed) return kDone;
  const auto ended = fetch_docker(common, path + "/json");
  return ended.code == kDone ? ended.value["ExitCode"].get<int>() : ended.code;
}

// -it where standard input is no terminal, which can end and be none of the command's: docker refuses it, kubectl goes
// on without a terminal. Returns kDone where the command may run.
int check_terminal(const Common& common, ExecOptions& options) {
  if (!options.tty || !options.interactive || options.detach || ::isatty(STDIN_FILENO) == 1) return kDone;
  const Subject subject = find_subject(common, options.pod);
  if (subject.code != kDone) return subject.code;
  if (!subject.is_pod) return complain("the input device is not a TTY");
  std::fputs("Unable to use a TTY - input is not a terminal or the right kind of file\n", stderr);
  options.tty = false;
  return kDone;
}

// Returns the command's exit code; 126 and 127 as in a shell.
int exec(const Common& common, ExecOptions options) {
  auto chosen = choose_pod(common, options.pod, options.space, PodUse::kExec);
  if (chosen.code != kDone) return chosen.code;
  options.pod = std::move(chosen.word);
  if (const int code = check_terminal(common, options); code != kDone) return code;
  if (options.detach || options.privileged || !options.user.empty()) {
    const Subject subject = find_subject(common, options.pod);
    if (subject.code != kDone) return subject.code;
    if (subject.is_pod) return refuse_pod(subject, "exec -d, -u or --privileged", "a command has the pod's own user");
    return exec_by_agent(common, subject, options);
  }
  if (const auto safe = process::protect_own_image(); !safe) return complain(safe.error().what);
  const auto fetched = fetch(common, "GET", "/mete/v1/pods/" + pod_key(options.pod));
  if (fetched.code != kDone) return fetched.code;
  const auto container = find_container(fetched.value, options.container);
  if (!container) return kNotFound;
  if (!container->contains("pid"))
    return complain("container " + (*container)["name"].get<std::string>() + " is " +
                    (*container)["state"].get<std::string>() + ", expected it running");
  const auto directory = (*container)["directory"].get<std::string>();
  const auto bytes = runtime::read_file(AT_FDCWD, directory + "/plan");
  if (!bytes) return complain(bytes.error().what);
  const auto launched_from = process::decode_plan(*bytes);
  if (!launched_from) return complain(launched_from.error().what);
  const process::ProcessId first{(*container)["pid"].get<pid_t>(), container->value("pidStartTime", std::uint64_t{0})};
  // Checked before and after the namespaces are read: another process with that pid may be one of the host's.
  if (const auto there = process::open_pidfd(first); !there)
    return complain("the container has just ended: " + there.error().what);
  const auto plan =
      process::make_enter_plan(*launched_from, {first.pid,
                                                options.command,
                                                {},
                                                options.tty ? std::optional(process::TerminalSpec{}) : std::nullopt,
                                                {options.env, options.directory, std::nullopt, 0, {}}});
  if (!plan) return complain(plan.error().what);
  if (const auto there = process::open_pidfd(first); !there)
    return complain("the container has just ended: " + there.error().what);
  const auto code = run(*plan, options);
  if (code) return *code;
  const int failed = code.error().code == ENOENT ? 127 : code.error().code == EACCES ? 126 : kFailed;
  return complain(code.error().what, failed);
}

}  // namespace

void add_exec(CommandLine& line) {
  auto options = std::make_shared<ExecOptions>();
  const Common& common = line.common();
  auto* command = line.add({"exec", "Run a command in a container",
                            "  mete exec web ps\n  mete exec -it web -c nginx -- sh\n  mete exec deploy/web -- ps"},
                           [&common, options] { return exec(common, *options); });
  command->add_option("pod", options->pod, kPodName)->type_name(kPod)->required();
  command->add_option("-n,--namespace", options->space, kPodNamespace)->type_name("NAMESPACE");
  command->add_option("-c,--container", options->container, "Which container")->type_name(kContainer);
  command->add_flag("-i,--interactive", options->interactive, "Pass standard input on");
  command->add_flag("-t,--tty", options->tty, "With a terminal");
  command->add_option("-e,--env", options->env, "A variable of the command")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command->add_option("-w,--workdir", options->directory, "Where the command begins")->type_name(kFolder);
  command->add_option("-u,--user", options->user, "Of a container: a user of it, name or number")->type_name("NAME");
  command->add_flag("-d,--detach", options->detach, "Of a container: do not wait for the command");
  command->add_flag("--privileged", options->privileged, "Of a container that is privileged itself");
  command->add_option("command", options->command, "The command and its arguments; after -- where options precede it")
      ->type_name("COMMAND")
      ->required();
}

}  // namespace mete::agent::cli
