// SPDX-License-Identifier: Apache-2.0
// One inotify descriptor for all watches of the agent (a user may have only 128 descriptors): manifest folders, and the
// directories of its cgroups for foreign writes and the kernel's own notifications.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agent/base/asio.h"
#include "config/result.h"

namespace mete::agent {

class FileWatcher {
 public:
  // `name` is the file within the watched directory. `mask` is inotify's. IN_IGNORED: the directory was removed, and
  // the watch with it. IN_Q_OVERFLOW (sent to every callback): events were lost; read everything again.
  using Callback = std::function<void(std::string_view name, std::uint32_t mask)>;

  explicit FileWatcher(asio::io_context& loop) : descriptor_(loop) {}
  [[nodiscard]] Status open();
  // One callback per directory. The error names the directory.
  [[nodiscard]] Result<int> watch(const std::string& directory, std::uint32_t mask, Callback callback);
  void forget(int watch);

 private:
  void wait();
  void read();

  Descriptor descriptor_;
  std::unordered_map<int, Callback> callbacks_;
};

}  // namespace mete::agent
