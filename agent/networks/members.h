// SPDX-License-Identifier: Apache-2.0
// The pods that are in networks, by uid. Whoever changes one asks for it by change(), so that what is made of all of
// them (NameBook) is known to be out of date. Of the loop.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/fd.h"
#include "runtime/network/host_network.h"
#include "runtime/network/network_spec.h"

namespace mete::agent {

struct Member {
  runtime::network::Endpoint endpoint;
  runtime::UniqueFd inside;                           // its network namespace; not valid: it is being connected
  std::vector<runtime::network::Endpoint> more = {};  // of further networks
  runtime::network::HostNetwork::Throttling throttling = {};
  std::uint64_t life = 0;  // another one each time that it is connected
};

class Members {
 public:
  using Map = std::map<std::string, Member>;

  [[nodiscard]] Map::const_iterator begin() const { return map_.begin(); }
  [[nodiscard]] Map::const_iterator end() const { return map_.end(); }
  [[nodiscard]] Map::const_iterator find(const std::string& uid) const { return map_.find(uid); }
  [[nodiscard]] const Member& at(const std::string& uid) const { return map_.at(uid); }
  [[nodiscard]] bool contains(const std::string& uid) const { return map_.contains(uid); }
  [[nodiscard]] bool empty() const { return map_.empty(); }

  // Made where there is none.
  [[nodiscard]] Member& change(const std::string& uid) {
    ++version_;
    return map_[uid];
  }
  void erase(const std::string& uid) {
    ++version_;
    map_.erase(uid);
  }
  // Another one after each change.
  [[nodiscard]] std::uint64_t version() const { return version_; }

 private:
  Map map_;
  std::uint64_t version_ = 0;
};

}  // namespace mete::agent
