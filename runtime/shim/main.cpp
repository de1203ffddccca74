// SPDX-License-Identifier: Apache-2.0
// mete-shim: started by the agent. See shim.h.
#include <sys/prctl.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "runtime/process/launch/own_image.h"
#include "runtime/shim/shim.h"
#include "runtime/shim/watchdog.h"

namespace {

constexpr const char* kUsage =
    "usage: mete-shim run|sandbox --dir ATTEMPT --lock-fd N --ready-fd N [--plan-fd N --cgroups-fd N --log FILE "
    "--log-max-bytes N "
    "--log-files N --stdin open|once]\n"
    "The parent of one container. Started by `mete agent`; there is nothing to run by hand.\n";

// Options of an exec with streams. False: it is none.
bool take_session_option(const char* name, const char* value, mete::runtime::shim::ExecOptions& exec) {
  const auto number = [value] { return static_cast<std::uint32_t>(std::strtoul(value, nullptr, 10)); };
  const std::string option = name;
  auto& changes = exec.changes;
  if (option == "--stdin") {
    exec.input = true;
  } else if (option == "--tty") {
    exec.terminal.emplace();
  } else if (option == "--rows" && exec.terminal) {
    exec.terminal->rows = static_cast<std::uint16_t>(number());
  } else if (option == "--columns" && exec.terminal) {
    exec.terminal->columns = static_cast<std::uint16_t>(number());
  } else if (option == "--env") {
    changes.env.emplace_back(value);
  } else if (option == "--cwd") {
    changes.directory = value;
  } else if (option == "--uid") {
    changes.uid = number();
  } else if (option == "--gid") {
    changes.gid = number();
  } else if (option == "--group") {
    changes.groups.push_back(number());
  } else {
    return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  using mete::runtime::shim::Input;
  using mete::runtime::shim::ShimOptions;
  ShimOptions options;
  mete::runtime::shim::ExecOptions exec;
  // The kernel would name a program that is executed from a descriptor by the descriptor's number.
  (void)::prctl(PR_SET_NAME, "mete-shim");
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::printf("mete-shim version %s\n", METE_VERSION);
    return 0;
  }
  // A command may follow after "--".
  int options_end = argc;
  for (int i = 2; i < argc && options_end == argc; ++i) {
    if (std::strcmp(argv[i], "--") == 0) options_end = i;
  }
  if (options_end < argc) exec.command.assign(argv + options_end + 1, argv + argc);
  if (argc < 2 || options_end % 2 != 0) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  for (int i = 2; i + 1 < options_end; i += 2) {
    const char* name = argv[i];
    const char* value = argv[i + 1];
    if (std::strcmp(name, "--dir") == 0) {
      options.directory = value;
      exec.directory = value;
    } else if (std::strcmp(name, "--pid") == 0) {
      exec.process.pid = std::atoi(value);
    } else if (std::strcmp(name, "--start-time") == 0) {
      exec.process.start_time = std::strtoull(value, nullptr, 10);
    } else if (std::strcmp(name, "--timeout-ms") == 0) {
      exec.timeout = std::chrono::milliseconds(std::atoll(value));
    } else if (std::strcmp(name, "--output-fd") == 0) {
      exec.output_fd = std::atoi(value);
    } else if (std::strcmp(name, "--log") == 0) {
      options.log_path = value;
    } else if (std::strcmp(name, "--stdin") == 0 && std::strcmp(argv[1], "run") == 0) {
      options.input = std::strcmp(value, "once") == 0 ? Input::once : Input::open;
    } else if (std::strcmp(name, "--lock-fd") == 0) {
      options.lock_fd = std::atoi(value);
    } else if (std::strcmp(name, "--ready-fd") == 0) {
      options.ready_fd = std::atoi(value);
    } else if (std::strcmp(name, "--plan-fd") == 0) {
      options.plan_fd = std::atoi(value);
    } else if (std::strcmp(name, "--cgroups-fd") == 0) {
      options.cgroups_fd = std::atoi(value);
    } else if (std::strcmp(name, "--log-max-bytes") == 0) {
      options.log_limits.max_bytes = std::atoll(value);
    } else if (std::strcmp(name, "--log-files") == 0) {
      options.log_limits.files = std::atoi(value);
    } else if (std::strcmp(name, "--attached-fd") == 0) {
      options.attached_fds.push_back(std::atoi(value));
      exec.attached_fd = std::atoi(value);
    } else if (take_session_option(name, value, exec)) {
      continue;
    } else {
      std::fputs(kUsage, stderr);
      return 2;
    }
  }
  if (auto safe = mete::runtime::process::protect_own_image(); !safe) {
    std::fprintf(stderr, "mete-shim: %s\n", safe.error().what.c_str());
    return 1;
  }
  if (std::strcmp(argv[1], "run") == 0) return mete::runtime::shim::run_shim(options);
  if (std::strcmp(argv[1], "sandbox") == 0) return mete::runtime::shim::run_sandbox(options);
  if (std::strcmp(argv[1], "exec") == 0 && !exec.command.empty()) {
    return exec.attached_fd >= 0 ? mete::runtime::shim::run_exec_session(exec) : mete::runtime::shim::run_exec(exec);
  }
  if (std::strcmp(argv[1], "watchdog") == 0) return mete::runtime::shim::run_watchdog(options.directory);
  std::fputs(kUsage, stderr);
  return 2;
}
