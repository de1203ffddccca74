// SPDX-License-Identifier: Apache-2.0
#include "runtime/shim/shim_plan.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <set>
#include <string_view>

#include "runtime/file.h"
#include "runtime/process/plan/wire.h"

namespace mete::runtime::shim {

Result<ShimPlan> read_shim_plan(const AttemptFiles& files) {
  constexpr std::string_view kOwn = "/proc/self/fd/";
  METE_TRY(const std::string bytes, read_file(AT_FDCWD, files.plan()));
  ShimPlan read;
  METE_TRY(read.plan, process::decode_plan(bytes));
  std::set<int> own;
  for (auto& op : read.plan.ops) {
    auto* const joins = std::get_if<process::JoinNamespaces>(&op);
    if (joins == nullptr) continue;
    for (auto& use : joins->all) {
      if (!use.path.starts_with(kOwn)) continue;
      const std::string number = use.path.substr(kOwn.size());
      int fd = -1;
      if (std::from_chars(number.data(), number.data() + number.size(), fd).ec != std::errc()) continue;
      own.insert(fd);
      use.path = "/proc/" + std::to_string(::getpid()) + "/fd/" + number;
    }
  }
  for (const int fd : own) read.joined.emplace_back(fd);
  return read;
}

}  // namespace mete::runtime::shim
