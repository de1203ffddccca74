// SPDX-License-Identifier: Apache-2.0
#include "agent/base/namespace_sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <utility>

#include "runtime/network/network_visit.h"

namespace mete::agent {
namespace {

using runtime::network::NetworkVisit;

Result<runtime::UniqueFd> make_socket(int family) {
  runtime::UniqueFd made(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!made.valid()) return fail_errno("make a socket");
  return made;
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

void NamespaceSockets::open(std::shared_ptr<const runtime::UniqueFd> process, int family, Done done) {
  if (!thread_.joinable()) {
    // The loop handles signals: a new thread inherits this mask, which blocks all of them.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before);
    thread_ = std::thread([this] { run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  asked_.push_back({std::move(process), family, std::move(done)});
  // After all that has expired with this one.
  if (asked_.size() == 1) asio::post(loop_, alive_.guard([this] { hand_over(); }));
}

void NamespaceSockets::hand_over() {
  {
    const std::lock_guard lock(mutex_);
    if (requests_.empty()) {
      requests_.swap(asked_);
    } else {
      for (auto& each : asked_) requests_.push_back(std::move(each));
    }
  }
  asked_.clear();
  wanted_.notify_one();
}

void NamespaceSockets::run() {
  while (true) {
    Requests batch;
    {
      std::unique_lock lock(mutex_);
      wanted_.wait(lock, [this] { return ending_ || !requests_.empty(); });
      if (ending_) return;
      batch.swap(requests_);
    }
    make(batch);
    auto answers = std::make_shared<Requests>(std::move(batch));
    // The token of alive_ was made by open(), and is only read here.
    asio::post(loop_, alive_.guard([answers] {
      for (auto& each : *answers) each.done(std::move(each.made));
    }));
  }
}

// A whole batch is one visit: to go home between two namespaces was a seventh of what a tcpSocket probe took.
void NamespaceSockets::make(Requests& batch) {
  if (!home_.valid()) {
    auto home = NetworkVisit::home();
    if (!home) {
      for (auto& each : batch) each.made = tl::unexpected(home.error());
      return;
    }
    home_ = std::move(*home);
  }
  std::optional<NetworkVisit> visit;
  const auto enter = [&](int process) -> Status {
    if (visit) return visit->go_on(process);
    METE_TRY(NetworkVisit entered, NetworkVisit::enter(process, home_));
    visit.emplace(std::move(entered));
    return {};
  };
  for (auto& each : batch) {
    if (const Status entered = enter(each.process->get()); entered) {
      each.made = make_socket(each.family);
    } else {
      each.made = tl::unexpected(entered.error());
    }
  }
}

}  // namespace mete::agent
