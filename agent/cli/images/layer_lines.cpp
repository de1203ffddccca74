// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/images/layer_lines.h"

#include <unistd.h>

#include <algorithm>

#include "agent/cli/output/output.h"
#include "agent/cli/output/table.h"

namespace mete::agent::cli {
namespace {

using runtime::registry::LayerNews;
using runtime::registry::LayerStage;

constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr std::int64_t kBar = 30;

std::string bar(const LayerNews& news) {
  const std::int64_t size = std::max<std::int64_t>(news.size, 1);
  const auto full = static_cast<std::size_t>(kBar * std::min(news.bytes, size) / size);
  return "[" + std::string(full, '=') + ">" + std::string(static_cast<std::size_t>(kBar) - full, ' ') + "] " +
         bytes_text(news.bytes) + "/" + bytes_text(news.size);
}

}  // namespace

LayerLines::LayerLines(Direction direction, bool quiet)
    : direction_(direction), quiet_(quiet), terminal_(::isatty(STDOUT_FILENO) == 1) {}

// Docker's words.
std::string LayerLines::text(const LayerNews& news) const {
  const bool pull = direction_ == Direction::kPull;
  switch (news.stage) {
    case LayerStage::kWaiting:
      return pull ? "Waiting" : "Preparing";
    case LayerStage::kExists:
      return pull ? "Already exists" : "Layer already exists";
    case LayerStage::kTransfer:
      return pull ? "Extracting " + bar(news) : "Pushing";
    case LayerStage::kDone:
      return pull ? "Pull complete" : "Pushed";
    case LayerStage::kMounted:
      return "Mounted from " + news.from;
  }
  return "";
}

void LayerLines::show(const LayerNews& news) {
  if (quiet_) return;
  const bool final = news.stage != LayerStage::kWaiting && news.stage != LayerStage::kTransfer;
  if (!terminal_) {
    if (final) print(news.layer + ": " + text(news) + "\n");
    return;
  }
  const auto at =
      std::find_if(lines_.begin(), lines_.end(), [&](const auto& each) { return each.first == news.layer; });
  if (at == lines_.end()) {
    lines_.emplace_back(news.layer, text(news));
  } else {
    at->second = text(news);
  }
  const auto now = std::chrono::steady_clock::now();
  if (!final && at != lines_.end() && now - drawn_at_ < kRedraw) return;
  drawn_at_ = now;
  draw();
}

void LayerLines::draw() {
  std::string all;
  if (drawn_ > 0) all += "\x1b[" + std::to_string(drawn_) + "A";
  for (const auto& [layer, what] : lines_) all += "\r" + layer + ": " + what + "\x1b[K\n";
  drawn_ = lines_.size();
  print(all);
}

}  // namespace mete::agent::cli
