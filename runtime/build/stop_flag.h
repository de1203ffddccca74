// SPDX-License-Identifier: Apache-2.0
// Tells the stages of a build that one of them has failed: what they do is needed no more.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::runtime::build {

class StopFlag {
 public:
  [[nodiscard]] static Result<StopFlag> make() {
    UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd.valid()) return fail_errno("eventfd");
    return StopFlag(std::move(fd));
  }
  void raise() const { (void)::eventfd_write(fd_.get(), 1); }
  [[nodiscard]] bool raised() const {
    pollfd at{fd_.get(), POLLIN, 0};
    return ::poll(&at, 1, 0) > 0;
  }
  // Readable from raise() on.
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  explicit StopFlag(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

// Of a step that is not done because of that.
[[nodiscard]] inline Error stopped_error() {
  return Error{ECANCELED, "another stage has failed"};
}

}  // namespace mete::runtime::build
