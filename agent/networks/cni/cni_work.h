// SPDX-License-Identifier: Apache-2.0
// What a thread of CniNetworks does: reads configurations, runs plugins, keeps the records of attachments.
#pragma once

#include <map>
#include <memory>
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

  // A container in a network, by mete's name for it.
  struct Member {
    std::string uid;
    std::string network;
  };
  [[nodiscard]] std::string record_of(const Member& member) const;
  [[nodiscard]] std::vector<Member> recorded() const;

  // Whether there is one of that name, its plugins understand it, and say that they are ready.
  [[nodiscard]] Status look_at(const std::string& configuration) const;
  struct Added {
    runtime::network::cni::AddResult result;
    runtime::UniqueFd inside;
  };
  struct Wish {
    Member member;
    std::string configuration;  // the plugins' name for the network
    std::string device;         // in the container
    std::string arguments;      // CNI_ARGS
    std::map<std::string, std::string> offers;
    std::set<std::string> needs;                // those of the offers that a plugin has to take
    std::shared_ptr<runtime::UniqueFd> inside;  // a namespace that exists, which is taken; null: a new one
  };
  // ADD, after the DEL of an earlier life. After an error nothing is left.
  [[nodiscard]] Result<Added> add(const Wish& wish) const;
  // DEL. One that is not recorded is none.
  [[nodiscard]] Status remove(const Member& member) const;
  // CHECK of one that is recorded.
  [[nodiscard]] Status check(const Member& member) const;
  // GC: what belongs to no recorded attachment is released, whoever has asked for it.
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
