// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/top/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>

namespace mete::agent::cli {
namespace {

volatile std::sig_atomic_t end_asked = 0;
volatile std::sig_atomic_t stop_asked = 0;
volatile std::sig_atomic_t resized = 0;

void on_signal(int number) {
  if (number == SIGWINCH || number == SIGCONT) {
    resized = 1;
  } else if (number == SIGTSTP) {
    stop_asked = 1;
  } else {
    end_asked = 1;
  }
}

void listen(int number) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigaction(number, &action, nullptr);  // without SA_RESTART: poll returns
}

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(STDOUT_FILENO, text.data(), text.size());
    if (wrote < 0 && errno != EINTR && errno != EAGAIN) return;
    if (wrote > 0) text.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

std::string_view code_of(Style style) {
  switch (style) {
    case Style::kHeader:
      return "\x1b[7m";
    case Style::kSelected:
      return "\x1b[1;7m";
    case Style::kBold:
      return "\x1b[1m";
    case Style::kDim:
      return "\x1b[2m";
    case Style::kPlain:
      return "";
  }
  return "";
}

}  // namespace

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* const value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    std::string text(value);
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text.find("utf-8") != std::string::npos || text.find("utf8") != std::string::npos;
  }
  return false;
}

Status Terminal::open() {
  const char* const type = std::getenv("TERM");
  if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDOUT_FILENO) != 1)
    return fail("standard input and output: expected a terminal");
  if (type == nullptr || *type == '\0' || std::string_view(type) == "dumb")
    return fail("TERM: expected a terminal that can move its cursor");
  if (::tcgetattr(STDIN_FILENO, &before_) != 0) return fail_errno("terminal");
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT}) listen(number);
  ::signal(SIGPIPE, SIG_IGN);
  open_ = true;
  enter();
  return {};
}

Terminal::~Terminal() {
  if (open_) leave();
}

void Terminal::enter() {
  struct termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_iflag &= ~static_cast<tcflag_t>(ICRNL | IXON);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  write_all("\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J");  // alternate screen, no cursor, no wrapping
  forget();
}

void Terminal::leave() {
  write_all("\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l");
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

// Ctrl-Z: the shell gets its terminal as it was, and we ours again afterwards.
void Terminal::stop_and_go_on() {
  leave();
  ::signal(SIGTSTP, SIG_DFL);
  ::raise(SIGTSTP);
  listen(SIGTSTP);
  enter();
}

ScreenSize Terminal::size() const {
  struct winsize window {};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0) return {};
  return {window.ws_col, window.ws_row};
}

bool Terminal::wait(std::chrono::milliseconds time, std::string& typed) {
  struct pollfd input {};
  input.fd = STDIN_FILENO;
  input.events = POLLIN;
  const int ready = ::poll(&input, 1, static_cast<int>(std::max<std::int64_t>(0, time.count())));
  if (stop_asked != 0) {
    stop_asked = 0;
    stop_and_go_on();
  }
  if (resized != 0) {
    resized = 0;
    forget();
  }
  if (end_asked != 0) return false;
  if (ready <= 0) return true;
  char buffer[256];
  const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
  if (got > 0) typed.append(buffer, static_cast<std::size_t>(got));
  return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

void Terminal::show(const std::vector<ScreenLine>& lines) {
  std::string out;
  if (shown_.empty()) out += "\x1b[2J";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool same = i < shown_.size() && shown_[i].text == lines[i].text && shown_[i].style == lines[i].style;
    if (same) continue;
    out.append("\x1b[").append(std::to_string(i + 1)).append(";1H").append(code_of(lines[i].style));
    out.append(lines[i].text).append("\x1b[0m\x1b[K");
  }
  shown_ = lines;
  write_all(out);
}

}  // namespace mete::agent::cli
