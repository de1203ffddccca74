// SPDX-License-Identifier: Apache-2.0
#include "agent/base/event.h"

#include "runtime/json.h"
#include "runtime/shim/log_writer.h"

namespace mete::agent {

std::string to_json(const Event& event) {
  nlohmann::ordered_json value = {{"sequence", event.sequence},
                                  {"time", runtime::shim::format_time(event.at.time_since_epoch()).data()},
                                  {"type", event.severity == Severity::kWarning ? "Warning" : "Normal"},
                                  {"reason", event.reason},
                                  {"pod", event.pod},
                                  {"container", event.container},
                                  {"message", event.message}};
  for (const auto& [key, text] : event.fields) value["fields"][key] = text;
  // Commands and messages may hold any bytes.
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void EventLog::add(Event event) {
  event.sequence = next_++;
  event.at = std::chrono::system_clock::now();
  events_.push_back(std::move(event));
  if (events_.size() > kKept) events_.pop_front();
  for (const auto& listener : listeners_) listener(events_.back());
}

EventLog::Handle EventLog::listen(Listener listener) {
  return listeners_.insert(listeners_.end(), std::move(listener));
}
void EventLog::forget(Handle handle) {
  listeners_.erase(handle);
}

}  // namespace mete::agent
