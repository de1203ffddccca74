// SPDX-License-Identifier: Apache-2.0
// Containers in networks of CNI plugins. Plugins run on threads of their own, those of one container one after another.
// A record is written before the first plugin runs, and goes when all have done their DEL: the next agent finds every
// attachment again. The network namespace has a mount of its own, so that it outlives the container until DEL.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/base/services.h"
#include "agent/base/workers.h"
#include "agent/networks/cni/cni_work.h"

namespace mete::agent {

class CniNetworks {
 public:
  explicit CniNetworks(Services& services);
  ~CniNetworks();  // plugins that run are killed
  CniNetworks(const CniNetworks&) = delete;
  CniNetworks& operator=(const CniNetworks&) = delete;

  using Done = std::function<void(Status)>;  // on the loop
  // Whether there is a configuration of that name, its plugins understand it, and say that they are ready.
  void look_at(const std::string& configuration, Done done);

  using Wish = CniWork::Wish;
  using Added = CniWork::Added;
  using Connected = std::function<void(Result<Added>)>;
  // ADD, after the DEL of an earlier life. After an error nothing is left.
  void add(Wish wish, Connected connected);
  // DEL. One that is not recorded is none. One that fails is told, and tried again until it does not.
  void remove(const std::string& uid, const std::string& network, Done done);
  // CHECK of one that is recorded.
  void check(const std::string& uid, const std::string& network, Done done);
  // GC of a configuration: what belongs to no recorded attachment is released, whoever has asked for it.
  void collect_garbage(const std::string& configuration, Done done);

  // What earlier agents have recorded: uid and network.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> recorded() const;

 private:
  struct Job {
    std::function<void()> work;
    std::function<void()> done;
  };
  template <class Work, class Take>
  void run(const std::string& uid, Work work, Take take);
  void run_next(const std::string& uid);
  void failed_removal(const std::string& uid, const std::string& network, const Error& error);
  void try_again();

  Services& services_;
  runtime::UniqueFd stop_;  // readable: plugins are to be killed
  std::map<std::string, std::deque<Job>> jobs_;
  std::set<std::pair<std::string, std::string>> failed_;  // removals
  Timer again_;
  Alive alive_;
  Workers workers_;
};

}  // namespace mete::agent
