// SPDX-License-Identifier: Apache-2.0
#include "agent/base/namespace_connections.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include "agent/base/blocked_signals.h"
#include "runtime/network/network_visit.h"

namespace mete::agent {
namespace {

using runtime::network::NetworkVisit;
using Clock = std::chrono::steady_clock;

// So long the thread waits for answers. What takes longer is the loop's to watch; the next batch waits no longer.
constexpr auto kMoment = std::chrono::milliseconds(2);

Result<runtime::UniqueFd> make_socket(int family) {
  runtime::UniqueFd made(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!made.valid()) return fail_errno("make a socket");
  return made;
}

// What the socket takes at once; the loop sends the rest.
void send_first(BegunConnection& begun, std::string_view request) {
  const auto size = ::send(begun.socket.get(), request.data(), request.size(), MSG_NOSIGNAL);
  if (size >= 0) {
    begun.sent = static_cast<std::size_t>(size);
  } else if (errno != EAGAIN) {
    begun.error = errno;
  }
}

// False: nothing has come yet.
bool receive_first(BegunConnection& begun) {
  std::array<char, 4096> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init): recv() writes it
  const auto size = ::recv(begun.socket.get(), bytes.data(), bytes.size(), 0);
  if (size < 0 && errno == EAGAIN) return false;
  if (size < 0) begun.error = errno;
  if (size == 0) begun.closed = true;
  if (size > 0) begun.answer.assign(bytes.data(), static_cast<std::size_t>(size));
  return true;
}

}  // namespace

BegunConnection begin_connection(runtime::UniqueFd socket, const asio::ip::tcp::endpoint& to) {
  const auto attempt = [&] {
    return ::connect(socket.get(), to.data(), static_cast<socklen_t>(to.size())) == 0 ? 0 : errno;
  };
  // On this machine the other end has answered when the call returns, and the call says only the second time how.
  int error = attempt();
  if (error == EINPROGRESS) error = attempt();
  if (error == EALREADY) error = EINPROGRESS;
  return {.socket = std::move(socket), .error = error, .connected = error == 0};
}

NamespaceConnections::~NamespaceConnections() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wanted_.notify_one();
  thread_.join();
}

void NamespaceConnections::begin(std::shared_ptr<const runtime::UniqueFd> process, const asio::ip::tcp::endpoint& to,
                                 std::string_view request, Done done) {
  if (!thread_.joinable()) {
    const BlockedSignals blocked;
    thread_ = std::thread([this] { run(); });
  }
  asked_.push_back({std::move(process), to, request, std::move(done)});
  // After all that has expired with this one.
  if (asked_.size() == 1) asio::post(loop_, alive_.guard([this] { hand_over(); }));
}

void NamespaceConnections::hand_over() {
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

void NamespaceConnections::run() {
  while (true) {
    Batch batch;
    {
      std::unique_lock lock(mutex_);
      wanted_.wait(lock, [this] { return ending_ || !requests_.empty(); });
      if (ending_) return;
      batch.swap(requests_);
    }
    visit(batch);
    Batch begun;
    Batch waiting;
    for (auto& each : batch) {
      const bool waits = each.begun && each.begun->error == 0 && each.begun->sent > 0;
      (waits ? waiting : begun).push_back(std::move(each));
    }
    answer(std::move(begun));
    await_answers(std::move(waiting));
  }
}

void NamespaceConnections::answer(Batch batch) {
  if (batch.empty()) return;
  auto answers = std::make_shared<Batch>(std::move(batch));
  // The token of alive_ was made by begin(), and is only read here.
  asio::post(loop_, alive_.guard([answers] {
    for (auto& each : *answers) each.done(std::move(each.begun));
  }));
}

// A whole batch is one visit: to go home between two namespaces was a seventh of what a tcpSocket probe took.
void NamespaceConnections::visit(Batch& batch) {
  if (!home_.valid()) {
    auto home = NetworkVisit::home();
    if (!home) {
      for (auto& each : batch) each.begun = tl::unexpected(home.error());
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
  const auto begin = [&](const Asked& asked) -> Result<BegunConnection> {
    METE_CHECK(enter(asked.process->get()));
    METE_TRY(auto socket, make_socket(asked.to.protocol().family()));
    BegunConnection begun = begin_connection(std::move(socket), asked.to);
    if (begun.connected && !asked.request.empty()) send_first(begun, asked.request);
    return begun;
  };
  for (auto& each : batch) each.begun = begin(each);
}

// Each answer is passed on when it is there, so that the others add nothing to the time it took.
void NamespaceConnections::await_answers(Batch waiting) {
  const auto end = Clock::now() + kMoment;
  std::vector<pollfd> watched;
  while (!waiting.empty()) {
    watched.clear();
    for (const auto& each : waiting) watched.push_back({each.begun->socket.get(), POLLIN, 0});
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(end - Clock::now()).count();
    const timespec rest{0, std::max<std::int64_t>(left, 0)};
    if (::ppoll(watched.data(), watched.size(), &rest, nullptr) <= 0) break;
    Batch answered;
    Batch others;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      const bool has_come = watched[i].revents != 0 && receive_first(*waiting[i].begun);
      (has_come ? answered : others).push_back(std::move(waiting[i]));
    }
    answer(std::move(answered));
    waiting = std::move(others);
  }
  answer(std::move(waiting));
}

}  // namespace mete::agent
