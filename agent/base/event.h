// SPDX-License-Identifier: Apache-2.0
// Events: what happened and why, with the same facts for `mete events`, the log and the metrics.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/event_reasons.h"
#include "enforcers/restart.h"

namespace mete::agent {

struct Event {
  std::uint64_t sequence = 0;  // set by EventLog, from 1
  enforcers::WallTime at{};    // set by EventLog
  Severity severity = Severity::kNormal;
  std::string reason;                                       // one of event_reasons.h
  std::string pod;                                          // "default/web"; empty: the agent itself
  std::string container;                                    // empty: the whole pod
  std::string message;                                      // one sentence for a person
  std::vector<std::pair<std::string, std::string>> fields;  // the numbers behind it
};

[[nodiscard]] std::string to_json(const Event& event);

// Keeps the latest events in memory and passes new ones to its listeners.
class EventLog {
 public:
  using Listener = std::function<void(const Event&)>;
  static constexpr std::size_t kKept = 2000;

  void add(Event event);
  [[nodiscard]] const std::deque<Event>& recent() const { return events_; }
  [[nodiscard]] std::uint64_t newest() const { return next_ - 1; }  // the newest event's sequence; 0: none yet
  // Listeners are called in the order of events; they must not add events.
  using Handle = std::list<Listener>::iterator;
  Handle listen(Listener listener);
  void forget(Handle handle);

 private:
  std::deque<Event> events_;
  std::list<Listener> listeners_;
  std::uint64_t next_ = 1;
};

}  // namespace mete::agent
