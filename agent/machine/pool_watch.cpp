// SPDX-License-Identifier: Apache-2.0
#include "agent/machine/pool_watch.h"

#include <memory>
#include <utility>

namespace mete::agent {
namespace {

constexpr auto kPoolEvery = std::chrono::seconds(10);

std::int64_t percent(Bytes used, Bytes all) {
  constexpr std::int64_t kWhole = 100;
  return all.count() > 0 ? used.count() / (all.count() / kWhole + 1) : 0;
}

}  // namespace

PoolNews news_of(const runtime::storage::PoolUse& use) {
  constexpr std::int64_t kNearlyFull = 90;
  const std::int64_t data = percent(use.data_used, use.data_size);
  const std::int64_t metadata = percent(use.metadata_used, use.metadata_size);
  const std::string shares =
      std::to_string(data) + " % of its data and " + std::to_string(metadata) + " % of its metadata are used";
  if (!use.fault.empty())
    return {PoolState::kFull,
            "thin pool " + use.name + ": " + use.fault + "; " + shares + ": writes of containers fail"};
  if (data >= kNearlyFull || metadata >= kNearlyFull) return {PoolState::kLow, "thin pool " + use.name + ": " + shares};
  return {PoolState::kRoom, "thin pool " + use.name + ": it takes writes, " + shares};
}

void PoolWatch::start() {
  if (services_.storage->has_pool()) look();
}

void PoolWatch::look() {
  const auto found = std::make_shared<Result<std::optional<runtime::storage::PoolUse>>>();
  services_.workers.run([driver = services_.storage, found] { *found = driver->look_after(); },
                        alive_.guard([this, found] {
                          looked(*found);
                          timer_.expires_after(kPoolEvery);
                          timer_.async_wait(alive_.guard([this] { look(); }));
                        }));
}

void PoolWatch::looked(const Result<std::optional<runtime::storage::PoolUse>>& found) {
  if (!found) return tell({PoolState::kFull, found.error().what});
  if (*found) tell(news_of(**found));
}

void PoolWatch::tell(const PoolNews& news) {
  if (std::exchange(told_, news.state) == news.state) return;
  const Reason reason = news.state == PoolState::kRoom  ? Reason::kStoragePoolHasRoom
                        : news.state == PoolState::kLow ? Reason::kStoragePoolLow
                                                        : Reason::kStoragePoolFull;
  services_.events.add({.severity = news.state == PoolState::kRoom ? Severity::kNormal : Severity::kWarning,
                        .reason = name_of(reason),
                        .message = news.message});
}

}  // namespace mete::agent
