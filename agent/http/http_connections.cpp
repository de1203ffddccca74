// SPDX-License-Identifier: Apache-2.0
#include "agent/http/http_connections.h"

#include <algorithm>
#include <utility>

namespace mete::agent {

HttpConnections::Place::Place(HttpConnections& all, std::string peer)
    : all_(all), peer_(std::move(peer)), at_(all.idle_.end()) {
  ++all_.count_;
  ++all_.by_peer_[peer_];
}

HttpConnections::Place::~Place() {
  busy();
  --all_.count_;
  const auto own = all_.by_peer_.find(peer_);
  if (--own->second == 0) all_.by_peer_.erase(own);
}

void HttpConnections::Place::idle(std::function<void()> leave) {
  busy();
  leave_ = std::move(leave);
  at_ = all_.idle_.insert(all_.idle_.end(), this);
}

void HttpConnections::Place::busy() {
  if (at_ == all_.idle_.end()) return;
  all_.idle_.erase(at_);
  at_ = all_.idle_.end();
  leave_ = nullptr;
}

std::unique_ptr<HttpConnections::Place> HttpConnections::enter(const std::string& peer) {
  const auto own = by_peer_.find(peer);
  if (own != by_peer_.end() && own->second >= most_of_one_ && !evict(peer)) return nullptr;
  if (count_ >= most_ && !evict({})) return nullptr;
  return std::make_unique<Place>(*this, peer);
}

bool HttpConnections::evict(const std::string& peer) {
  const auto found = std::find_if(idle_.begin(), idle_.end(),
                                  [&](const Place* place) { return peer.empty() || place->peer_ == peer; });
  if (found == idle_.end()) return false;
  const auto leave = std::move((*found)->leave_);  // destroys the place, and with it its list entry
  leave();
  return true;
}

std::string peer_key(const asio::ip::address& address) {
  if (address.is_v4()) return address.to_string();
  const auto v6 = address.to_v6();
  if (v6.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_string();
  constexpr std::size_t kNetwork = 8;
  auto bytes = v6.to_bytes();
  std::fill(bytes.begin() + kNetwork, bytes.end(), 0);
  return asio::ip::address_v6(bytes).to_string() + "/64";
}

}  // namespace mete::agent
