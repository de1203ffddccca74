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
  // From there to another one; the destructor goes home as before. After an error the thread is where it was.
  [[nodiscard]] Status go_on(int target);
  // Into a new one.
  [[nodiscard]] static Result<NetworkVisit> make();
  ~NetworkVisit();
  NetworkVisit(NetworkVisit&& other) noexcept : home_(std::move(other.home_)) {}
  NetworkVisit& operator=(NetworkVisit&&) = delete;

 private:
  explicit NetworkVisit(UniqueFd home) : home_(std::move(home)) {}
  UniqueFd home_;
};

}  // namespace mete::runtime::network
