// SPDX-License-Identifier: Apache-2.0
#include "enforcers/device_allotment.h"

#include <algorithm>
#include <set>

namespace mete::enforcers {
namespace {

// What is left of one kind.
class Stock {
 public:
  explicit Stock(std::vector<std::string> free) : free_(free.rbegin(), free.rend()) {}

  // Empty: there are too few. `passes_on`: they are there for the next again.
  std::vector<std::string> take(std::int64_t count, bool passes_on) {
    std::vector<std::string> taken;
    if (count > static_cast<std::int64_t>(passed_.size() + free_.size())) return taken;
    for (std::int64_t i = 0; i < count; ++i) {
      auto& from = passed_.empty() ? free_ : passed_;
      taken.push_back(std::move(from.back()));
      from.pop_back();
    }
    if (passes_on) passed_.insert(passed_.end(), taken.rbegin(), taken.rend());
    return taken;
  }

 private:
  std::vector<std::string> free_;    // the next one last
  std::vector<std::string> passed_;  // had by an init container
};

}  // namespace

std::vector<std::string> kinds_of_devices(const config::PodSpec& spec) {
  std::set<std::string> kinds;
  for (const auto* list : {&spec.init_containers, &spec.containers}) {
    for (const auto& each : *list) {
      for (const auto& [kind, count] : *each.resources.limits.devices) kinds.insert(kind);
    }
  }
  return {kinds.begin(), kinds.end()};
}

DeviceAllotment allot_devices(const config::PodSpec& spec,
                              const std::map<std::string, std::vector<std::string>>& free) {
  DeviceAllotment allotment;
  std::map<std::string, Stock> stocks;
  for (const auto& [kind, devices] : free) stocks.emplace(kind, devices);
  std::set<std::string> insufficient;
  const auto give = [&](const config::Container& container, bool passes_on) {
    for (const auto& [kind, count] : *container.resources.limits.devices) {
      if (count == 0) continue;
      auto taken = stocks.try_emplace(kind, std::vector<std::string>()).first->second.take(count, passes_on);
      if (taken.empty()) insufficient.insert(kind);
      auto& own = allotment.given[container.name];
      own.insert(own.end(), std::make_move_iterator(taken.begin()), std::make_move_iterator(taken.end()));
    }
  };
  for (const auto& each : spec.init_containers) give(each, !each.sidecar);
  for (const auto& each : spec.containers) give(each, false);
  allotment.insufficient.assign(insufficient.begin(), insufficient.end());
  if (!insufficient.empty()) allotment.given.clear();
  return allotment;
}

std::string insufficient_text(const std::vector<std::string>& kinds) {
  std::string text = "0/1 nodes are available: ";
  for (std::size_t i = 0; i < kinds.size(); ++i) text += (i == 0 ? "1 Insufficient " : ", 1 Insufficient ") + kinds[i];
  return text + ".";
}

}  // namespace mete::enforcers
