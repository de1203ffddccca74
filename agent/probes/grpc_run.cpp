// SPDX-License-Identifier: Apache-2.0
// grpc: a health check on a connection of its own.
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <array>

#include "agent/probes/grpc_health.h"
#include "agent/probes/network_run.h"

namespace mete::agent {
namespace {

class GrpcRun : public NetworkRun {
 public:
  GrpcRun(Services& services, ProbePlace place, config::GrpcCheck check)
      : NetworkRun(services, std::move(place)),
        check_(std::move(check)),
        call_(host_or_own("") + ":" + std::to_string(check_.port), check_.service) {}

 private:
  void start() override { dial("", check_.port); }
  [[nodiscard]] std::string what_failed() const override {
    return "error: failed to connect service \"" + host_or_own("") + ":" + std::to_string(check_.port) + "\"";
  }
  [[nodiscard]] std::string out_of_time() const override { return "timeout: health rpc did not complete"; }

  void connected(const BegunConnection& /*begun*/) override {
    if (!watch()) return;
    send();
    receive();
  }

  // What the call has to say, unless something is being sent.
  void send() {
    if (!sending_.empty() || call_.to_send().empty()) return;
    sending_.swap(call_.to_send());
    asio::async_write(socket(), asio::buffer(sending_), [self = self<GrpcRun>()](ErrorCode error, std::size_t) {
      // The end of the connection is seen when it is read from.
      if (self->is_over() || error) return;
      self->sending_.clear();
      self->send();
    });
  }

  void receive() {
    socket().async_read_some(asio::buffer(bytes_), [self = self<GrpcRun>()](ErrorCode error, std::size_t size) {
      if (self->is_over()) return;
      if (error == asio::error::eof) return self->finish(GrpcHealthCall::end());
      if (error) return self->ProbeRun::finish(ProbeResult::kFailure, "error: " + error.message());
      if (const auto outcome = self->call_.feed({self->bytes_.data(), size})) return self->finish(*outcome);
      self->send();
      self->receive();
    });
  }

  void finish(const ProbeOutcome& outcome) { ProbeRun::finish(outcome.result, outcome.message); }

  const config::GrpcCheck check_;
  GrpcHealthCall call_;
  std::string sending_;
  std::array<char, 4096> bytes_{};
};

}  // namespace

std::shared_ptr<ProbeRun> make_grpc_run(Services& services, const ProbePlace& place, config::GrpcCheck check) {
  return std::make_shared<GrpcRun>(services, place, std::move(check));
}

}  // namespace mete::agent
