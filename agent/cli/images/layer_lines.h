// SPDX-License-Identifier: Apache-2.0
// What a pull or a push shows of its layers: a bar for each on a terminal, elsewhere one line for each when it is done.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "runtime/registry/pull.h"

namespace mete::agent::cli {

enum class Direction { kPull, kPush };

class LayerLines {
 public:
  LayerLines(Direction direction, bool quiet);
  void show(const runtime::registry::LayerNews& news);

 private:
  [[nodiscard]] std::string text(const runtime::registry::LayerNews& news) const;
  void draw();
  Direction direction_;
  bool quiet_;
  bool terminal_;
  std::vector<std::pair<std::string, std::string>> lines_;  // layer, what it does
  std::size_t drawn_ = 0;
  std::chrono::steady_clock::time_point drawn_at_{};
};

}  // namespace mete::agent::cli
