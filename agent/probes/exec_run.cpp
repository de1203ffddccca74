// SPDX-License-Identifier: Apache-2.0
// exec: a command in the container, by `mete-shim exec`, which ends it after the timeout.
#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <array>

#include "agent/base/child_process.h"
#include "agent/base/spawn.h"
#include "agent/probes/probe_run.h"

namespace mete::agent {
namespace {

// The exit codes of `mete-shim exec`.
constexpr int kTimedOut = 124;
constexpr int kNotRun = 125;

class ExecRun : public ProbeRun {
 public:
  ExecRun(Services& services, ProbePlace place, std::vector<std::string> command)
      : ProbeRun(services.loop),
        services_(services),
        place_(std::move(place)),
        command_(std::move(command)),
        output_(services.loop) {}

 private:
  void start() override {
    auto pipe = make_pipe();
    if (!pipe) return finish(ProbeResult::kUnknown, pipe.error().what);
    begun_ = std::chrono::steady_clock::now();
    const auto child = spawn_exec(services_.shim, {.attempt_directory = place_.attempt_directory,
                                                   .process = place_.process,
                                                   .timeout = std::chrono::ceil<std::chrono::milliseconds>(timeout()),
                                                   .command = command_,
                                                   .output = pipe->write.get()});
    if (!child) return finish(ProbeResult::kUnknown, child.error().what);
    output_.assign(pipe->read.release());
    output_.non_blocking(true);
    read_on();
    await_child(services_.loop, *child, [self = self_as_exec()](int code) { self->ended(code); });
  }

  std::shared_ptr<ExecRun> self_as_exec() { return std::static_pointer_cast<ExecRun>(shared_from_this()); }

  // The pipe is emptied as long as the command runs, so that it does not block; the rest is thrown away.
  void read_on() {
    output_.async_read_some(asio::buffer(bytes_), [self = self_as_exec()](ErrorCode error, std::size_t size) {
      if (error || self->is_over()) return;
      self->keep(size);
      self->read_on();
    });
  }

  void keep(std::size_t size) { said_.append(bytes_.data(), std::min(size, kMostOutput - said_.size())); }

  void ended(int code) {
    if (is_over()) return;
    // What is in the pipe; something that the command has left behind may hold it open.
    ErrorCode error;
    while (!error && said_.size() < kMostOutput) {
      const std::size_t size = output_.read_some(asio::buffer(bytes_), error);
      if (!error) keep(size);
    }
    if (code == 0) return finish(ProbeResult::kSuccess, said_);
    const auto took = std::chrono::steady_clock::now() - begun_;
    if (code == kTimedOut && took >= timeout()) return finish(ProbeResult::kFailure, out_of_time());
    if (code < 0 || (code == kNotRun && said_.empty()))
      return finish(ProbeResult::kUnknown, "the command could not be run");
    finish(ProbeResult::kFailure, said_.empty() ? "exit code " + std::to_string(code) : said_);
  }

  void stop() override {
    ErrorCode ignored;
    output_.close(ignored);
  }

  [[nodiscard]] std::string out_of_time() const override { return "command timed out: it has not ended"; }

  Services& services_;
  const ProbePlace place_;
  const std::vector<std::string> command_;
  Descriptor output_;
  std::chrono::steady_clock::time_point begun_{};
  std::array<char, 4096> bytes_{};
  std::string said_;
};

}  // namespace

std::shared_ptr<ProbeRun> make_exec_run(Services& services, const ProbePlace& place, std::vector<std::string> command) {
  return std::make_shared<ExecRun>(services, place, std::move(command));
}

}  // namespace mete::agent
