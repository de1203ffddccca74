// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/process_id.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>

#include "runtime/file.h"

namespace mete::runtime::process {

Result<std::uint64_t> parse_start_time(std::string_view stat) {
  constexpr int kFieldsAfterCommand = 20;  // field 22, counted from the state, which follows ")"
  const auto end_of_command = stat.rfind(')');
  if (end_of_command == std::string_view::npos) return fail("/proc/PID/stat: found no command in parentheses");
  std::string_view rest = stat.substr(end_of_command + 1);
  for (int field = 0; field < kFieldsAfterCommand; ++field) {
    const auto space = rest.find(' ');
    if (space == std::string_view::npos) return fail("/proc/PID/stat: found too few fields, expected at least 22");
    rest.remove_prefix(space + 1);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error != std::errc() || end == rest.data()) return fail("/proc/PID/stat: found no number in field 22");
  return value;
}

Result<ProcessId> identify(pid_t pid) {
  METE_TRY(const std::string stat, read_file(AT_FDCWD, "/proc/" + std::to_string(pid) + "/stat"));
  METE_TRY(const std::uint64_t start_time, parse_start_time(stat));
  return ProcessId{pid, start_time};
}

Result<UniqueFd> open_pidfd(const ProcessId& id) {
  // By number: glibc 2.36 declares its wrappers without extern "C".
  UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, id.pid, 0)));
  if (!fd.valid()) return fail_errno("open process " + std::to_string(id.pid));
  METE_TRY(const ProcessId now, identify(id.pid));
  if (now != id) return fail_errno("open process " + std::to_string(id.pid), ESRCH);
  return fd;
}

Status send_signal(const UniqueFd& pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) != 0)
    return fail_errno("send signal " + std::to_string(signal));
  return {};
}

Result<std::string> boot_id() {
  METE_TRY(std::string id, read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id"));
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

}  // namespace mete::runtime::process
