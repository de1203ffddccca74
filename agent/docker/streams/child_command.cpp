// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/streams/child_command.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "agent/base/child_process.h"
#include "agent/base/spawn.h"
#include "agent/docker/fields.h"
#include "runtime/file.h"

namespace mete::agent::docker {
namespace {

constexpr std::size_t kQueued = 1U << 20U;      // bytes that the client has not read
constexpr std::size_t kMostErrors = 1U << 20U;  // of a command that has failed

}  // namespace

void Lines::add(std::string_view piece, const std::function<void(const std::string& line)>& take) {
  for (const char each : piece) {
    begun_ += each;
    if (each == '\n' || begun_.size() >= kLongest) take(std::exchange(begun_, {}));
  }
}

std::string error_line(const std::string& errors, int code) {
  std::string message = errors;
  constexpr std::string_view kName = "mete: ";
  if (const auto at = message.rfind("\n" + std::string(kName)); at != std::string::npos) message.erase(0, at + 1);
  if (message.starts_with(kName)) message.erase(0, kName.size());
  while (!message.empty() && message.back() == '\n') message.pop_back();
  if (message.empty()) message = "the command ended without a word, with code " + std::to_string(code);
  Json detail = {{"message", message}};
  // Clients end with the code of the command that has failed.
  constexpr std::string_view kCode = "returned a non-zero code: ";
  if (const auto at = message.find(kCode); at != std::string::npos)
    detail["code"] = std::atoi(message.c_str() + at + kCode.size());
  return Json{{"errorDetail", std::move(detail)}, {"error", message}}.dump(-1, ' ', false,
                                                                           Json::error_handler_t::replace) +
         "\r\n";
}

Status ChildCommand::start(asio::io_context& loop, std::vector<std::string> words, runtime::UniqueFd input,
                           const std::function<std::shared_ptr<HttpStream>()>& client, Calls calls) {
  METE_TRY(Pipe pipe, make_pipe());
  runtime::UniqueFd errors(::memfd_create("mete-errors", MFD_CLOEXEC));
  if (!errors.valid()) return fail_errno("memfd_create");
  METE_TRY(const pid_t pid, spawn_self(std::move(words), {input.get(), pipe.write.get(), errors.get()}));
  const auto own = std::make_shared<ChildCommand>(loop, std::move(calls));
  own->errors_ = std::move(errors);
  own->output_.assign(pipe.read.release());
  own->output_.non_blocking(true);
  own->client_ = client();
  own->begin(loop, pid);
  return {};
}

void ChildCommand::begin(asio::io_context& loop, pid_t pid) {
  pid_ = pid;
  // The client's callbacks hold this object, and it holds the client, until finish() lets go of it.
  client_->on_close([self = shared_from_this()] {
    if (self->pid_ != 0) (void)::kill(self->pid_, SIGTERM);
    ErrorCode ignored;
    self->output_.close(ignored);
    self->at_end_ = true;
    self->client_.reset();
  });
  client_->on_drained([self = shared_from_this()] { self->read(); });
  await_child(loop, pid, [self = shared_from_this()](int code) {
    self->pid_ = 0;
    self->code_ = code;
    if (self->calls_.reaped) self->calls_.reaped();
    self->finish();
  });
  read();
}

void ChildCommand::read() {
  if (reading_ || at_end_ || !client_ || client_->queued() > kQueued) return;
  reading_ = true;
  output_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](ErrorCode error, std::size_t size) {
    self->reading_ = false;
    if (error) {
      self->at_end_ = true;
      return self->finish();
    }
    self->lines_.add(std::string_view(self->buffer_).substr(0, size), [&](const std::string& line) {
      if (const std::string text = self->calls_.said(line); !text.empty() && self->client_) self->client_->write(text);
    });
    self->read();
  });
}

// The command has ended, and all that it has said is here.
void ChildCommand::finish() {
  if (pid_ != 0 || !at_end_ || !client_) return;
  if (const std::string rest = lines_.rest(); !rest.empty()) client_->write(calls_.said(rest));
  std::string errors;
  if (::lseek(errors_.get(), 0, SEEK_SET) == 0)
    errors = runtime::read_all(errors_.get(), "a command's errors", kMostErrors).value_or("");
  client_->write(calls_.ended(code_, errors));
  client_.reset();
}

}  // namespace mete::agent::docker
