// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/streams/events.h"

namespace mete::agent::docker {

Json to_json(const Message& message) {
  Json value = Json::object();
  if (message.type == "container" || message.type == "image") {
    value["status"] = message.action;
    value["id"] = message.id;
    if (message.type == "container") value["from"] = text_of(message.attributes, "image");
  }
  value["Type"] = message.type;
  value["Action"] = message.action;
  value["Actor"] = {{"ID", message.id}, {"Attributes", message.attributes}};
  value["scope"] = "local";
  const std::int64_t nanoseconds = message.at.time_since_epoch().count();
  value["time"] = nanoseconds / 1'000'000'000;
  value["timeNano"] = nanoseconds;
  return value;
}

void Events::add(Message message) {
  message.at = std::chrono::system_clock::now();
  messages_.push_back(std::move(message));
  if (messages_.size() > kKept) messages_.pop_front();
  const Message latest = messages_.back();
  // A listener may forget itself.
  for (auto each = listeners_.begin(); each != listeners_.end();) {
    const auto next = std::next(each);
    (*each)(latest);
    each = next;
  }
}

}  // namespace mete::agent::docker
