// SPDX-License-Identifier: Apache-2.0
// TCP connections into the network namespaces of containers. A thread makes them: it joins the namespace, makes the
// socket, which stays in that namespace whoever uses it, and goes back. The loop's own thread must not do that even for
// a moment: the other threads' /proc/net is that of the process's first thread.
//
// A server on the same machine mostly answers at once. So the thread also connects, sends and receives as long as that
// needs no waiting, for many in a row: of a probe that is answered the loop sees only the answer.
//
// The thread is made at the first use. It holds no namespace while it waits.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/asio.h"
#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::agent {

class NamespaceSockets {
 public:
  struct Call {
    std::shared_ptr<const runtime::UniqueFd> process;  // pidfd of a process in the namespace
    asio::ip::tcp::endpoint to;
    std::string first_bytes = {};  // sent once it is connected; empty: nothing is sent, and nothing is received
  };
  struct Opened {
    runtime::UniqueFd socket = {};  // does not block
    int error = 0;                  // errno of connect(2); EINPROGRESS: its outcome is not known yet
    std::size_t sent = 0;           // of first_bytes
    std::string received = {};      // by now; there may be more
    std::optional<int> ended = {};  // nothing more follows: 0, or the errno of recv(2)
  };
  using Done = std::function<void(Result<Opened>)>;

  explicit NamespaceSockets(asio::io_context& loop) : loop_(loop) {}
  ~NamespaceSockets();  // `done` of calls that are not answered yet is not called
  NamespaceSockets(const NamespaceSockets&) = delete;
  NamespaceSockets& operator=(const NamespaceSockets&) = delete;

  // `done` is called from the loop. An error: no socket could be made.
  void open(Call call, Done done);

 private:
  struct Request {
    Call call;
    Done done;
    Result<Opened> made = Opened();
  };
  static void carry_out(std::vector<Request>& batch);
  void run();

  asio::io_context& loop_;
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::vector<Request> requests_;
  bool ending_ = false;
  std::thread thread_;
  Alive alive_;
};

}  // namespace mete::agent
