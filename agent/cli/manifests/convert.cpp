// SPDX-License-Identifier: Apache-2.0
// `mete convert`: a compose file, or a line of `docker run`, as manifests. Needs no agent.
#include "config/convert/convert.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "agent/cli/manifests/manifest_files.h"
#include "agent/cli/output/output.h"
#include "config/convert/docker_amounts.h"
#include "runtime/file.h"

namespace mete::agent::cli {
namespace {

constexpr std::size_t kLargestFile = std::size_t{1} << 20U;  // of an env file or a config, as of a ConfigMap

std::map<std::string, std::string> variables_of(const std::string& path) {
  std::map<std::string, std::string> all;
  const std::string text = runtime::read_file(AT_FDCWD, path, kLargestFile).value_or("");
  for (const auto& [name, value] : config::env_file_lines(text)) all[name] = value.value_or("");
  return all;
}

// Of a compose file: the file `.env` beside it counts after the environment.
config::ConvertSources sources_in(const std::string& folder) {
  config::ConvertSources sources;
  sources.folder = folder;
  sources.read = [folder](const std::string& path) {
    return runtime::read_file(AT_FDCWD, path.starts_with('/') ? path : folder + "/" + path, kLargestFile);
  };
  sources.variable = [file = variables_of(folder + "/.env")](const std::string& name) -> std::optional<std::string> {
    if (const char* value = std::getenv(name.c_str())) return value;
    const auto at = file.find(name);
    return at == file.end() ? std::nullopt : std::optional(at->second);
  };
  return sources;
}

int show(const config::Converted& converted) {
  say(converted.errors, "error: ");
  say(converted.left_out, "warning: ");
  print(converted.manifests);
  return converted.errors.empty() && converted.left_out.empty() ? kDone : kFailed;
}

int convert_line(std::vector<std::string> words) {
  words.erase(words.begin());
  if (words.empty() || (words.front() != "run" && words.front() != "create"))
    return complain("docker " + (words.empty() ? std::string() : words.front()) + ": expected `docker run`");
  words.erase(words.begin());
  return show(config::convert_docker_run(words, sources_in(std::filesystem::current_path())));
}

int convert(std::vector<std::string> words) {
  if (words.empty()) return complain("found nothing to convert, expected a compose file, or: docker run ...");
  if (words.front() == "docker" || words.front() == "podman") return convert_line(std::move(words));
  if (words.size() > 1) return complain("found `" + words[1] + "`, expected one file, or a line of `docker run`");
  const auto sources = read_sources(words);
  if (!sources) return complain(sources.error().what);
  const std::filesystem::path path(words.front() == "-" ? "./stdin" : words.front());
  const std::string folder = std::filesystem::absolute(path).parent_path();
  return show(config::convert_compose(sources->front().text, sources->front().name, sources_in(folder)));
}

}  // namespace

void add_convert(CommandLine& line) {
  auto words = std::make_shared<std::function<std::vector<std::string>()>>();
  auto* command =
      line.add({"convert", "Print a compose file, or a line of docker run, as manifests; needs no agent",
                "  mete convert compose.yaml > web.yaml\n  mete convert docker run -d --name web -p 8080:80 nginx"},
               [words] { return convert((*words)()); });
  // All words are taken as they are: the flags behind `docker run` are docker's.
  command->fallthrough(false)->prefix_command();
  *words = [command] { return command->remaining(); };
}

}  // namespace mete::agent::cli
