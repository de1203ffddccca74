// SPDX-License-Identifier: Apache-2.0
// Statistics of the containers that clients follow: once a second all of them, at one moment. However many clients look
// at a container, it is read once. Its counter files stay open meanwhile, and those that cannot have changed are not
// read (collectors/kernel/quiet.h).
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/base/asio.h"
#include "agent/docker/container/containers.h"
#include "agent/docker/streams/stats_json.h"
#include "collectors/sampler.h"

namespace mete::agent::docker {

class StatsTicker {
 public:
  // Gets the object of each second, as a line. False: it wants no more.
  using Reader = std::function<bool(const std::string& line)>;

  explicit StatsTicker(Containers& containers);

  // The first line comes at once. The container's removal ends it: `gone` is called then, and no reader after it.
  void follow(const std::string& id, Reader reader, std::function<void()> gone);
  // What it uses now, read from the kernel at each call.
  [[nodiscard]] StatsMoment moment_of(const Container& container);
  // Null: it does not run.
  [[nodiscard]] const Container* running(const std::string& id) const;
  [[nodiscard]] StatsFacts facts_of(const ContainerRecord& record) const;

 private:
  struct Client {
    Reader reader;
    std::function<void()> gone;
  };
  struct Watched {
    std::optional<collectors::CgroupSampler> sampler;  // empty: not read yet, or it does not run
    pid_t pid = 0;                                     // whose network is read
    std::uint64_t limit_changes = 0;
    StatsMoment before;
    std::string line;  // the last one
    std::list<Client> clients;
  };
  void tick();
  void tick_later();
  void look(const ContainerRecord& record, Watched& watched);
  [[nodiscard]] bool open(const Container& container, std::optional<collectors::CgroupSampler>& sampler);

  Containers& containers_;
  collectors::Collection collection_;
  std::map<std::string, Watched> watched_;  // by id
  std::uint64_t system_ = 0;                // what all CPUs had spent at the last tick, nanoseconds
  bool ticking_ = false;
  Timer timer_;
  Alive alive_;
};

}  // namespace mete::agent::docker
