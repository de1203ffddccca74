// SPDX-License-Identifier: Apache-2.0
// Those who look at a running container and type into it (`mete attach`, docker's clients), on the shim's side. No
// attacher can hold the container or the shim: what one does not read in time is left out for that one, which is told
// how much it was. For one that asks for patience the container waits first, for as long as kLongestWait.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/shim/attach_protocol.h"

namespace mete::runtime::shim {

class Attachments {
 public:
  // Called before the container is launched, so that none comes too early. The error: no socket can be made at `path`.
  [[nodiscard]] Status listen(const std::string& path);

  // The container's standard input: the writing end of a pipe. Not called: there is none. `once`: it is closed when the
  // first attacher that gave input has no more or is gone.
  void take_input(UniqueFd pipe, bool once);
  // The container's terminal. `input`: what is typed goes into it.
  void take_terminal(int terminal, bool input);

  // One who is there from the beginning, with patience.
  void take(UniqueFd socket);

  // True: an attacher with patience has not taken what was shown last. Nothing more is to be shown now.
  [[nodiscard]] bool is_holding();

  // What is to be waited for; appended.
  void add_waits(std::vector<pollfd>& waits) const;
  // After the wait: those that add_waits() appended, in its order.
  void handle(const pollfd* waits);

  // Bytes that the container has written. Never waits.
  void show(char letter, std::string_view bytes);
  // The last message to all.
  void end(std::int32_t code);

 private:
  struct Attacher {
    UniqueFd socket;
    std::uint64_t skipped = 0;
    bool gave_input = false;
    bool input_ended = false;
    bool patient = false;
    std::deque<std::string> held;  // messages that it has not taken yet
    std::chrono::steady_clock::time_point held_since{};
  };
  static constexpr std::chrono::seconds kLongestWait{10};
  void send(Attacher& attacher, std::string message, std::size_t bytes);
  static void send_held(Attacher& attacher);
  static void lose_patience(Attacher& attacher);
  void accept();
  // False: it has gone.
  [[nodiscard]] bool receive(Attacher& attacher);
  void take(Attacher& attacher, std::string_view message);
  void resize(const attach::WindowSize& size) const;
  void input_ended(Attacher& attacher);
  void write_input();
  [[nodiscard]] int input_fd() const;
  [[nodiscard]] bool takes_more() const;

  UniqueFd listener_;
  UniqueFd pipe_;
  int terminal_ = -1;
  bool terminal_input_ = false;
  bool once_ = false;
  bool close_after_pending_ = false;
  std::string pending_;  // input that the container has not taken yet
  std::vector<Attacher> attachers_;
};

}  // namespace mete::runtime::shim
