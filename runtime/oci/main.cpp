// SPDX-License-Identifier: Apache-2.0
// mete-oci: an OCI runtime. flags.cpp lists its commands.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/file.h"
#include "runtime/json.h"
#include "runtime/oci/commands.h"
#include "runtime/oci/config/config.h"
#include "runtime/oci/config/rights.h"
#include "runtime/oci/flags.h"
#include "runtime/oci/time_text.h"
#include "runtime/process/launch/own_image.h"

namespace mete::runtime::oci {
namespace {

std::string log_line(const Options& options, const char* level, const std::string& message) {
  if (options.log_format == "json") {
    const nlohmann::ordered_json line = {{"level", level}, {"msg", message}, {"time", time_text()}};
    return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  const nlohmann::json quoted = message;
  return "time=\"" + time_text() + "\" level=" + level +
         " msg=" + quoted.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

// Opens descriptors 0, 1 and 2 when they are closed; otherwise the first file opened would become the container's
// standard output.
void fill_stdio() {
  for (int fd = 0; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) (void)!::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
  }
}

// Commands with children that processes of a container can see before they execute its command.
bool enters_a_container(const std::string& command) {
  return command == "create" || command == "run" || command == "exec" || command == "start";
}

int run_main(int argc, const char* const* argv) {
  fill_stdio();
  // The kernel would name a program that is executed from a descriptor by the descriptor's number.
  (void)::prctl(PR_SET_NAME, "mete-oci");
  // Files made for the container get the requested modes, whatever the caller's umask is.
  ::umask(022);
  Options options;
  options.root = default_root();
  auto code = Result<int>(1);
  if (auto parsed = parse_options(argc, argv, options); !parsed) {
    code = tl::unexpected<Error>(std::move(parsed.error()));
  } else if (auto safe = enters_a_container(options.command) ? process::protect_own_image() : Status(); !safe) {
    code = tl::unexpected<Error>(std::move(safe.error()));
  } else {
    code = run_command(options);
  }
  if (code) return *code;
  report(options, "error", code.error().what);
  // The exit code of `exec` is that of the command, which has this one as seldom as any (runc and crun use it, too).
  constexpr int kExecFailed = 255;
  return options.command == "exec" ? kExecFailed : 1;
}

// A message may quote text of others: this makes it one readable line without control characters.
std::string one_line(std::string_view message) {
  constexpr std::size_t kLongest = 2'000;
  std::string line;
  for (const char c : message.substr(0, kLongest)) {
    if (c == '\n' || c == '\t') {
      line += c == '\n' ? "\\n" : "\\t";
    } else {
      line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    }
  }
  if (message.size() > kLongest) line += "... (" + std::to_string(message.size()) + " characters)";
  return line;
}

}  // namespace

void report(const Options& options, const char* level, const std::string& text) {
  const std::string message = one_line(text);
  const std::string shown =
      "mete-oci: " + std::string(*level == 'e' ? "" : level) + (*level == 'e' ? "" : ": ") + message + "\n";
  (void)!::write(STDERR_FILENO, shown.data(), shown.size());
  if (options.log.empty()) return;
  const auto log = open_at(AT_FDCWD, options.log, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (log) (void)write_all(log->get(), log_line(options, level, message));
}

Result<int> run_command(const Options& options) {
  if (options.help) {
    (void)write_all(STDOUT_FILENO, help_text(options.command));
    return 0;
  }
  if (options.version) {
    (void)write_all(STDOUT_FILENO, std::string("mete-oci version ") + METE_VERSION + "\nspec: " + kSpecVersion + "\n");
    return 0;
  }
  if (options.cgroup_manager != "cgroupfs" && options.cgroup_manager != "systemd" &&
      options.cgroup_manager != "disabled") {
    return fail("--cgroup-manager: found \"" + options.cgroup_manager + "\", expected cgroupfs, systemd or disabled");
  }
  if (options.rootless != "auto" && options.rootless != "true" && options.rootless != "false") {
    return fail("--rootless: found \"" + options.rootless + "\", expected auto, true or false");
  }
  if (options.log_format != "text" && options.log_format != "json")
    return fail("--log-format: found \"" + options.log_format + "\", expected text or json");
  if (options.debug) {
    std::string words;
    for (const auto& each : options.words) words.append(" ").append(each);
    report(options, "debug", options.command + words + " with the state of containers in " + options.root);
  }
  struct Entry {
    const char* name;
    Result<int> (*function)(const Options&);
  };
  constexpr Entry kEntries[] = {{"create", create}, {"start", start},       {"run", run},       {"state", state},
                                {"kill", kill},     {"delete", remove},     {"exec", exec},     {"list", list},
                                {"ps", processes},  {"pause", pause},       {"resume", resume}, {"update", update},
                                {"events", events}, {"features", features}, {"spec", spec}};
  for (const auto& entry : kEntries) {
    if (options.command == entry.name) return entry.function(options);
  }
  return fail(options.command + ": found a command without a function");
}

}  // namespace mete::runtime::oci

int main(int argc, char** argv) {
  const int code = mete::runtime::oci::run_main(argc, argv);
  // All output has been written, and the kernel frees the rest faster than destructors do.
  ::_exit(code);
}
