// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/dns/dns_responder.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <utility>

#include "runtime/file.h"

namespace mete::agent {
namespace {

using config::IpAddress;
using runtime::UniqueFd;

constexpr std::uint16_t kDomainPort = 53;
constexpr unsigned kMostWaiting = 512;
constexpr unsigned kMostOfOne = 64;
constexpr int kAtOnce = 64;  // packets in one turn of the loop
constexpr auto kPatience = std::chrono::seconds(2);
constexpr std::size_t kMostServers = 3;

struct Peer {
  sockaddr_storage address{};
  socklen_t size = 0;
};

Peer peer_of(const IpAddress& address) {
  Peer peer;
  if (address.v6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(kDomainPort);
    std::memcpy(&v6.sin6_addr, address.bytes.data(), sizeof v6.sin6_addr);
    std::memcpy(&peer.address, &v6, sizeof v6);
    peer.size = sizeof v6;
  } else {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(kDomainPort);
    std::memcpy(&v4.sin_addr, address.bytes.data(), sizeof v4.sin_addr);
    std::memcpy(&peer.address, &v4, sizeof v4);
    peer.size = sizeof v4;
  }
  return peer;
}

IpAddress address_of(const sockaddr_storage& from) {
  IpAddress address;
  address.v6 = from.ss_family == AF_INET6;
  if (address.v6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &from, sizeof v6);
    std::memcpy(address.bytes.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
  } else {
    sockaddr_in v4{};
    std::memcpy(&v4, &from, sizeof v4);
    std::memcpy(address.bytes.data(), &v4.sin_addr, sizeof v4.sin_addr);
  }
  return address;
}

UniqueFd udp_socket(const IpAddress& address) {
  return UniqueFd(::socket(address.v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

void reply(int socket, const std::string& peer, const std::string& text) {
  // A full buffer is like a lost packet: the container asks again.
  (void)::sendto(socket, text.data(), text.size(), 0,
                 static_cast<const sockaddr*>(static_cast<const void*>(peer.data())),
                 static_cast<socklen_t>(peer.size()));
}

}  // namespace

struct DnsResponder::Listener {
  Listener(asio::io_context& loop, std::string of, UniqueFd file) : socket(loop), member(std::move(of)) {
    socket.assign(file.release());
  }
  Descriptor socket;
  std::string member;  // empty: it is a network's
};

// A question that waits for a server of the machine.
struct DnsResponder::Forward {
  explicit Forward(asio::io_context& loop) : socket(loop), timer(loop) {}
  std::weak_ptr<Listener> listener;
  Asked asked;
  std::string query;               // what the servers are asked
  std::vector<IpAddress> servers;  // those that were not asked yet, the next one last
  std::uint16_t id = 0;
  Descriptor socket;  // of this question alone: its port is a second secret
  Timer timer;
  bool over = false;
};

DnsResponder::DnsResponder(asio::io_context& loop, Find find) : loop_(loop), find_(std::move(find)) {}
DnsResponder::~DnsResponder() = default;

Status DnsResponder::listen(const IpAddress& address) {
  if (listeners_.contains(address)) return {};
  const std::string shown = "answer names on " + to_string(address) + " port 53";
  UniqueFd socket = udp_socket(address);
  if (!socket.valid()) return fail_errno(shown);
  const Peer own = peer_of(address);
  if (::bind(socket.get(), static_cast<const sockaddr*>(static_cast<const void*>(&own.address)), own.size) != 0)
    return fail_errno(shown);
  wait(listeners_[address] = std::make_shared<Listener>(loop_, std::string(), std::move(socket)));
  return {};
}

void DnsResponder::listen_inside(const std::string& member, UniqueFd socket) {
  wait(inside_[member] = std::make_shared<Listener>(loop_, member, std::move(socket)));
}

void DnsResponder::wait(const std::shared_ptr<Listener>& listener) {
  listener->socket.async_wait(Descriptor::wait_read, alive_.guard([this, weak = std::weak_ptr(listener)] {
    if (const auto alive = weak.lock()) read(alive);
  }));
}

void DnsResponder::read(const std::shared_ptr<Listener>& listener) {
  std::array<char, dns::kLongest> buffer;
  for (int i = 0; i < kAtOnce; ++i) {
    Peer from;
    from.size = sizeof from.address;
    const ssize_t got = ::recvfrom(listener->socket.native_handle(), buffer.data(), buffer.size(), 0,
                                   static_cast<sockaddr*>(static_cast<void*>(&from.address)), &from.size);
    if (got <= 0) break;
    const std::string_view packet(buffer.data(), static_cast<std::size_t>(got));
    const auto question = dns::parse_question(packet);
    if (!question) continue;
    std::string peer(static_cast<const char*>(static_cast<const void*>(&from.address)), from.size);
    take(listener, *question, {std::string(packet), std::move(peer), {listener->member, address_of(from.address)}, {}});
  }
  wait(listener);
}

void DnsResponder::take(const std::shared_ptr<Listener>& listener, const dns::Question& question, Asked asked) {
  auto found = question.of_class == dns::kClassInternet ? find_(asked.asker, question.name) : std::nullopt;
  if (found && !found->alias.empty()) {
    asked.alias = found->alias;
    found = find_(asked.asker, asked.alias);
    // One that stands for another one again is left to the servers, which do not know it: no circles.
    if (found && !found->alias.empty()) found.reset();
  }
  if (!found) return forward(listener, std::move(asked));
  ++counts_.own;
  reply(listener->socket.native_handle(), asked.peer,
        question.type == dns::kTypeService && asked.alias.empty()
            ? dns::answer_services(asked.query, question, found->services)
            : dns::answer(asked.query, question, found->addresses, asked.alias));
}

std::vector<IpAddress> DnsResponder::servers() {
  // Read each time: the machine's servers change with its networks, and a question to one of them costs more.
  const auto text = runtime::read_file(AT_FDCWD, "/etc/resolv.conf");
  std::vector<IpAddress> found;
  for (const auto& each : dns::servers_of(text.value_or(""))) {
    // Not to ourselves, round and round.
    if (!listeners_.contains(each) && found.size() < kMostServers) found.insert(found.begin(), each);
  }
  return found;
}

void DnsResponder::forward(const std::shared_ptr<Listener>& listener, Asked asked) {
  if (waiting_ >= kMostWaiting || waiting_of_[asked.asker] >= kMostOfOne) {
    ++counts_.refused;
    return;
  }
  ++waiting_;
  ++waiting_of_[asked.asker];
  auto each = std::make_shared<Forward>(loop_);
  each->listener = listener;
  each->query = asked.alias.empty() ? asked.query : dns::ask_instead(asked.query, asked.alias);
  each->asked = std::move(asked);
  each->servers = servers();
  ask_next(each);
}

void DnsResponder::end(const std::shared_ptr<Forward>& forward) {
  if (std::exchange(forward->over, true)) return;
  forward->timer.cancel();
  forward->socket.close();
  --waiting_;
  if (--waiting_of_[forward->asked.asker] == 0) waiting_of_.erase(forward->asked.asker);
}

void DnsResponder::ask_next(const std::shared_ptr<Forward>& forward) {
  forward->socket.close();
  if (forward->servers.empty()) {
    ++counts_.failed;
    const auto listener = forward->listener.lock();
    const auto question = dns::parse_question(forward->asked.query);
    if (listener && question)
      reply(listener->socket.native_handle(), forward->asked.peer,
            dns::refuse(forward->asked.query, *question, dns::Code::kServerFailure));
    return end(forward);
  }
  const IpAddress server = forward->servers.back();
  forward->servers.pop_back();
  UniqueFd socket = udp_socket(server);
  const Peer to = peer_of(server);
  (void)!::getrandom(&forward->id, sizeof forward->id, 0);
  const std::string query = dns::with_id(forward->query, forward->id);
  const bool sent =
      socket.valid() &&
      ::connect(socket.get(), static_cast<const sockaddr*>(static_cast<const void*>(&to.address)), to.size) == 0 &&
      ::send(socket.get(), query.data(), query.size(), 0) >= 0;
  if (!sent) return ask_next(forward);
  forward->socket.assign(socket.release());
  forward->timer.expires_after(kPatience);
  forward->timer.async_wait(alive_.guard([this, forward] {
    if (!forward->over) ask_next(forward);
  }));
  await_answer(forward);
}

void DnsResponder::await_answer(const std::shared_ptr<Forward>& forward) {
  forward->socket.async_wait(Descriptor::wait_read, alive_.guard([this, forward] {
    if (forward->over) return;
    std::array<char, dns::kLongest> buffer;
    const ssize_t got = ::recv(forward->socket.native_handle(), buffer.data(), buffer.size(), 0);
    if (got < 0) return ask_next(forward);  // nobody listens there
    const std::string_view packet(buffer.data(), static_cast<std::size_t>(got));
    // Somebody else's guess does not end the wait.
    if (!dns::answers(packet, forward->id, forward->query)) return await_answer(forward);
    const auto listener = forward->listener.lock();
    const auto& asked = forward->asked;
    const auto question = dns::parse_question(asked.query);
    if (listener && question) {
      reply(listener->socket.native_handle(), asked.peer,
            asked.alias.empty() ? dns::with_id(packet, question->id)
                                : dns::answer(asked.query, *question, dns::addresses_in(packet), asked.alias));
    }
    ++counts_.forwarded;
    end(forward);
  }));
}

}  // namespace mete::agent
