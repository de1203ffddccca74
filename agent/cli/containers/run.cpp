// SPDX-License-Identifier: Apache-2.0
// `mete run` and `mete rm`: docker's words, flags, output and exit codes. They are clients of the agent's Docker Engine
// API, which makes a Pod of the request.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "agent/cli/containers/docker_client.h"
#include "agent/cli/containers/run_request.h"
#include "agent/cli/output.h"
#include "agent/http/http_url.h"
#include "runtime/file.h"

namespace mete::agent::cli {
namespace {

constexpr int kNotStarted = 125;  // docker's: the container was not made or not started

struct RunFlags {
  RunOptions options;
  std::vector<std::string> env;
  std::vector<std::string> env_files;
};

// A name alone has the caller's value; one that the caller does not have is left out of a file, and takes the image's
// away on the command line.
void add_env(const std::string& word, bool of_file, std::vector<std::string>& env) {
  if (word.find('=') != std::string::npos) return env.push_back(word);
  const char* const own = std::getenv(word.c_str());
  if (own != nullptr) {
    env.push_back(word + "=" + own);
  } else if (!of_file) {
    env.push_back(word);
  }
}

Result<std::vector<std::string>> environment(const RunFlags& flags) {
  std::vector<std::string> env;
  for (const auto& path : flags.env_files) {
    METE_TRY(std::string text, runtime::read_file(AT_FDCWD, path));
    text += '\n';
    std::size_t start = 0;
    for (std::size_t end = 0; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
      std::string line = text.substr(start, end - start);
      line.erase(0, std::min(line.find_first_not_of(" \t"), line.size()));
      if (!line.empty() && line.front() != '#') add_env(line, true, env);
    }
  }
  for (const auto& each : flags.env) add_env(each, false, env);
  return env;
}

// Asks for the image where the store has none, as docker does.
Result<Answer> create(const DockerClient& client, const RunOptions& options, const std::string& body) {
  const std::string target = "/containers/create" + (options.name.empty() ? "" : "?name=" + url_encode(options.name));
  METE_TRY(Answer made, client.request("POST", target, body));
  if (made.status != 404) return made;
  std::fprintf(stderr, "Unable to find image '%s' locally\n", options.image.c_str());
  METE_TRY(const Answer pulled, client.request("POST", "/images/create?fromImage=" + url_encode(options.image)));
  if (pulled.status != 200) return pulled;
  return client.request("POST", target, body);
}

int refused(const Answer& answer, int code = kNotStarted) {
  return complain(message_of(answer), code);
}

// The program's exit code, or docker's for a start that failed.
int follow(const DockerClient& client, const RunOptions& options, const std::string& id) {
  const std::string path = "/containers/" + id;
  const std::string input = options.interactive ? "&stdin=1" : "";
  auto stream = client.open("POST", path + "/attach?stream=1&stdout=1&stderr=1" + input, true);
  if (!stream) return complain(stream.error().what, kNotStarted);
  if (stream->status != 101) return complain("attach: found status " + std::to_string(stream->status), kNotStarted);
  auto end = client.open("POST", path + "/wait?condition=" + (options.remove ? "removed" : "next-exit"));
  if (!end) return complain(end.error().what, kNotStarted);
  const auto started = client.request("POST", path + "/start");
  if (!started) return complain(started.error().what, kNotStarted);
  if (started->status >= 400) return refused(*started, code_of_refusal(message_of(*started)));
  const StreamWishes wishes{options.interactive, options.tty, path + "/resize", path + "/kill"};
  if (copy_streams(client, *stream, wishes)) return kDone;
  const auto result = nlohmann::json::parse(rest_of(*end), nullptr, false);
  if (!result.is_object() || !result.contains("StatusCode"))
    return complain("the agent ended before it told how the container ended", kNotStarted);
  return result["StatusCode"].get<int>();
}

int run(const Common& common, RunFlags& flags) {
  auto& options = flags.options;
  auto env = environment(flags);
  if (!env) return complain("--env-file: " + env.error().what, kNotStarted);
  options.env = std::move(*env);
  if (options.tty && options.interactive && !options.detach && ::isatty(STDIN_FILENO) != 1)
    return complain("the input device is not a TTY", 1);
  const auto request = run_request(options);
  if (!request) return complain(request.error().what, kNotStarted);
  const DockerClient client(common.settings.docker_socket());
  const auto made = create(client, options, request->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  if (!made) return complain(made.error().what, kNotStarted);
  if (made->status != 201) return refused(*made);
  const auto id = nlohmann::json::parse(made->body)["Id"].get<std::string>();
  if (!options.detach) return follow(client, options, id);
  const auto started = client.request("POST", "/containers/" + id + "/start");
  if (!started) return complain(started.error().what, kNotStarted);
  if (started->status >= 400) return refused(*started, code_of_refusal(message_of(*started)));
  print(id + "\n");
  return kDone;
}

struct RemoveFlags {
  std::vector<std::string> names;
  bool force = false;
  bool volumes = false;
};

int remove(const Common& common, const RemoveFlags& flags) {
  const DockerClient client(common.settings.docker_socket());
  int code = kDone;
  for (const auto& name : flags.names) {
    const auto answer =
        client.request("DELETE", "/containers/" + url_encode(name) + "?force=" + (flags.force ? "1" : "0") +
                                     "&v=" + (flags.volumes ? "1" : "0"));
    if (!answer) return complain(answer.error().what, kNoAgent);
    if (answer->status == 204) {
      print(name + "\n");
      continue;
    }
    complain(message_of(*answer));
    if (!flags.force || answer->status != 404) code = kFailed;
  }
  return code;
}

void add_run_options(CLI::App& command, RunFlags& flags) {
  auto& to = flags.options;
  command.add_flag("-d,--detach", to.detach, "Print the id, and leave it running");
  command.add_flag("--rm", to.remove, "Remove it when it has ended");
  command.add_flag("-i,--interactive", to.interactive, "Pass standard input on");
  command.add_flag("-t,--tty", to.tty, "With a terminal");
  command.add_option("--name", to.name, "Its name; without one it is invented")->type_name("NAME");
  const auto list = [&](const char* name, std::vector<std::string>& words, const char* what, const char* kind) {
    command.add_option(name, words, what)->type_name(kind)->expected(1)->allow_extra_args(false)->take_all();
  };
  list("-e,--env", flags.env, "A variable; a name alone has the caller's value", "NAME=VALUE");
  list("--env-file", flags.env_files, "Variables, one a line", kFile);
  list("-v,--volume", to.volumes, "SOURCE:TARGET[:ro]; SOURCE is a path or a volume's name", kFile);
  list("--tmpfs", to.tmpfs, "TARGET[:OPTIONS]: a file system in memory", kFolder);
  list("-p,--publish", to.ports, "[ADDRESS:][PORT:]PORT[/PROTOCOL]: a port of the machine that leads to it", "PORT");
  command.add_option("--network", to.network, "A network, none, host, or container:NAME")->type_name(kNetworkName);
  command.add_option("--ip", to.address, "Its IPv4 address")->type_name("ADDRESS");
  list("--network-opt", to.network_options,
       "Its bandwidth: ingress=10M, egress=2M (bits a second), burst=256Ki (bytes)", "NAME=VALUE");
  list("--dns", to.dns, "A server that it asks for names", "ADDRESS");
  list("--add-host", to.hosts, "NAME:ADDRESS: a line of its /etc/hosts", "NAME=VALUE");
  command.set_help_flag("--help", "Print this help message and exit");  // -h is docker's word for the hostname
  command.add_option("-h,--hostname", to.hostname, "Its own name; by default the id's begin")->type_name("NAME");
  command.add_option("-m,--memory", to.memory, "At most so much memory: 512m")->type_name("SIZE");
  command.add_option("--cpus", to.cpus, "At most so many CPUs: 1.5")->type_name("CPUS");
  command.add_option("--pids-limit", to.pids, "At most so many processes")->type_name("N");
  command.add_option("-w,--workdir", to.directory, "Where the command begins")->type_name(kFolder);
  command.add_option("-u,--user", to.user, "A user of the image: name or number, :GROUP after it")->type_name("NAME");
  command.add_option("--entrypoint", to.entrypoint, "In place of the image's")->type_name("COMMAND");
  command.add_option("--restart", to.restart, "no, on-failure[:N], always or unless-stopped")->type_name("NAME");
  list("-l,--label", to.labels, "A label, by which policies select it", "NAME=VALUE");
  command.add_flag("--read-only", to.read_only, "Its root cannot be written");
  command.add_flag("--privileged", to.privileged, "All rights and devices of the machine");
  command.add_flag("--init", to.init, "A process of mete's is its first one: passes signals on, and reaps");
  list("--cap-add", to.capabilities, "A capability more", "CAPABILITY");
  list("--cap-drop", to.dropped_capabilities, "A capability less", "CAPABILITY");
}

}  // namespace

void add_run(CommandLine& line) {
  const Common& common = line.common();
  auto flags = std::make_shared<RunFlags>();
  auto* command = line.add({"run", "Run a command in a new container, as docker run does",
                            "  mete run --rm busybox echo hello\n  mete run -d --name web -p 8080:80 nginx\n"
                            "  mete run --rm -it -m 64m busybox sh"},
                           [&common, flags] { return run(common, *flags); });
  add_run_options(*command, *flags);
  command->add_option("image", flags->options.image, "What it is made from")->type_name("IMAGE")->required();
  command->add_option("command", flags->options.command, "The command and its arguments, in place of the image's")
      ->type_name("COMMAND");
  command->positionals_at_end();  // what follows the image is the command's
  auto removed = std::make_shared<RemoveFlags>();
  auto* rm =
      line.add({"rm", "Remove containers of `mete run` and of docker's clients", "  mete rm web\n  mete rm -f web db"},
               [&common, removed] { return remove(common, *removed); });
  rm->add_flag("-f,--force", removed->force, "Also one that runs: it is killed");
  rm->add_flag("-v,--volumes", removed->volumes, "With its volumes that have no name");
  rm->add_option("container", removed->names, "Names or ids")->type_name(kPod)->required();
}

}  // namespace mete::agent::cli
