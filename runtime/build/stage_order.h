// SPDX-License-Identifier: Apache-2.0
// Which stages of a build may be built at once: a stage begins when all that it takes something from are done. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "runtime/build/language/stages.h"

namespace mete::runtime::build {

class StageOrder {
 public:
  // `order`: the numbers of the stages to build, each after those that it needs, as needed_stages() gives them.
  StageOrder(const Stages& stages, std::vector<std::size_t> order);

  // The first that may begin, which is under way from now on. Nothing: none may before another is done, or all have
  // begun.
  [[nodiscard]] std::optional<std::size_t> begin();
  void done(std::size_t stage);
  [[nodiscard]] bool all_begun() const;
  // Whether two of them can be under way at some time.
  [[nodiscard]] bool side_by_side() const;

 private:
  enum class Phase { kWaits, kRuns, kDone };
  [[nodiscard]] bool is_ready(std::size_t stage) const;
  const Stages* stages_;
  std::vector<std::size_t> order_;
  std::vector<Phase> phases_;  // by the number of the stage
};

// Whether a stage takes something from another one, also through a third.
[[nodiscard]] bool builds_on(const Stages& stages, std::size_t stage, std::size_t other);

// How many steps the stages of `order` have before the stage `until`; without it all.
[[nodiscard]] std::size_t steps_before(const Stages& stages, const std::vector<std::size_t>& order,
                                       std::optional<std::size_t> until);

}  // namespace mete::runtime::build
