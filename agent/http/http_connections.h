// SPDX-License-Identifier: Apache-2.0
// The server's connections: their number, their peers, and which of them are idle and can be closed.
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

  // The place of one connection; its destructor frees the place. Must not outlive the HttpConnections.
  class Place {
   public:
    Place(HttpConnections& all, std::string peer);
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place();

    // The connection is idle between requests. `leave`, called when another connection needs the place, closes this one
    // and frees the place at once.
    void idle(std::function<void()> leave);
    void busy();

   private:
    friend class HttpConnections;
    HttpConnections& all_;
    std::string peer_;
    std::function<void()> leave_;
    std::list<Place*>::iterator at_;
  };

  // A place for a connection of `peer`; when all are taken, the connection that has been idle longest is closed. Null:
  // all are busy.
  [[nodiscard]] std::unique_ptr<Place> enter(const std::string& peer);
  [[nodiscard]] std::size_t size() const { return count_; }

 private:
  // Closes a connection of `peer`, or of any peer when that is empty.
  bool evict(const std::string& peer);

  std::size_t most_;
  std::size_t most_of_one_;
  std::size_t count_ = 0;
  std::map<std::string, std::size_t> by_peer_;
  std::list<Place*> idle_;  // longest idle first
};

// The owner of an address: an IPv4 address (also mapped into IPv6) as it is; an IPv6 address by its /64, all of which
// one machine may use.
[[nodiscard]] std::string peer_key(const asio::ip::address& address);

}  // namespace mete::agent
