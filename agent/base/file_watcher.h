// SPDX-License-Identifier: Apache-2.0
// One inotify descriptor for all watches of the agent (a user may have only 128 descriptors): manifest folders, and the
// directories of its cgroups for foreign writes and the kernel's own notifications.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/base/asio.h"
#include "agent/base/watch_table.h"
#include "config/base/result.h"

namespace mete::agent {

class FileWatcher {
 public:
  // `name` is the file within the watched directory. `mask` is inotify's. IN_IGNORED: the directory was removed, and
  // the watch with it. IN_Q_OVERFLOW (sent to every callback): events were lost; read everything again.
  using Callback = std::function<void(std::string_view name, std::uint32_t mask)>;
  using SharedCallback = std::shared_ptr<const Callback>;

  explicit FileWatcher(asio::io_context& loop) : descriptor_(loop) {}
  [[nodiscard]] Status open();
  // One callback per directory; many directories may share one. The error names the directory.
  [[nodiscard]] Result<int> watch(const std::string& directory, std::uint32_t mask, SharedCallback callback);
  [[nodiscard]] Result<int> watch(const std::string& directory, std::uint32_t mask, Callback callback) {
    return watch(directory, mask, std::make_shared<const Callback>(std::move(callback)));
  }
  void forget(int watch);

 private:
  void wait();
  void read();

  Descriptor descriptor_;
  WatchTable<Callback> callbacks_;
};

}  // namespace mete::agent
