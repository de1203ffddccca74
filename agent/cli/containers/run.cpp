// SPDX-License-Identifier: Apache-2.0
// `mete run` and `mete create`: docker's words, flags, output and exit codes. They are clients of the agent's Docker
// Engine API, which makes a Pod of the request.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "agent/cli/containers/attached_start.h"
#include "agent/cli/containers/run_flags.h"
#include "agent/cli/containers/subject.h"
#include "agent/http/http_url.h"
#include "runtime/file.h"

namespace mete::agent::cli {
namespace {

constexpr std::size_t kLargestProfile = 1U << 20U;

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

// Of a file of variables or labels: all but empty lines and comments.
Status for_each_line(const std::string& path, const std::function<void(const std::string&)>& take) {
  METE_TRY(std::string text, runtime::read_file(AT_FDCWD, path));
  text += '\n';
  std::size_t start = 0;
  for (std::size_t end = 0; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
    std::string line = text.substr(start, end - start);
    line.erase(0, std::min(line.find_first_not_of(" \t"), line.size()));
    if (!line.empty() && line.front() != '#') take(line);
  }
  return {};
}

Result<std::vector<std::string>> environment(const RunFlags& flags) {
  std::vector<std::string> env;
  for (const auto& path : flags.env_files)
    METE_CHECK(for_each_line(path, [&](const std::string& line) { add_env(line, true, env); }));
  for (const auto& each : flags.env) add_env(each, false, env);
  return env;
}

// Asks for the image where the store has none, as docker does.
Result<Answer> create(const DockerClient& client, const RunFlags& flags, const std::string& body) {
  const auto& options = flags.options;
  const std::string target = "/containers/create" + (options.name.empty() ? "" : "?name=" + url_encode(options.name));
  const auto pull = [&] { return client.request("POST", "/images/create?fromImage=" + url_encode(options.image)); };
  if (flags.pull == "always") {
    METE_TRY(const Answer pulled, pull());
    if (pulled.status != 200) return pulled;
  }
  METE_TRY(Answer made, client.request("POST", target, body));
  if (made.status != 404 || flags.pull == "never") return made;
  std::fprintf(stderr, "Unable to find image '%s' locally\n", options.image.c_str());
  METE_TRY(const Answer pulled, pull());
  if (pulled.status != 200) return pulled;
  return client.request("POST", target, body);
}

// Docker's file of the id: it must not be there before.
Status write_id(const std::string& path, const std::string& id) {
  METE_TRY(const runtime::UniqueFd file, runtime::open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0644));
  return runtime::write_all(file.get(), id);
}

Result<std::vector<std::string>> labels_of(const RunFlags& flags) {
  std::vector<std::string> labels;
  for (const auto& path : flags.label_files) {
    METE_CHECK(for_each_line(path, [&](const std::string& line) { labels.push_back(line); }));
  }
  labels.insert(labels.end(), flags.options.labels.begin(), flags.options.labels.end());
  return labels;
}

// seccomp=FILE becomes the profile itself, as docker's client sends it: the agent reads none of its client's files.
Status send_profiles(GivenFields& fields) {
  const auto options = fields.find("HostConfig.SecurityOpt");
  if (options == fields.end()) return {};
  constexpr std::string_view kName = "seccomp";
  for (auto& option : options->second) {
    const bool named = option.starts_with(kName) && (option[kName.size()] == '=' || option[kName.size()] == ':');
    const std::string path = named ? option.substr(kName.size() + 1) : "";
    if (path.empty() || path == "unconfined" || path == "builtin") continue;
    const auto text = runtime::read_file(AT_FDCWD, path, kLargestProfile);
    if (!text) return fail("--security-opt: opening seccomp profile (" + path + ") failed: " + text.error().what);
    const Json profile = Json::parse(*text, nullptr, false);
    if (profile.is_discarded())
      return fail("--security-opt: compacting json for seccomp profile (" + path + ") failed: found no JSON");
    option = "seccomp=" + profile.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  return {};
}

// The container's id.
Result<std::string> make(const DockerClient& client, RunFlags& flags) {
  if (!flags.id_file.empty() && ::access(flags.id_file.c_str(), F_OK) == 0)
    return fail("--cidfile: found " + flags.id_file + ", expected no file there");
  METE_TRY(flags.options.env, environment(flags));
  METE_TRY(flags.options.labels, labels_of(flags));
  METE_CHECK(send_profiles(flags.options.fields));
  METE_TRY(const auto request, run_request(flags.options));
  METE_TRY(const Answer made, create(client, flags, request.dump(-1, ' ', false, Json::error_handler_t::replace)));
  if (made.status != 201) return fail(message_of(made));
  auto id = Json::parse(made.body)["Id"].get<std::string>();
  if (!flags.id_file.empty()) METE_CHECK(write_id(flags.id_file, id));
  return id;
}

int run(const Common& common, RunFlags& flags) {
  const auto& options = flags.options;
  if (options.tty && options.interactive && !options.detach && ::isatty(STDIN_FILENO) != 1)
    return complain("the input device is not a TTY", 1);
  const DockerClient client = docker_client(common);
  const auto id = make(client, flags);
  if (!id) return complain(id.error().what, kNotStarted);
  const std::string path = "/containers/" + *id;
  if (!options.detach) return start_attached(client, path, {options.interactive, true, options.tty, options.remove, 0});
  const auto started = client.request("POST", path + "/start");
  if (!started) return complain(started.error().what, kNotStarted);
  if (started->status >= 400) return complain(message_of(*started), code_of_refusal(message_of(*started)));
  print(*id + "\n");
  return kDone;
}

int create_alone(const Common& common, RunFlags& flags) {
  const auto id = make(docker_client(common), flags);
  if (!id) return complain(id.error().what);
  print(*id + "\n");
  return kDone;
}

}  // namespace

void add_run(CommandLine& line) {
  const Common& common = line.common();
  auto flags = std::make_shared<RunFlags>();
  auto* command = line.add({"run", "Run a command in a new container, as docker run does",
                            "  mete run --rm busybox echo hello\n  mete run -d --name web -p 8080:80 nginx\n"
                            "  mete run --rm -it -m 64m busybox sh"},
                           [&common, flags] { return run(common, *flags); });
  command->add_flag("-d,--detach", flags->options.detach, "Print the id, and leave it running");
  add_run_options(*command, *flags);
  auto later = std::make_shared<RunFlags>();
  auto* create = line.add({"create", "Make a container as `mete run` does, and print its id; `mete start` starts it",
                           "  mete create --name web -p 8080:80 nginx\n  mete start web"},
                          [&common, later] { return create_alone(common, *later); });
  add_run_options(*create, *later);
}

}  // namespace mete::agent::cli
