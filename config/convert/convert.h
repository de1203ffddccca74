// SPDX-License-Identifier: Apache-2.0
// `mete convert`: a compose file or a line of `docker run` as manifests. Pure: files and variables are asked for.
//
// Sources: the Compose Specification (compose-spec.io), docs.docker.com/reference/cli/docker/container/run.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "config/model/documents.h"

namespace mete::config {

struct ConvertSources {
  std::string folder;  // absolute: where relative paths of a compose file, or of a command, begin
  std::function<Result<std::string>(const std::string& path)> read;             // env_file, configs, secrets
  std::function<std::optional<std::string>(const std::string& name)> variable;  // ${NAME}, and `environment: [NAME]`
};

struct Converted {
  std::string manifests;             // documents of YAML; empty: there are errors
  std::vector<Diagnostic> errors;    // what cannot be read
  std::vector<Diagnostic> left_out;  // what has no translation, each with its place; all else is in the manifests
};

[[nodiscard]] Converted convert_compose(std::string_view text, const std::string& file, const ConvertSources& sources);

// `words`: all that stands behind `docker run`. Places are columns of the line that the words make, from 1.
[[nodiscard]] Converted convert_docker_run(const std::vector<std::string>& words, const ConvertSources& sources);

}  // namespace mete::config
