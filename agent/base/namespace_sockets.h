// SPDX-License-Identifier: Apache-2.0
// Sockets in the network namespaces of containers. A thread makes them: it joins the namespace, makes the socket, which
// stays in that namespace whoever uses it, and goes back. The loop's own thread must not do that even for a moment:
// the other threads' /proc/net is that of the process's first thread.
//
// The thread is made at the first use. It holds no container's namespace while it waits. What is asked for in one turn
// of the loop is one visit: probes that expire together wake the thread once.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "agent/base/asio.h"
#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::agent {

class NamespaceSockets {
 public:
  using Done = std::function<void(Result<runtime::UniqueFd>)>;

  explicit NamespaceSockets(asio::io_context& loop) : loop_(loop) {}
  ~NamespaceSockets();  // `done` of requests that are not answered yet is not called
  NamespaceSockets(const NamespaceSockets&) = delete;
  NamespaceSockets& operator=(const NamespaceSockets&) = delete;

  // A TCP socket that does not block, of `family` (AF_INET, AF_INET6), in the network namespace of the process whose
  // pidfd that is. `done` is called from the loop.
  void open(std::shared_ptr<const runtime::UniqueFd> process, int family, Done done);

 private:
  struct Request {
    std::shared_ptr<const runtime::UniqueFd> process;
    int family;
    Done done;
    Result<runtime::UniqueFd> made = runtime::UniqueFd();
  };
  using Requests = std::vector<Request>;
  void hand_over();
  void run();
  void make(Requests& batch);

  asio::io_context& loop_;
  Requests asked_;  // in this turn of the loop
  std::mutex mutex_;
  std::condition_variable wanted_;
  Requests requests_;  // of the thread
  bool ending_ = false;
  runtime::UniqueFd home_;  // the thread's; not valid before its first visit
  std::thread thread_;
  Alive alive_;
};

}  // namespace mete::agent
