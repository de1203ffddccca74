// SPDX-License-Identifier: Apache-2.0
// /metrics: a scrape takes a snapshot of the agent's own containers, has the collecting thread read all counters, and
// sends the rendered text. Two scrapes within 200 ms share a reading, unless an event happened between them: a scrape
// made after an event always shows the event's effects.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/services.h"
#include "agent/export/collecting_thread.h"
#include "agent/http/http_server.h"
#include "agent/pods/reconciler.h"
#include "agent/services/service_keeper.h"
#include "agent/workloads/workloads.h"

namespace mete::agent {

class Exporter {
 public:
  Exporter(Services& services, const Reconciler& reconciler, const Workloads& workloads, const ServiceKeeper& keeper,
           CollectingThread& collecting)
      : services_(services),
        reconciler_(reconciler),
        workloads_(workloads),
        keeper_(keeper),
        collecting_(collecting),
        forget_(services.loop) {}

  // Text 0.0.4 or OpenMetrics 1.0 by Accept, gzip by Accept-Encoding; ?collect[]= and ?exclude[]= name collectors.
  void scrape(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply);
  // /mete/v1/stats
  void stats(const std::shared_ptr<HttpReply>& reply);
  // A reading that is at most 200 ms old and was begun after the newest event; `done` is called on the loop.
  void read(CollectingThread::Done done);
  // The families of collector "agent".
  [[nodiscard]] std::string own_families(const collectors::Reading& reading, collectors::Format format) const;

 private:
  Services& services_;
  const Reconciler& reconciler_;
  const Workloads& workloads_;
  const ServiceKeeper& keeper_;
  CollectingThread& collecting_;
  std::shared_ptr<const collectors::Reading> reading_;
  std::uint64_t reading_event_ = 0;  // the newest event when `reading_` was asked for
  struct Pending {
    std::chrono::steady_clock::time_point asked_at;
    std::uint64_t event;
    std::vector<CollectingThread::Done> waiting;
  };
  std::shared_ptr<Pending> pending_;  // the newest reading that is being made
  Timer forget_;                      // of `reading_`, once it is too old to be shared
};

// The families that a scrape asks for. The error names an unknown collector, and lists the known ones.
[[nodiscard]] Result<std::function<bool(std::string_view collector)>> collector_filter(
    const std::vector<std::string>& collect, const std::vector<std::string>& exclude);

}  // namespace mete::agent
