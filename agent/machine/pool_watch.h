// SPDX-License-Identifier: Apache-2.0
// Looks at the thin pool of the storage driver devicemapper every 10 s: events tell when it is nearly full, takes no
// writes, has room again. Does nothing with another driver.
#pragma once

#include <optional>
#include <string>

#include "agent/base/asio.h"
#include "agent/base/services.h"

namespace mete::agent {

enum class PoolState { kRoom, kLow, kFull };
struct PoolNews {
  PoolState state = PoolState::kRoom;
  std::string message = {};
};
// Low: nine tenths of data or of metadata are used. Pure.
[[nodiscard]] PoolNews news_of(const runtime::storage::PoolUse& use);

class PoolWatch {
 public:
  explicit PoolWatch(Services& services) : services_(services), timer_(services.loop) {}
  void start();

 private:
  void look();
  void looked(const Result<std::optional<runtime::storage::PoolUse>>& found);
  void tell(const PoolNews& news);

  Services& services_;
  Timer timer_;
  PoolState told_ = PoolState::kRoom;
  Alive alive_;
};

}  // namespace mete::agent
