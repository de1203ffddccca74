// SPDX-License-Identifier: Apache-2.0
// Shared by the commands: fetching JSON from the agent, printing it, reporting errors.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/cli/client.h"
#include "agent/cli/command_line.h"
#include "runtime/json.h"

namespace mete::agent::cli {

using Json = nlohmann::ordered_json;

// "mete: TEXT" on standard error; returns `code` for `return complain(...)`.
int complain(const std::string& text, int code = kFailed);

// Asks the caller below `warning`, in docker's words. False: they do not want it.
[[nodiscard]] bool confirmed(const std::string& warning);

struct Fetched {
  int code = kDone;  // not kDone: the error has been printed
  unsigned status = 0;
  Json value;
};
// Fetches JSON. Errors are printed here, also those in the answer's "error" and "errors"; `reword` is applied to each
// of "errors" before it is printed.
using Reword = std::function<std::string(const std::string&)>;
[[nodiscard]] Fetched fetch(const Common& common, const std::string& method, const std::string& target,
                            const std::string& body = {}, const Reword& reword = {});

// `value` for -o json and yaml; empty: the output is a table.
[[nodiscard]] std::optional<std::string> structured_text(const Common& common, const Json& value);
// Prints `value` for -o json and yaml. False: the output is a table, and nothing was printed.
[[nodiscard]] bool print_structured(const Common& common, const Json& value);
[[nodiscard]] std::string to_yaml(const Json& value);
void print(const std::string& text);
// `code`, or that of a failure when print() could not write everything (a full disk), which is told.
[[nodiscard]] int with_print_failure(int code);

// "web" -> "default/web"; "ns/web" stays.
[[nodiscard]] std::string pod_key(const std::string& name);
// What a word may name: "web" a pod of "default" or a container of `mete run`, "ns/web" itself alone.
[[nodiscard]] std::vector<std::string> pod_keys(const std::string& word);

// The container with that name, or the only container that is no init container. Empty: an error has been printed.
[[nodiscard]] std::optional<Json> find_container(const Json& pod, const std::string& name);

}  // namespace mete::agent::cli
