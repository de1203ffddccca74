// SPDX-License-Identifier: Apache-2.0
// What a thread of CniNetworks does: reads configurations, runs plugins, keeps the records of attachments.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "runtime/fd.h"
#include "runtime/network/cni/chain.h"
#include "runtime/network/cni/plugin_program.h"

namespace mete::agent {

class CniWork {
 public:
  struct Places {
    std::vector<std::string> configurations;      // folders
    runtime::network::cni::ProgramLimits limits;  // with the folders of plugins
    std::string records;                          // the folder of attachments
    std::string spaces;                           // the folder of mounts of network namespaces
  };
  explicit CniWork(Places places) : places_(std::move(places)) {}

  // Places of one container in one network.
  struct Member {
    std::string uid;
    std::string network;
  };
  [[nodiscard]] std::string record_of(const Member& member) const;
  [[nodiscard]] std::vector<Member> recorded() const;

  [[nodiscard]] Status look_at(const std::string& configuration) const;
  struct Added {
    runtime::network::cni::AddResult result;
    runtime::UniqueFd inside;
  };
  struct Wish {
    Member member;
    std::string configuration;
    runtime::network::cni::Attachment attachment;  // device, arguments and offers of it
    std::set<std::string> needs;
  };
  // `inside`: a namespace that exists; not valid: a new one.
  [[nodiscard]] Result<Added> add(Wish wish, runtime::UniqueFd inside) const;
  [[nodiscard]] Status remove(const Member& member) const;
  [[nodiscard]] Status check(const Member& member) const;
  [[nodiscard]] Status collect_garbage(const std::string& configuration) const;

 private:
  struct Recorded {
    runtime::network::cni::Chain chain;
    runtime::network::cni::Attachment attachment;
  };
  [[nodiscard]] Result<runtime::network::cni::Chain> chain_of(const std::string& text, const std::string& shown) const;
  [[nodiscard]] Result<Recorded> read_record(const Member& member) const;
  [[nodiscard]] Result<std::string> keep_space(const std::string& uid, int inside) const;
  void forget(const Member& member) const;
  Places places_;
};

}  // namespace mete::agent
