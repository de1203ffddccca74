// SPDX-License-Identifier: Apache-2.0
// One probe, or one hook, from its begin to its outcome: a command in the container, a request, a connection, a health
// check over gRPC. It runs on the loop and never waits.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/asio.h"
#include "agent/base/services.h"
#include "agent/probes/probe_state.h"
#include "config/model/probe.h"
#include "runtime/fd.h"
#include "runtime/process/process_id.h"

namespace mete::agent {

class ProbeRun : public std::enable_shared_from_this<ProbeRun> {
 public:
  using Done = std::function<void(ProbeOutcome)>;

  explicit ProbeRun(asio::io_context& loop) : timer_(loop) {}
  virtual ~ProbeRun() = default;
  ProbeRun(const ProbeRun&) = delete;
  ProbeRun& operator=(const ProbeRun&) = delete;

  // `done` is called once, from the loop, at the latest after `timeout`.
  void begin(std::chrono::nanoseconds timeout, Done done);
  // `done` is not called any more.
  void cancel();

 protected:
  virtual void start() = 0;
  virtual void stop() = 0;  // lets go of what is open; handlers that are called afterwards see is_over()
  [[nodiscard]] virtual std::string out_of_time() const { return "no answer"; }
  void finish(ProbeResult result, std::string message);
  [[nodiscard]] bool is_over() const { return done_ == nullptr; }
  [[nodiscard]] std::chrono::nanoseconds timeout() const { return timeout_; }

 private:
  Timer timer_;
  std::chrono::nanoseconds timeout_{0};
  Done done_;
};

// The container that is asked.
struct ProbePlace {
  std::string attempt_directory;
  runtime::process::ProcessId process;
  std::shared_ptr<const runtime::UniqueFd> network;  // pidfd of a process in its network; null: the machine's
  std::string address;                               // the pod's; empty: it has its loopback only
};

struct HttpProbe {
  config::HttpGet get;
  bool any_answer = false;  // of a hook: what is answered does not count
};

// What has been answered by more than this is cut.
inline constexpr std::size_t kMostOutput = 10 * 1024;  // as the kubelet

[[nodiscard]] std::shared_ptr<ProbeRun> make_exec_run(Services& services, const ProbePlace& place,
                                                      std::vector<std::string> command);
[[nodiscard]] std::shared_ptr<ProbeRun> make_http_run(Services& services, const ProbePlace& place, HttpProbe probe);
[[nodiscard]] std::shared_ptr<ProbeRun> make_tcp_run(Services& services, const ProbePlace& place,
                                                     config::TcpConnect connect);
[[nodiscard]] std::shared_ptr<ProbeRun> make_grpc_run(Services& services, const ProbePlace& place,
                                                      config::GrpcCheck check);
[[nodiscard]] std::shared_ptr<ProbeRun> make_probe_run(Services& services, const ProbePlace& place,
                                                       const config::ProbeAction& action);

// Of a request any answer will do.
[[nodiscard]] std::shared_ptr<ProbeRun> make_hook_run(Services& services, const ProbePlace& place,
                                                      const config::HookAction& action);

// For an event: no control characters, at most 1,024 bytes, as Kubernetes cuts the messages of events.
[[nodiscard]] std::string told_text(std::string text);

}  // namespace mete::agent
