// SPDX-License-Identifier: Apache-2.0
// Rows as lines of text of a given size. Pure: what a terminal shows can be tested without one.
#pragma once

#include <string>
#include <vector>

#include "agent/cli/top/model.h"

namespace mete::agent::cli {

struct ScreenSize {
  int columns = 80;
  int lines = 24;
};

// The state of the screen, which keys change.
struct TopState {
  TopView view;
  std::string selected;  // path
  int first = 0;         // the row at the top
  double delay = 1;      // seconds
  bool help = false;
  bool details = false;
  bool sorting = false;  // the sort menu is open
  int sort_choice = 0;
  std::string prompt;  // "/", "\\", "d" or "k" while a text is typed; empty else
  std::string typed;
  std::string message;  // the last line instead of the keys: errors, what was done
};

enum class Style { kPlain, kHeader, kSelected, kBold, kDim };
struct ScreenLine {
  std::string text;  // printable, at most `columns` wide
  Style style = Style::kPlain;
};

// Exactly size.lines lines (fewer for a screen of less than 4). Moves state.first so that the selection is seen.
[[nodiscard]] std::vector<ScreenLine> draw(const TopPicture& picture, const std::vector<TopRow>& rows, TopState& state,
                                           ScreenSize size, bool utf8);

// A table without a screen, as wide as it needs: batch mode and pipes.
[[nodiscard]] std::string plain_table(const std::vector<TopRow>& rows, bool tree);

// Eight heights of blocks, or ASCII; scaled to the largest, at least to 100 % of a core.
[[nodiscard]] std::string sparkline(const std::vector<float>& values, std::size_t width, bool utf8);
// Width in columns; East Asian wide characters count two.
[[nodiscard]] int width_of(const std::string& text);
// Cut or filled to exactly `width` columns.
[[nodiscard]] std::string fit(const std::string& text, int width, bool right = false);

}  // namespace mete::agent::cli
