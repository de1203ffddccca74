// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/launch/conversation.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "runtime/descriptor_passing.h"
#include "runtime/process/plan/plan.h"

namespace mete::runtime::process {
namespace {

struct Received {
  ssize_t length = 0;
  int error = 0;  // errno, when the length is negative
  ChildReport report;
  UniqueFd descriptor;
};

// A child that ends with unread words of the parent resets the connection: ECONNRESET arrives before the child's last
// message, which can still be read.
Received receive(const UniqueFd& control, int flags) {
  Received received;
  bool was_reset = false;
  while (true) {
    received.length =
        receive_with_descriptor(control.get(), &received.report, sizeof received.report, received.descriptor, flags);
    if (received.length >= 0) {
      if (received.length == 0 && was_reset) received.length = -1;
      return received;
    }
    received.error = errno;
    if (errno != EINTR && (errno != ECONNRESET || was_reset)) return received;
    was_reset = was_reset || errno == ECONNRESET;
  }
}

}  // namespace

tl::unexpected<Error> explain(const Plan& plan, ChildReport& report) {
  report.detail[sizeof report.detail - 1] = '\0';
  const int code = report.error;
  if (report.operation == kReportCommand) {
    const std::string command = plan.args.empty() ? "" : plan.args.front();
    // Docker derives its exit codes 126 and 127 from these words, in Go's spelling.
    const auto say = [&](const std::string& what) {
      return tl::unexpected<Error>(Error{code, "exec \"" + command + "\": " + what});
    };
    if (code == ENOENT && command.find('/') == std::string::npos)
      return say("executable file not found in $PATH of the container");
    if (code == ENOENT) return say("not found in the container: no such file or directory");
    if (code == ENOTDIR) return say("not found in the container: not a directory");
    if (code == EACCES) return say("not executable: permission denied");
    if (code == ENOEXEC) return say("not executable: exec format error");
    return fail_errno("exec \"" + command + "\"", code);
  }
  if (report.operation >= 0 && static_cast<std::size_t>(report.operation) < plan.ops.size()) {
    const std::string op = describe(plan.ops[static_cast<std::size_t>(report.operation)]);
    return fail_errno(op + " (" + report.detail + ")", code);
  }
  return fail_errno(report.detail, code);
}

Result<ChildSays> next_word(const Plan& plan, const UniqueFd& control) {
  Received received = receive(control, 0);
  if (received.length == 0) return ChildSays{};
  if (received.length < 0 && received.error == EAGAIN) return ChildSays{kSilent, {}, 0};
  if (received.length == 1) {
    char word = 0;
    std::memcpy(&word, &received.report, 1);
    return ChildSays{word, std::move(received.descriptor)};
  }
  if (received.length == static_cast<ssize_t>(sizeof(ChildNumber))) {
    ChildNumber message;
    std::memcpy(static_cast<void*>(&message), &received.report, sizeof message);
    return ChildSays{message.word, {}, message.number};
  }
  if (received.length == static_cast<ssize_t>(sizeof(ChildReport))) return explain(plan, received.report);
  return fail("the container's first process was ended before it could execute its command");
}

Status or_report(const Plan& plan, const UniqueFd& control, Status done) {
  if (done) return done;
  // Words that the child sent before the report are skipped.
  while (true) {
    Received received = receive(control, MSG_DONTWAIT);
    if (received.length <= 0) return done;
    if (received.length == static_cast<ssize_t>(sizeof(ChildReport))) return explain(plan, received.report);
  }
}

}  // namespace mete::runtime::process
