// SPDX-License-Identifier: Apache-2.0
// Ports of the machine that lead to containers. Nothing listens on them: the kernel rewrites their packets. So another
// program could bind one and would never get a packet; a bound socket of the agent keeps it from that, and finds out
// whether one is taken before anything is started.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/fd.h"
#include "runtime/network/network_spec.h"

namespace mete::agent {

class PortClaims {
 public:
  // `pod`: its full name, or "Service default/web". Claims those that `uid` does not hold yet, and gives up those that
  // it holds and are not in `ports`. The error names the port and who has it; nothing is changed then.
  [[nodiscard]] Status claim(const std::string& uid, const std::string& pod,
                             const std::vector<runtime::network::PublishedPort>& ports);
  // The same for ports that lead to the pod already: one that somebody else has bound meanwhile stays unclaimed.
  void adopt(const std::string& uid, const std::string& pod, const std::vector<runtime::network::PublishedPort>& ports);
  void give_up(const std::string& uid) { held_.erase(uid); }

 private:
  struct Held {
    std::string pod;
    std::map<runtime::network::PublishedPort, std::vector<runtime::UniqueFd>> ports;
  };
  [[nodiscard]] Status check_free(const std::string& uid, const runtime::network::PublishedPort& port) const;
  std::map<std::string, Held> held_;
};

}  // namespace mete::agent
