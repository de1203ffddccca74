// SPDX-License-Identifier: Apache-2.0
// Commands that clients run in containers (POST /containers/ID/exec). Each is a child of the agent, `mete-shim exec`. A
// command ends with its container at the latest. When the agent ends, the command runs on, but its exit code is lost.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/docker/container/containers.h"
#include "agent/docker/streams/shim_stream.h"

namespace mete::agent::docker {

struct Exec {
  std::string id;
  std::string container;  // its id
  std::vector<std::string> command;
  std::vector<std::string> env;
  std::string user;
  std::string directory;
  bool tty = false;
  bool input = false;
  bool output = false;
  bool errors = false;
  bool started = false;
  bool running = false;
  std::optional<int> exit_code;
  int pid = 0;
  std::chrono::steady_clock::time_point ended{};
  std::weak_ptr<ShimStream> stream;
};

class Execs {
 public:
  explicit Execs(Containers& containers) : containers_(containers) {}

  [[nodiscard]] std::string add(Exec exec);
  [[nodiscard]] Exec* find(const std::string& id);
  [[nodiscard]] std::vector<std::string> of(const std::string& container) const;
  // Where its output goes, which is asked for once nothing is refused any more; empty: it is in the background.
  using Client = std::function<std::shared_ptr<HttpStream>()>;
  // `begun` is called once: with a refusal, or when it has a client, or, in the background, when the command runs or
  // could not be run.
  void start(Exec& exec, unsigned rows, unsigned columns, const Client& client, const Done& begun);

 private:
  void forget_old();
  void cannot_run(Exec& exec, const std::string& why, const Client& client, const Done& begun);
  [[nodiscard]] Result<std::vector<std::string>> options_of(const Exec& exec, const Container& inside) const;

  Containers& containers_;
  std::map<std::string, Exec> execs_;
  Alive alive_;
};

}  // namespace mete::agent::docker
