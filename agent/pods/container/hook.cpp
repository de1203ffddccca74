// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/hook.h"

#include <utility>

namespace mete::agent {

void Hook::run(const std::function<std::shared_ptr<ProbeRun>()>& make, std::chrono::nanoseconds most, Done done) {
  constexpr const char* kTooLong = "it took longer than the grace period";
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(most);
  const bool again = runs();
  if (again && end >= timer_.expiry()) return;
  timer_.expires_at(end);
  timer_.async_wait(alive_.guard([this] { finish(kTooLong); }));
  if (again) return;
  done_ = std::move(done);
  run_ = make();
  const auto run = run_;
  run->begin(most, [this](const ProbeOutcome& outcome) {
    const bool failed = outcome.result == ProbeResult::kFailure || outcome.result == ProbeResult::kUnknown;
    // Both have one end, and the run may be first by a moment.
    const bool too_late = failed && std::chrono::steady_clock::now() >= timer_.expiry();
    finish(too_late ? kTooLong : failed ? told_text(outcome.message) : "");
  });
}

void Hook::cancel() {
  timer_.cancel();
  done_ = nullptr;
  if (const auto run = std::exchange(run_, nullptr)) run->cancel();
}

void Hook::finish(std::string failure) {
  const Done done = std::exchange(done_, nullptr);
  cancel();
  if (done) done(std::move(failure));
}

}  // namespace mete::agent
