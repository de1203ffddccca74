// SPDX-License-Identifier: Apache-2.0
// The loop's thread handles the signals of the agent. A new thread inherits the mask of the one that makes it, so that
// a thread that is made while an object of this class lives never runs a handler.
#pragma once

#include <csignal>

namespace mete::agent {

class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace mete::agent
