// SPDX-License-Identifier: Apache-2.0
// What commands that have a meaning for pods do with containers of `mete run`.
#pragma once

#include <string>
#include <vector>

#include "agent/cli/containers/subject.h"

namespace mete::agent::cli {

// `mete wait` without --for: until each has ended; prints its exit code.
[[nodiscard]] int wait_for_ends(const Common& common, const std::vector<std::string>& words);
// `mete top NAME`: the processes of a container.
[[nodiscard]] int show_processes(const Common& common, const Subject& container, const std::string& ps_words);

struct ListedContainers {
  bool all = false;
  bool quiet = false;
  bool latest = false;
  bool whole_ids = false;
  bool sizes = false;
  std::optional<unsigned> last;  // as many, whatever they are doing
  std::vector<std::string> filters;
  std::string format;

  // Whether one of docker's flags asks for docker's list.
  [[nodiscard]] bool asked_for() const {
    return all || quiet || latest || whole_ids || sizes || last || !filters.empty() || !format.empty();
  }
};
// `mete ps` with docker's flags: containers of `mete run`, of docker's clients and of pods.
[[nodiscard]] int list_containers(const Common& common, const ListedContainers& options);

struct Inspected {
  std::vector<std::string> words;
  std::string format;
  std::string type;
  bool sizes = false;
};
// `mete inspect` of anything that docker would find: containers, images, networks, volumes; and pods.
[[nodiscard]] int inspect_all(const Common& common, const Inspected& options);

// Until no container of the pod has a process any more.
[[nodiscard]] int await_pod_end(const Common& common, const std::string& path);

}  // namespace mete::agent::cli
