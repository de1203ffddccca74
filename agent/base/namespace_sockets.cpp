// SPDX-License-Identifier: Apache-2.0
#include "agent/base/namespace_sockets.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <utility>

#include "agent/base/connect_at_once.h"
#include "runtime/network/network_visit.h"

namespace mete::agent {
namespace {

using runtime::network::NetworkVisit;

// So long a whole batch waits for its slowest answer. Those that take longer are the loop's.
constexpr auto kAnswersWithin = std::chrono::milliseconds(2);

// A whole batch is one visit: to go home between two namespaces was a seventh of what a tcpSocket probe took.
Status enter(std::optional<NetworkVisit>& visit, int process) {
  if (visit) return visit->go_on(process);
  METE_TRY(NetworkVisit entered, NetworkVisit::enter(process));
  visit.emplace(std::move(entered));
  return {};
}

Result<runtime::UniqueFd> make_socket(std::optional<NetworkVisit>& visit, int process, int family) {
  METE_CHECK(enter(visit, process));
  runtime::UniqueFd made(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!made.valid()) return fail_errno("make a socket");
  return made;
}

Result<NamespaceSockets::Opened> make(std::optional<NetworkVisit>& visit, const NamespaceSockets::Call& call) {
  NamespaceSockets::Opened opened;
  METE_TRY(opened.socket, make_socket(visit, call.process->get(), call.to.protocol().family()));
  opened.error = connect_at_once(opened.socket.get(), call.to);
  if (opened.error != 0 || call.first_bytes.empty()) return opened;
  const auto sent = ::send(opened.socket.get(), call.first_bytes.data(), call.first_bytes.size(), MSG_NOSIGNAL);
  if (sent > 0) opened.sent = static_cast<std::size_t>(sent);  // whoever sends the rest learns of an error
  return opened;
}

void receive(NamespaceSockets::Opened& opened) {
  std::array<char, 4096> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
  const auto got = ::recv(opened.socket.get(), bytes.data(), bytes.size(), 0);
  if (got > 0) opened.received.assign(bytes.data(), static_cast<std::size_t>(got));
  if (got == 0) opened.ended = 0;
  if (got < 0 && errno != EAGAIN && errno != EINTR) opened.ended = errno;
}

}  // namespace

NamespaceSockets::~NamespaceSockets() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wanted_.notify_one();
  thread_.join();
}

void NamespaceSockets::open(Call call, Done done) {
  if (!thread_.joinable()) {
    // The loop handles signals: a new thread inherits this mask, which blocks all of them.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before);
    thread_ = std::thread([this] { run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = requests_.empty();
    requests_.push_back({std::move(call), std::move(done)});
  }
  if (first) wanted_.notify_one();
}

void NamespaceSockets::carry_out(std::vector<Request>& batch) {
  {
    std::optional<NetworkVisit> visit;
    for (auto& each : batch) each.made = make(visit, each.call);
  }
  std::vector<pollfd> waiting;
  std::vector<Opened*> whose;
  for (auto& each : batch) {
    if (!each.made || each.made->sent == 0 || each.made->sent < each.call.first_bytes.size()) continue;
    waiting.push_back({each.made->socket.get(), POLLIN, 0});
    whose.push_back(&*each.made);
  }
  const auto until = std::chrono::steady_clock::now() + kAnswersWithin;
  for (std::size_t left = waiting.size(); left > 0;) {
    const auto rest = until - std::chrono::steady_clock::now();
    if (rest <= rest.zero()) return;
    const timespec most{0, std::chrono::duration_cast<std::chrono::nanoseconds>(rest).count()};
    if (::ppoll(waiting.data(), waiting.size(), &most, nullptr) <= 0) return;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].fd < 0 || waiting[i].revents == 0) continue;
      receive(*whose[i]);
      waiting[i].fd = -1;
      --left;
    }
  }
}

void NamespaceSockets::run() {
  while (true) {
    std::vector<Request> batch;
    {
      std::unique_lock lock(mutex_);
      wanted_.wait(lock, [this] { return ending_ || !requests_.empty(); });
      if (ending_) return;
      batch.swap(requests_);
    }
    carry_out(batch);
    auto answers = std::make_shared<std::vector<Request>>(std::move(batch));
    asio::post(loop_, alive_.guard([answers] {
      for (auto& each : *answers) each.done(std::move(each.made));
    }));
  }
}

}  // namespace mete::agent
