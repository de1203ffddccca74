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
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = requests_.empty();
    requests_.push_back({std::move(process), family, std::move(done)});
  }
  if (first) wanted_.notify_one();
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
    {
      std::optional<NetworkVisit> visit;
      for (auto& each : batch) each.made = make_socket(visit, each.process->get(), each.family);
    }
    auto answers = std::make_shared<std::vector<Request>>(std::move(batch));
    asio::post(loop_, alive_.guard([answers] {
      for (auto& each : *answers) each.done(std::move(each.made));
    }));
  }
}

}  // namespace mete::agent
