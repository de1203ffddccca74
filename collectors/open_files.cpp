// SPDX-License-Identifier: Apache-2.0
#include "collectors/open_files.h"

#include <algorithm>

namespace mete::collectors {

FileBudget::Set FileBudget::make() {
  Set set;
  closed_.emplace_front();
  set.budget_ = this;
  set.node_ = closed_.begin();
  return set;
}

void FileBudget::close(Nodes::iterator node) {
  for (File& file : node->files) file.fd.reset();
  open_ -= node->counted;
  node->counted = 0;
}

void FileBudget::remove(Nodes::iterator node) {
  Nodes& list = node->counted > 0 ? kept_ : closed_;
  close(node);
  list.erase(node);
}

void FileBudget::use(Set& set, Clock::time_point now) {
  const auto node = set.node_;
  const auto before = std::exchange(node->used, now);
  const auto count = static_cast<std::size_t>(
      std::count_if(node->files.begin(), node->files.end(), [](const File& file) { return file.fd.valid(); }));
  if (node->counted > 0 && node->counted == count) {
    kept_.splice(kept_.begin(), kept_, node);
    return;
  }
  if (node->counted > 0) {
    // The set has more files than before, so whether they fit is decided again.
    open_ -= std::exchange(node->counted, 0);
    closed_.splice(closed_.begin(), kept_, node);
  }
  if (count == 0) return;
  while (most_ > 0 && open_ + count > most_) {
    if (kept_.empty() || kept_.back().used >= before) return close(node);
    const auto longest = std::prev(kept_.end());
    close(longest);
    closed_.splice(closed_.begin(), kept_, longest);
  }
  node->counted = count;
  open_ += count;
  kept_.splice(kept_.begin(), closed_, node);
}

}  // namespace mete::collectors
