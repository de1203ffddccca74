// SPDX-License-Identifier: Apache-2.0
// The terminal: raw keys, the alternate screen, and both given back whatever ends the program.
#pragma once

#include <termios.h>

#include <chrono>
#include <string>
#include <vector>

#include "agent/cli/top/view.h"
#include "config/result.h"

namespace mete::agent::cli {

class Terminal {
 public:
  // Standard input and output; one at a time. The error: they are no terminal, or one that cannot move its cursor.
  [[nodiscard]] Status open();
  Terminal() = default;
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] ScreenSize size() const;
  // Waits for bytes, a signal or the time; appends what was typed. False: it was told to end (SIGTERM, SIGINT, SIGHUP),
  // or the terminal is gone.
  [[nodiscard]] bool wait(std::chrono::milliseconds time, std::string& typed);
  // Writes the lines that are not what they were.
  void show(const std::vector<ScreenLine>& lines);
  // Everything is written again: after a change of size, or when others wrote.
  void forget() { shown_.clear(); }

 private:
  void enter();
  void leave();
  void stop_and_go_on();

  bool open_ = false;
  struct termios before_ {};
  std::vector<ScreenLine> shown_;
};

// By LC_ALL, LC_CTYPE and LANG.
[[nodiscard]] bool locale_is_utf8();

}  // namespace mete::agent::cli
