// SPDX-License-Identifier: Apache-2.0
// Whom a word of the command line names: a pod, or a container of `mete run` and docker's clients, which is a pod of
// one container that answers to docker's requests too.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/cli/containers/docker_client.h"
#include "agent/cli/output/output.h"

namespace mete::agent::cli {

struct Subject {
  int code = kDone;  // not kDone: nobody has that name, or no agent answers; the error has been printed
  bool is_pod = false;
  std::string word;  // as it was typed
  std::string path;  // "/mete/v1/pods/default/web" of the agent's API, or "/containers/ID" of docker's
  Json pod;          // what the agent tells of it; of a container without a pod: null
};

[[nodiscard]] Subject find_subject(const Common& common, const std::string& word);
// The same, but nothing is printed. `code`: kNotFound or kNoAgent.
[[nodiscard]] Subject look_for_subject(const Common& common, const std::string& word, std::string& problem);

// "NAMESPACE/NAME" of the pod that was found; of a container without a pod as the word has it.
[[nodiscard]] std::string key_of(const Subject& subject);

[[nodiscard]] DockerClient docker_client(const Common& common);
// Asks for a change. Prints the error of an answer of 400 and more, and gives the exit code.
[[nodiscard]] int ask_docker(const Common& common, const std::string& method, const std::string& target,
                             const std::string& body = {});
// Asks for JSON; the error has been printed.
[[nodiscard]] Fetched fetch_docker(const Common& common, const std::string& target, const std::string& method = "GET");

// Does `act` for each word, and gives the worst exit code. What is done prints the word, as docker does.
using Act = std::function<int(const Subject&)>;
[[nodiscard]] int for_each_subject(const Common& common, const std::vector<std::string>& words, const Act& act);
// "pause: found the pod default/web, expected a container of `mete run`: WHY"
[[nodiscard]] int refuse_pod(const Subject& subject, const std::string& verb, const std::string& why);

// {"label":["a=b"]} of "label=a=b", encoded for a query; the error names what is not NAME=VALUE.
[[nodiscard]] Result<std::string> filters_query(const std::vector<std::string>& filters);

}  // namespace mete::agent::cli
