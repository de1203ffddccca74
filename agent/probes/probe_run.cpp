// SPDX-License-Identifier: Apache-2.0
#include "agent/probes/probe_run.h"

#include <cstdio>
#include <utility>

namespace mete::agent {

void ProbeRun::begin(std::chrono::nanoseconds timeout, Done done) {
  timeout_ = timeout;
  done_ = std::move(done);
  timer_.expires_after(timeout);
  timer_.async_wait([self = shared_from_this()](ErrorCode error) {
    if (error || self->is_over()) return;
    char within[48];
    std::snprintf(within, sizeof within, " within %g s", std::chrono::duration<double>(self->timeout_).count());
    self->finish(ProbeResult::kFailure, self->out_of_time() + within);
  });
  start();
}

void ProbeRun::cancel() {
  if (is_over()) return;
  done_ = nullptr;
  timer_.cancel();
  stop();
}

void ProbeRun::finish(ProbeResult result, std::string message) {
  if (is_over()) return;
  const Done done = std::exchange(done_, nullptr);
  timer_.cancel();
  stop();
  done({result, std::move(message)});
}

std::string told_text(std::string text) {
  constexpr std::size_t kMost = 1024;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  if (text.size() > kMost) {
    std::size_t end = kMost - 3;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // not within a character
    text = text.substr(0, end) + "...";
  }
  for (char& each : text) {
    if (static_cast<unsigned char>(each) < 0x20 || each == 0x7F) each = ' ';
  }
  return text;
}

namespace {

class PauseRun : public ProbeRun {
 public:
  PauseRun(Services& services, config::Pause pause) : ProbeRun(services.loop), pause_(pause), timer_(services.loop) {}

 private:
  void start() override {
    timer_.expires_after(pause_.length);
    timer_.async_wait([self = shared_from_this(), this](ErrorCode error) {
      if (!error) finish(ProbeResult::kSuccess, {});
    });
  }
  void stop() override { timer_.cancel(); }

  const config::Pause pause_;
  Timer timer_;
};

// What cannot even be asked.
class FailedRun : public ProbeRun {
 public:
  FailedRun(Services& services, std::string why)
      : ProbeRun(services.loop), loop_(services.loop), why_(std::move(why)) {}

 private:
  // Not within begin(): who began it may not have taken hold of it yet.
  void start() override {
    asio::post(loop_, [self = shared_from_this(), this] { finish(ProbeResult::kUnknown, why_); });
  }
  void stop() override {}

  asio::io_context& loop_;
  const std::string why_;
};

// Null: its port is known. In the words of the kubelet's findPortByName (pkg/probe/util.go), whose result counts
// neither way either.
template <class Action>
std::shared_ptr<ProbeRun> failed_run(Services& services, const Action& action) {
  if (action.unknown_port.empty()) return nullptr;
  return std::make_shared<FailedRun>(services, "port " + action.unknown_port + " not found");
}

std::shared_ptr<ProbeRun> http_run(Services& services, const ProbePlace& place, HttpProbe probe) {
  auto failed = failed_run(services, probe.get);
  return failed != nullptr ? failed : make_http_run(services, place, std::move(probe));
}

std::shared_ptr<ProbeRun> tcp_run(Services& services, const ProbePlace& place, const config::TcpConnect& connect) {
  auto failed = failed_run(services, connect);
  return failed != nullptr ? failed : make_tcp_run(services, place, connect);
}

}  // namespace

std::shared_ptr<ProbeRun> make_hook_run(Services& services, const ProbePlace& place, const config::HookAction& action) {
  if (const auto* exec = std::get_if<config::ExecAction>(&action)) return make_exec_run(services, place, exec->command);
  if (const auto* http = std::get_if<config::HttpGet>(&action))
    return http_run(services, place, {.get = *http, .any_answer = true});
  if (const auto* tcp = std::get_if<config::TcpConnect>(&action)) return tcp_run(services, place, *tcp);
  return std::make_shared<PauseRun>(services, std::get<config::Pause>(action));
}

std::shared_ptr<ProbeRun> make_probe_run(Services& services, const ProbePlace& place,
                                         const config::ProbeAction& action) {
  if (const auto* exec = std::get_if<config::ExecAction>(&action)) return make_exec_run(services, place, exec->command);
  if (const auto* http = std::get_if<config::HttpGet>(&action)) return http_run(services, place, {*http});
  if (const auto* tcp = std::get_if<config::TcpConnect>(&action)) return tcp_run(services, place, *tcp);
  return make_grpc_run(services, place, std::get<config::GrpcCheck>(action));
}

}  // namespace mete::agent
