// SPDX-License-Identifier: Apache-2.0
// Shared by the files of plan_writes() alone.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/cgroup/limits/limit_writes.h"

namespace mete::runtime::cgroup::internal {

template <class Number>
[[nodiscard]] std::string text_of(const Limit<Number>& limit, std::string_view unlimited) {
  if (limit.is_unlimited()) return std::string(unlimited);
  if constexpr (std::is_same_v<Number, std::uint64_t>) {
    return std::to_string(limit.value());
  } else {
    return std::to_string(limit.value().count());
  }
}

// Collects the writes of one plan, with the file names and formats of the version that each controller is on.
class Plan {
 public:
  explicit Plan(const Hierarchies& hierarchies) : hierarchies_(hierarchies) {}

  // Fails, naming `asked`, when no hierarchy has the controller.
  [[nodiscard]] Status need(std::string_view controller, std::string_view asked) const {
    if (!hierarchies_.mount_of(controller).empty()) return {};
    return fail(std::string(asked) + ": this machine has no cgroup controller \"" + std::string(controller) +
                "\" (mode " + std::string(to_string(hierarchies_.mode)) + ")");
  }
  [[nodiscard]] Status need_v2(std::string_view controller, std::string_view asked) const {
    METE_CHECK(need(controller, asked));
    if (!on_v1(controller)) return {};
    return fail(std::string(asked) + ": this machine has the controller \"" + std::string(controller) +
                "\" on cgroup v1, expected it on cgroup v2");
  }
  [[nodiscard]] Status need_v1(std::string_view controller, std::string_view asked) const {
    METE_CHECK(need(controller, asked));
    if (on_v1(controller)) return {};
    return fail(std::string(asked) + ": this machine has the controller \"" + std::string(controller) +
                "\" on cgroup v2, expected it on cgroup v1");
  }
  [[nodiscard]] bool on_v1(std::string_view controller) const { return hierarchies_.on_v1(controller); }
  void write(std::string_view controller, std::string file, std::string text) {
    writes_.push_back({std::string(controller), std::move(file), std::move(text)});
  }
  [[nodiscard]] std::vector<ControlWrite> take() { return std::move(writes_); }

 private:
  const Hierarchies& hierarchies_;
  std::vector<ControlWrite> writes_;
};

// limit_writes_cpu.cpp
[[nodiscard]] Status plan_cpu(Plan& plan, const Limits& limits, const Present& present);

}  // namespace mete::runtime::cgroup::internal
