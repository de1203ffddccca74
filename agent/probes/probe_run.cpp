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

}  // namespace

std::shared_ptr<ProbeRun> make_hook_run(Services& services, const ProbePlace& place, const config::HookAction& action) {
  if (const auto* exec = std::get_if<config::ExecAction>(&action)) return make_exec_run(services, place, exec->command);
  if (const auto* http = std::get_if<config::HttpGet>(&action))
    return make_http_run(services, place, {.get = *http, .any_answer = true});
  if (const auto* tcp = std::get_if<config::TcpConnect>(&action)) return make_tcp_run(services, place, *tcp);
  return std::make_shared<PauseRun>(services, std::get<config::Pause>(action));
}

std::shared_ptr<ProbeRun> make_probe_run(Services& services, const ProbePlace& place,
                                         const config::ProbeAction& action) {
  if (const auto* exec = std::get_if<config::ExecAction>(&action)) return make_exec_run(services, place, exec->command);
  if (const auto* http = std::get_if<config::HttpGet>(&action)) return make_http_run(services, place, {*http});
  if (const auto* tcp = std::get_if<config::TcpConnect>(&action)) return make_tcp_run(services, place, *tcp);
  return make_grpc_run(services, place, std::get<config::GrpcCheck>(action));
}

}  // namespace mete::agent
