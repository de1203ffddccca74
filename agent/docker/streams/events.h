// SPDX-License-Identifier: Apache-2.0
// What happened, as docker's engine tells it: kept for a while, and passed to those who listen.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <string>

#include "agent/docker/fields.h"
#include "enforcers/restart.h"

namespace mete::agent::docker {

struct Message {
  std::string type;    // "container", "image", "network", "volume"
  std::string action;  // "start"
  std::string id;
  Json attributes = Json::object();
  enforcers::WallTime at{};
};
[[nodiscard]] Json to_json(const Message& message);

class Events {
 public:
  static constexpr std::size_t kKept = 1000;
  using Listener = std::function<void(const Message&)>;
  using Handle = std::list<Listener>::iterator;

  void add(Message message);
  [[nodiscard]] const std::deque<Message>& recent() const { return messages_; }
  Handle listen(Listener listener) { return listeners_.insert(listeners_.end(), std::move(listener)); }
  void forget(Handle handle) { listeners_.erase(handle); }

 private:
  std::deque<Message> messages_;
  std::list<Listener> listeners_;
};

}  // namespace mete::agent::docker
