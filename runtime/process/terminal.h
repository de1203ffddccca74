// SPDX-License-Identifier: Apache-2.0
// Connects the caller's own terminal to the terminal of a process in a container (LaunchOptions::terminal).
#pragma once

#include <signal.h>
#include <termios.h>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::runtime::process {

// Which side adds the carriage return at the end of a line: the terminal in the container, or the caller's, because the
// one in the container does not (prepare_foreground).
enum class LineEnds { given, added };

// Puts standard input, where it is a terminal, into raw mode; the destructor restores it.
class RawTerminal {
 public:
  explicit RawTerminal(LineEnds ends);
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal();

 private:
  struct termios before_ {};
  bool raw_ = false;
};

// Makes the terminal ready for a process in the foreground of the caller, before the process executes anything: the
// size of the caller's terminal, if it has one, and line ends as the process writes them. The caller's terminal adds
// the carriage returns; a pipe or a file gets none.
void prepare_foreground(const UniqueFd& terminal);

// Copies between the caller's standard streams and `terminal` until the process of `pidfd` has ended and its output is
// read, or no process has the other side open. A standard input that is a terminal is raw meanwhile, and its size is
// passed on. Signals in `passed_on`, which the caller must have blocked, are sent to the process. Blocks the calling
// thread.
void relay(const UniqueFd& terminal, const UniqueFd& pidfd, sigset_t passed_on);

}  // namespace mete::runtime::process
