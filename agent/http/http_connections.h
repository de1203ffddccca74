// SPDX-License-Identifier: Apache-2.0
// The connections a server has: how many, of whom, and which of them could go because they do nothing.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "agent/base/asio.h"

namespace mete::agent {

class HttpConnections {
 public:
  HttpConnections(unsigned most, unsigned most_of_one) : most_(most), most_of_one_(most_of_one) {}
  HttpConnections(const HttpConnections&) = delete;
  HttpConnections& operator=(const HttpConnections&) = delete;

  // One connection's place; gives it back when it goes. Does not outlive the HttpConnections.
  class Place {
   public:
    Place(HttpConnections& all, std::string peer);
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place();

    // Between requests. `leave` closes the connection and gives the place back at once; called when another one needs
    // it.
    void idle(std::function<void()> leave);
    void busy();

   private:
    friend class HttpConnections;
    HttpConnections& all_;
    std::string peer_;
    std::function<void()> leave_;
    std::list<Place*>::iterator at_;
  };

  // A place for a connection of `peer`, if need be that of the connection that has been idle longest. Null: all are
  // busy.
  [[nodiscard]] std::unique_ptr<Place> enter(const std::string& peer);
  [[nodiscard]] std::size_t size() const { return count_; }

 private:
  // Of `peer`; empty: of anybody.
  bool evict(const std::string& peer);

  std::size_t most_;
  std::size_t most_of_one_;
  std::size_t count_ = 0;
  std::map<std::string, std::size_t> by_peer_;
  std::list<Place*> idle_;  // longest first
};

// Whom an address belongs to: IPv4 (also mapped into IPv6) as it is, IPv6 by its /64, which one machine has whole.
[[nodiscard]] std::string peer_key(const asio::ip::address& address);

}  // namespace mete::agent
