// SPDX-License-Identifier: Apache-2.0
// TCP connections into the network namespaces of containers. A thread begins them: it joins the namespace, makes the
// socket, which stays in that namespace whoever uses it, and goes back. The loop's own thread must not do that even for
// a moment: the other threads' /proc/net is that of the process's first thread.
//
// The thread also sends a first request, and waits a moment for the answer. Most servers of this machine answer within
// that moment. Then the loop has nothing to watch, which was a tenth of what an httpGet probe took.
//
// The thread is made at the first use. It holds no container's namespace while it waits. What is asked for in one turn
// of the loop is one visit: probes that expire together wake the thread once.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/base/asio.h"
#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::agent {

// What became of a connection so far. `socket` does not block.
struct BegunConnection {
  runtime::UniqueFd socket;
  int error = 0;  // errno: of connect(2), EINPROGRESS if it is under way; after it of send(2) or recv(2)
  bool connected = false;
  std::size_t sent = 0;  // bytes of the request
  std::string answer;    // its first bytes
  bool closed = false;   // nothing follows them
};

// Connects without waiting.
[[nodiscard]] BegunConnection begin_connection(runtime::UniqueFd socket, const asio::ip::tcp::endpoint& to);

class NamespaceConnections {
 public:
  using Done = std::function<void(Result<BegunConnection>)>;

  explicit NamespaceConnections(asio::io_context& loop) : loop_(loop) {}
  ~NamespaceConnections();  // `done` of requests that are not answered yet is not called
  NamespaceConnections(const NamespaceConnections&) = delete;
  NamespaceConnections& operator=(const NamespaceConnections&) = delete;

  // From the network namespace of the process whose pidfd that is. `request` is sent as far as the socket takes it at
  // once, and lives as long as `done`; empty: nothing is sent, and no answer is waited for. `done` is called from the
  // loop.
  void begin(std::shared_ptr<const runtime::UniqueFd> process, const asio::ip::tcp::endpoint& to,
             std::string_view request, Done done);

 private:
  struct Asked {
    std::shared_ptr<const runtime::UniqueFd> process;
    asio::ip::tcp::endpoint to;
    std::string_view request;
    Done done;
    Result<BegunConnection> begun = BegunConnection();
  };
  using Batch = std::vector<Asked>;
  void hand_over();
  void run();
  void visit(Batch& batch);
  void answer(Batch batch);
  void await_answers(Batch waiting);

  asio::io_context& loop_;
  Batch asked_;  // in this turn of the loop
  std::mutex mutex_;
  std::condition_variable wanted_;
  Batch requests_;  // of the thread
  bool ending_ = false;
  runtime::UniqueFd home_;  // the thread's; not valid before its first visit
  std::thread thread_;
  Alive alive_;
};

}  // namespace mete::agent
