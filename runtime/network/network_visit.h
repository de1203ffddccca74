// SPDX-License-Identifier: Apache-2.0
// The calling thread in another network namespace, for as long as this object lives: sockets belong for ever to the
// namespace in which they are made. Only for threads that nobody else relies on at that moment.
//
// A thread that cannot return ends the process: it would go on making in a container's network what belongs to the
// machine, and no caller could put that right. Containers have shims of their own and go on.
#pragma once

#include <utility>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::runtime::network {

class NetworkVisit {
 public:
  // `target`: a network namespace, or a pidfd (Linux 5.8) of a process in it. The error: the thread is where it was.
  [[nodiscard]] static Result<NetworkVisit> enter(int target);
  // The same for a thread that visits often: `home` is what home() gave it, and outlives the visit. To open it anew
  // takes longer than to go there.
  [[nodiscard]] static Result<NetworkVisit> enter(int target, const UniqueFd& home);
  // The network namespace that the calling thread is in.
  [[nodiscard]] static Result<UniqueFd> home();
  // From there to another one; the destructor goes home as before. After an error the thread is where it was.
  [[nodiscard]] Status go_on(int target);
  // Into a new one.
  [[nodiscard]] static Result<NetworkVisit> make();
  ~NetworkVisit();
  NetworkVisit(NetworkVisit&& other) noexcept : own_(std::move(other.own_)), home_(std::exchange(other.home_, -1)) {}
  NetworkVisit& operator=(NetworkVisit&&) = delete;

 private:
  explicit NetworkVisit(UniqueFd home) : own_(std::move(home)), home_(own_.get()) {}
  explicit NetworkVisit(int home) : home_(home) {}
  UniqueFd own_;  // not valid: the home is the caller's descriptor
  int home_;      // -1: moved from
};

}  // namespace mete::runtime::network
