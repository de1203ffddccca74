// SPDX-License-Identifier: Apache-2.0
// The usage model of each container of the agent: fed once a minute (Settings::usage_every) and kept in STATE/usage
// over restarts of containers, pods, agent and machine, so that `mete advise` has days of data.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <memory>
#include <string>

#include "agent/base/asio.h"
#include "agent/base/services.h"
#include "agent/pods/reconciler.h"
#include "enforcers/usage_model.h"

namespace mete::agent {

[[nodiscard]] nlohmann::ordered_json to_json(const enforcers::UsageModel& model, const std::string& container);
struct NamedModel {
  std::string container;  // "default/web/main"
  enforcers::UsageModel model;
};
[[nodiscard]] Result<NamedModel> parse_usage_model(const std::string& json);

class UsageModels {
 public:
  static constexpr auto kKept = std::chrono::days(30);  // after the last sample

  UsageModels(Services& services, const Reconciler& reconciler)
      : services_(services), reconciler_(reconciler), timer_(services.loop) {}

  // Loads the stored models and starts sampling. A model that cannot be read is reported and begun anew.
  void start();
  // All models in their present state, one JSON object per line.
  [[nodiscard]] std::string as_lines() const;
  // Writes changed models; called when the agent ends.
  void save_all();

 private:
  struct Kept {
    enforcers::UsageModel model;
    std::chrono::nanoseconds cpu{0}, throttled{0};  // counters at `at`
    std::uint64_t ooms = 0;
    std::chrono::steady_clock::time_point at{};  // default: no counters yet
    unsigned unsaved = 0;                        // samples
  };
  void poll_later();
  void sample(const std::string& pod, const std::string& container);
  void save(const std::string& name, Kept& kept);
  void forget_old();
  [[nodiscard]] std::string file_of(const std::string& name) const;

  Services& services_;
  const Reconciler& reconciler_;
  std::map<std::string, Kept> models_;  // "default/web/main"
  bool save_failed_ = false;
  Timer timer_;
  Alive alive_;
};

}  // namespace mete::agent
