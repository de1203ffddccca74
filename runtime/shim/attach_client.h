// SPDX-License-Identifier: Apache-2.0
// The attacher's side: connects the caller's own standard streams with a running container.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/shim/attach_protocol.h"

namespace mete::runtime::shim {

// Finds the keys that detach, ctrl-p ctrl-q, in what is typed. Pure.
class DetachKeys {
 public:
  // What of `typed` goes to the container. The first key is kept back until it is known what follows.
  [[nodiscard]] std::string pass(std::string_view typed);
  [[nodiscard]] bool detached() const { return detached_; }

 private:
  bool first_typed_ = false;
  bool detached_ = false;
};

struct AttachWishes {
  bool input = false;     // pass standard input on
  bool terminal = false;  // standard input is a terminal, and the container has one: raw, with its size
};

struct AttachEnd {
  bool detached = false;                  // by the keys, or because the input has ended
  std::optional<std::int32_t> exit_code;  // of the container, when that has ended
};

// Waits for the shim's first message.
[[nodiscard]] Result<attach::Hello> greet(const UniqueFd& socket);

// Copies until the container ends or the caller detaches. Blocks the calling thread. Notes about bytes that were left
// out go to standard error.
[[nodiscard]] AttachEnd attach_streams(const UniqueFd& socket, const attach::Hello& hello, const AttachWishes& wishes);

}  // namespace mete::runtime::shim
