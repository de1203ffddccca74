// SPDX-License-Identifier: Apache-2.0
// Takes gzip (RFC 1952) apart piece by piece with ISA-L (Debian's libisal2), which is loaded when the first archive is
// read: half again as fast as zlib. Where it is not installed, libarchive does it with zlib.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "config/base/result.h"

namespace mete::runtime::image {

class Gunzip {
 public:
  // Null: ISA-L is not there.
  [[nodiscard]] static std::unique_ptr<Gunzip> open();
  ~Gunzip();
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  struct Step {
    std::size_t taken = 0;  // of `in`
    std::size_t made = 0;   // of `out`
    bool end = false;       // of a member: what is behind it begins another one
  };
  // Checks the sums of each member. After an error nothing may be asked any more.
  [[nodiscard]] Result<Step> step(std::string_view in, char* out, std::size_t size);

 private:
  struct State;
  explicit Gunzip(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mete::runtime::image
