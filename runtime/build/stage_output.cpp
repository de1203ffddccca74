// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/stage_output.h"

namespace mete::runtime::build {
namespace {

// A line that never ends is shown in parts.
constexpr std::size_t kLongestLine = 64U << 10U;

}  // namespace

void StageOutput::say(std::string_view text) {
  if (prefix_.empty()) {
    const std::lock_guard lock(*mutex_);
    (*out_)(text);
    return;
  }
  pending_ += text;
  std::string lines;
  std::size_t start = 0;
  while (start < pending_.size()) {
    std::size_t end = pending_.find('\n', start);
    const bool whole = end != std::string::npos;
    if (!whole && pending_.size() - start < kLongestLine) break;
    end = whole ? end : pending_.size();
    lines.append(prefix_).append(pending_, start, end - start).append("\n");
    start = end + (whole ? 1 : 0);
  }
  pending_.erase(0, start);
  if (lines.empty()) return;
  const std::lock_guard lock(*mutex_);
  (*out_)(lines);
}

StageOutput::~StageOutput() {
  if (!pending_.empty()) say("\n");
}

}  // namespace mete::runtime::build
