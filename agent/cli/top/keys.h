// SPDX-License-Identifier: Apache-2.0
// Turns a terminal's bytes into keys, and applies a key to the state of the screen. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/cli/top/view.h"

namespace mete::agent::cli {

enum class Special {
  kNone,
  kUp,
  kDown,
  kLeft,
  kRight,
  kPageUp,
  kPageDown,
  kHome,
  kEnd,
  kEnter,
  kEscape,
  kBackspace,
  kF1,
  kF3,
  kF4,
  kF5,
  kF6,
  kF9,
  kF10
};
struct Key {
  Special special = Special::kNone;
  char character = 0;  // when it is no special one
  bool operator==(const Key&) const = default;
};

// Takes whole keys off the front of `bytes`. An escape sequence that is cut off stays, unless nothing more came
// (`complete`): then it was the Escape key.
[[nodiscard]] std::vector<Key> take_keys(std::string& bytes, bool complete);

struct TopAction {
  enum class Kind { kNone, kQuit, kSignal } kind = Kind::kNone;
  std::string signal;  // kSignal: to the selected row
};
// `page`: how many rows the screen shows.
[[nodiscard]] TopAction press(const Key& key, TopState& state, const std::vector<TopRow>& rows, int page);

}  // namespace mete::agent::cli
