// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/pre_stop.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "agent/base/child_process.h"

namespace mete::agent {

using std::chrono::nanoseconds;

void PreStop::run(const config::PreStopHook& hook, nanoseconds most, const Start& start, Done done) {
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(most);
  const bool again = runs();
  const bool pause = hook.command.empty() && !hook.http;
  if (again && end >= timer_.expiry()) return;
  if (!again) done_ = std::move(done);
  const bool shorter = most < hook.pause;
  timer_.expires_at(pause && !shorter && !again ? std::chrono::steady_clock::now() + hook.pause : end);
  timer_.async_wait(alive_.guard(
      [this, cut = !pause || shorter || again] { finish(cut ? "it took longer than the grace period" : ""); }));
  if (again || pause) return;
  const auto child = start(hook, most);
  if (!child) return finish(child.error().what);
  // The command may end after its owner has been destroyed; its end is then ignored.
  auto ended = std::make_shared<int>(0);
  auto told = alive_.guard([this, ended, mine = ++run_, request = hook.http.has_value()] {
    constexpr int kTimedOut = 124;
    // Both have one deadline, and the process may be first by a moment.
    const bool at_the_end = timer_.expiry() - std::chrono::steady_clock::now() < std::chrono::milliseconds(500);
    const bool out_of_time = *ended == kTimedOut || (request && *ended == ETIMEDOUT && at_the_end);
    if (mine != run_ || !runs() || out_of_time) return;  // the timer reports a timeout
    finish(*ended == 0  ? ""
           : *ended < 0 ? "it was lost"
           : request    ? std::generic_category().message(*ended)
                        : "exit code " + std::to_string(*ended));
  });
  await_child(loop_, *child, [ended, told = std::move(told)](int code) mutable {
    *ended = code;
    told();
  });
}

void PreStop::cancel() {
  timer_.cancel();
  done_ = nullptr;
}

void PreStop::finish(std::string failure) {
  timer_.cancel();
  if (const Done done = std::exchange(done_, nullptr)) done(std::move(failure));
}

}  // namespace mete::agent
