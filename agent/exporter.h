// SPDX-License-Identifier: Apache-2.0
// /metrics: reads all counters when it is asked, and writes them. Two requests within 200 ms get the same read.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "agent/reconciler.h"
#include "agent/services.h"
#include "collectors/reading.h"

namespace mete::agent {

class Exporter {
 public:
  Exporter(Services& services, const Reconciler& reconciler) : services_(services), reconciler_(reconciler) {}

  // Text format 0.0.4: container_*, machine_*, mete_*.
  [[nodiscard]] const std::string& metrics();
  static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  std::shared_ptr<const collectors::Reading> read();
  void add_container(collectors::Reading& reading, Pod& pod, Container& container, bool single);
  void write_agent(std::string& out);

  Services& services_;
  const Reconciler& reconciler_;
  std::string text_;
  std::chrono::steady_clock::time_point read_at_{};
};

}  // namespace mete::agent
