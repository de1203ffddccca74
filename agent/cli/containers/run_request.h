// SPDX-License-Identifier: Apache-2.0
// The flags of `mete run` as a request to the Docker Engine API (POST /containers/create), which docker's own command
// line would send for the same flags. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/cli/containers/run_fields.h"
#include "config/base/result.h"
#include "runtime/json.h"

namespace mete::agent::cli {

struct RunOptions {
  std::string image;
  std::vector<std::string> command;
  bool detach = false;
  bool remove = false;
  bool interactive = false;
  bool tty = false;
  bool read_only = false;
  bool privileged = false;
  bool init = false;
  std::string name;
  std::string network;
  std::string address;
  std::string memory;
  std::string cpus;
  std::string directory;
  std::string user;
  std::string entrypoint;
  std::string restart;
  std::string hostname;
  std::vector<std::string> env;  // NAME=VALUE; NAME alone takes the image's away
  std::vector<std::string> volumes;
  std::vector<std::string> tmpfs;
  std::vector<std::string> ports;            // [ADDRESS:][PORT:]PORT[/PROTOCOL]
  std::vector<std::string> network_options;  // NAME=VALUE
  std::vector<std::string> mounts;           // type=bind,source=/srv,target=/www,readonly
  std::vector<std::string> aliases;
  std::vector<std::string> dns;
  std::vector<std::string> hosts;
  std::vector<std::string> labels;
  std::vector<std::string> capabilities;
  std::vector<std::string> dropped_capabilities;
  std::string health_command;
  bool no_healthcheck = false;
  GivenFields fields;  // flags that stand for one field each
};

// The error names the flag, what was found and what is expected.
[[nodiscard]] Result<nlohmann::ordered_json> run_request(const RunOptions& options);

// "1.5" -> NanoCpus; "on-failure:3" -> RestartPolicy.
[[nodiscard]] Result<std::int64_t> nano_cpus(const std::string& text);
[[nodiscard]] Result<nlohmann::ordered_json> restart_policy(const std::string& text);

// The exit code of docker for a start that was refused with this message: 127, 126 or 125.
[[nodiscard]] int code_of_refusal(const std::string& message);

}  // namespace mete::agent::cli
