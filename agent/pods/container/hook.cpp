// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/hook.h"

#include <utility>

namespace mete::agent {

void Hook::run(const std::function<std::shared_ptr<ProbeRun>()>& make, std::chrono::nanoseconds most, Done done) {
  constexpr const char* kTooLong = "it took longer than the grace period";
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(most);
  const bool again = runs();
  if (!again) running_ = std::make_unique<Running>(loop_);
  Timer& timer = running_->timer;
  if (again && end >= timer.expiry()) return;
  timer.expires_at(end);
  timer.async_wait(running_->alive.guard([this] { finish(kTooLong); }));
  if (again) return;
  running_->done = std::move(done);
  const auto run = make();
  running_->run = run;
  run->begin(most, [this](const ProbeOutcome& outcome) {
    const bool failed = outcome.result == ProbeResult::kFailure || outcome.result == ProbeResult::kUnknown;
    // Both have one end, and the run may be first by a moment.
    const bool too_late = failed && std::chrono::steady_clock::now() >= running_->timer.expiry();
    finish(too_late ? kTooLong : failed ? told_text(outcome.message) : "");
  });
}

void Hook::cancel() {
  const auto running = std::move(running_);
  if (running != nullptr && running->run != nullptr) running->run->cancel();
}

void Hook::finish(std::string failure) {
  const Done done = running_ != nullptr ? std::exchange(running_->done, nullptr) : nullptr;
  cancel();
  if (done) done(std::move(failure));
}

}  // namespace mete::agent
