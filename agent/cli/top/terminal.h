// SPDX-License-Identifier: Apache-2.0
// The terminal in raw mode on the alternate screen. Both are undone whatever ends the program.
#pragma once

#include <termios.h>

#include <chrono>
#include <string>
#include <vector>

#include "agent/cli/top/view.h"
#include "config/base/result.h"

namespace mete::agent::cli {

class Terminal {
 public:
  // Takes standard input and output; one object at a time. An error: they are no terminal, or a terminal that cannot
  // move its cursor.
  [[nodiscard]] Status open();
  Terminal() = default;
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] ScreenSize size() const;
  // Waits for bytes, a signal or the time; appends the typed bytes. False: a signal asks the program to end (SIGTERM,
  // SIGINT, SIGHUP), or the terminal is gone.
  [[nodiscard]] bool wait(std::chrono::milliseconds time, std::string& typed);
  // Writes the lines that differ from those on the screen.
  void show(const std::vector<ScreenLine>& lines);
  // Makes the next show() write every line: after a change of size, or when another program has written to the
  // terminal.
  void forget() { shown_.clear(); }

 private:
  void enter();
  void leave();
  void stop_and_go_on();

  bool open_ = false;
  struct termios before_ {};
  std::vector<ScreenLine> shown_;
};

// True when LC_ALL, LC_CTYPE or LANG names UTF-8.
[[nodiscard]] bool locale_is_utf8();

}  // namespace mete::agent::cli
