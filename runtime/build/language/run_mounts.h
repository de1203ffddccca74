// SPDX-License-Identifier: Apache-2.0
// The flags of RUN: --mount and --network. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/build/language/dockerfile.h"

namespace mete::runtime::build {

enum class RunMountKind { kBind, kCache, kTmpfs, kSecret };
enum class CacheSharing { kShared, kPrivate, kLocked };

struct RunMount {
  RunMountKind kind = RunMountKind::kBind;
  std::string target;  // absolute or relative to the working directory
  std::string source;  // bind, cache: a path in what `from` names
  std::string from;    // a stage or an image; empty: the context, of a cache: nothing
  std::string id;      // cache, secret
  bool read_only = false;
  bool required = false;  // secret
  std::string variable;   // secret: the variable of the environment that gets it; with a target both get it
  CacheSharing sharing = CacheSharing::kShared;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int64_t size = 0;  // tmpfs, bytes; 0: as much as fits
  bool operator==(const RunMount&) const = default;
};

// All --mount flags of a RUN. The error names the flag and what was expected: type=ssh is refused.
[[nodiscard]] Result<std::vector<RunMount>> run_mounts(const Instruction& run);

// Bytes of "64m", "1gb", "512": binary units.
[[nodiscard]] Result<std::int64_t> bytes_of(const std::string& text);

}  // namespace mete::runtime::build
