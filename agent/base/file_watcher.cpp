// SPDX-License-Identifier: Apache-2.0
#include "agent/base/file_watcher.h"

#include <sys/inotify.h>
#include <unistd.h>

namespace mete::agent {

Status FileWatcher::open() {
  const int fd = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (fd < 0) return fail_errno("inotify");
  descriptor_.assign(fd);
  wait();
  return {};
}

Result<int> FileWatcher::watch(const std::string& directory, std::uint32_t mask, SharedCallback callback) {
  const int watch = ::inotify_add_watch(descriptor_.native_handle(), directory.c_str(), mask);
  if (watch < 0) return fail_errno("watch " + directory);
  callbacks_.set(watch, std::move(callback));
  return watch;
}

void FileWatcher::forget(int watch) {
  if (!callbacks_.erase(watch)) return;
  // fails when the directory has been removed: the watch is gone too
  ::inotify_rm_watch(descriptor_.native_handle(), watch);
}

void FileWatcher::wait() {
  descriptor_.async_wait(Descriptor::wait_read, [this](ErrorCode error) {
    if (error) return;
    read();
    wait();
  });
}

void FileWatcher::read() {
  alignas(inotify_event) char buffer[16 << 10];
  while (true) {
    const ssize_t got = ::read(descriptor_.native_handle(), buffer, sizeof buffer);
    if (got <= 0) return;
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & IN_Q_OVERFLOW) != 0) {
        // A callback may add and forget watches.
        for (const SharedCallback& callback : callbacks_.values()) (*callback)({}, event->mask);
        continue;
      }
      const SharedCallback callback = callbacks_.find(event->wd);
      if (callback == nullptr) continue;
      if ((event->mask & IN_IGNORED) != 0) callbacks_.erase(event->wd);
      (*callback)(event->len > 0 ? std::string_view(event->name) : std::string_view(), event->mask);
    }
  }
}

}  // namespace mete::agent
