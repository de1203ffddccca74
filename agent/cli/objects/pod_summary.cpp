// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/objects/pod_summary.h"

#include <algorithm>
#include <set>

namespace mete::agent::cli {
namespace {

bool true_at(const Json& object, const char* name) {
  const Json* const value = member_at(object, {name});
  return value != nullptr && *value == true;
}

const Json* condition_of(const Json& pod, std::string_view type) {
  for (const auto& condition : list_at(pod, {"status", "conditions"})) {
    if (text_at(condition, {"type"}) == type) return &condition;
  }
  return nullptr;
}

bool condition_holds(const Json& pod, std::string_view type) {
  const Json* const condition = condition_of(pod, type);
  return condition != nullptr && text_at(*condition, {"status"}) == "True";
}

std::string end_reason(const Json& ended) {
  std::string reason = text_at(ended, {"reason"});
  if (!reason.empty()) return reason;
  const auto signal = number_at(ended, {"signal"});
  return signal != 0 ? "Signal:" + std::to_string(signal)
                     : "ExitCode:" + std::to_string(number_at(ended, {"exitCode"}));
}

struct Restarts {
  std::int64_t count = 0;
  std::string last;
  void add(const Json& status) {
    count += number_at(status, {"restartCount"});
    last = std::max(last, text_at(status, {"lastState", "terminated", "finishedAt"}));
  }
};

class Summary {
 public:
  explicit Summary(const Json& pod) : pod_(pod) {
    for (const auto& each : list_at(pod, {"spec", "initContainers"})) {
      ++init_containers_;
      if (text_at(each, {"restartPolicy"}) == "Always") sidecars_.insert(text_at(each, {"name"}));
    }
    out_.containers = list_at(pod, {"spec", "containers"}).size() + sidecars_.size();
  }

  PodSummary make() {
    const std::string phase = text_at(pod_, {"status", "phase"});
    out_.status = text_at(pod_, {"status", "reason"});
    if (out_.status.empty()) out_.status = phase;
    if (const Json* const scheduled = condition_of(pod_, "PodScheduled");
        scheduled != nullptr && text_at(*scheduled, {"reason"}) == "SchedulingGated")
      out_.status = "SchedulingGated";
    const bool initializing = see_init_containers();
    // What the pod was made ready by counts no more once it was: sidecars go on, and count with the containers.
    if (!initializing || condition_holds(pod_, "Initialized")) see_containers();
    if (member_at(pod_, {"metadata", "deletionTimestamp"}) != nullptr && phase != "Succeeded" && phase != "Failed")
      out_.status = "Terminating";
    return out_;
  }

 private:
  // Whether one of them holds the pod back; those behind it are not looked at.
  bool see_init_containers() {
    Restarts all;
    std::size_t place = 0;
    bool held = false;
    for (const auto& status : list_at(pod_, {"status", "initContainerStatuses"})) {
      const bool sidecar = sidecars_.contains(text_at(status, {"name"}));
      all.add(status);
      if (sidecar) going_on_.add(status);
      if (const std::string why = holds_back(status, sidecar, place++); !why.empty()) {
        out_.status = "Init:" + why;
        held = true;
        break;
      }
    }
    out_.restarts = all.count;
    out_.last_restart = all.last;
    return held;
  }

  // Empty: the container behind it may begin.
  std::string holds_back(const Json& status, bool sidecar, std::size_t place) {
    const Json* const ended = member_at(status, {"state", "terminated"});
    if (ended != nullptr && number_at(*ended, {"exitCode"}) == 0) return {};
    if (sidecar && true_at(status, "started")) {
      if (true_at(status, "ready")) ++out_.ready;
      return {};
    }
    if (ended != nullptr) return end_reason(*ended);
    const std::string waiting = text_at(status, {"state", "waiting", "reason"});
    if (!waiting.empty() && waiting != "PodInitializing") return waiting;
    return std::to_string(place) + "/" + std::to_string(init_containers_);
  }

  // The first container that does not run gives the reason.
  void see_containers() {
    Restarts restarts = going_on_;
    bool running = false;
    const auto& statuses = list_at(pod_, {"status", "containerStatuses"});
    for (auto at = statuses.rbegin(); at != statuses.rend(); ++at) {
      restarts.add(*at);
      const Json* const ended = member_at(*at, {"state", "terminated"});
      if (const std::string waiting = text_at(*at, {"state", "waiting", "reason"}); !waiting.empty()) {
        out_.status = waiting;
      } else if (ended != nullptr) {
        out_.status = end_reason(*ended);
      } else if (true_at(*at, "ready") && member_at(*at, {"state", "running"}) != nullptr) {
        running = true;
        ++out_.ready;
      }
    }
    if (out_.status == "Completed" && running) out_.status = condition_holds(pod_, "Ready") ? "Running" : "NotReady";
    out_.restarts = restarts.count;
    out_.last_restart = restarts.last;
  }

  const Json& pod_;
  PodSummary out_;
  std::set<std::string> sidecars_;
  std::size_t init_containers_ = 0;
  Restarts going_on_;  // of the sidecars
};

}  // namespace

PodSummary pod_summary(const Json& pod) {
  return Summary(pod).make();
}

}  // namespace mete::agent::cli
