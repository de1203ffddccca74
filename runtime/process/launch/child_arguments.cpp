// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/launch/child_arguments.h"

#include <algorithm>

namespace mete::runtime::process {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

std::vector<int> kept_descriptors(const ChildFds& fds) {
  std::vector<int> kept = {fds.control, fds.stdin_fd, fds.stdout_fd, fds.stderr_fd, fds.process, fds.start_gate};
  kept.insert(kept.end(), fds.trees.begin(), fds.trees.end());
  if (fds.shared != nullptr) kept.insert(kept.end(), fds.shared->tasks.begin(), fds.shared->tasks.end());
  // Standard streams and preserved descriptors stay open in any case.
  std::erase_if(kept, [&](int fd) { return fd < 3 + fds.preserved; });
  std::sort(kept.begin(), kept.end());
  return kept;
}

}  // namespace mete::runtime::process
