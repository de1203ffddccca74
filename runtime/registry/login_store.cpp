// SPDX-License-Identifier: Apache-2.0
#include "runtime/registry/login_store.h"

#include <fcntl.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "runtime/file.h"
#include "runtime/registry/reference.h"

namespace mete::runtime::registry {
namespace {

// What a helper says of a registry that it does not know.
constexpr std::string_view kUnknown = "credentials not found";

Result<std::string> read_or_empty(const std::string& path) {
  auto text = read_file(AT_FDCWD, path, 1U << 20U);
  if (!text && text.error().code == ENOENT) return std::string();
  return text;
}

struct HelperEnd {
  int code = 0;
  std::string output;
};

// Runs docker-credential-NAME VERB with `input`, and waits for it. Its stderr is the caller's.
Result<HelperEnd> run_helper(const std::string& name, const char* verb, const std::string& input) {
  const bool clean = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  if (!clean) return fail("credential helper \"" + name + "\": expected letters, digits, '-', '_' and '.'");
  std::string program = "docker-credential-" + name;
  int in[2];
  int out[2];
  if (::pipe2(in, O_CLOEXEC) != 0) return fail_errno("pipe");
  const UniqueFd in_read(in[0]);
  UniqueFd in_write(in[1]);
  if (::pipe2(out, O_CLOEXEC) != 0) return fail_errno("pipe");
  const UniqueFd out_read(out[0]);
  UniqueFd out_write(out[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in_read.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out_write.get(), STDOUT_FILENO);
  std::string word = verb;
  char* const arguments[] = {program.data(), word.data(), nullptr};
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, program.c_str(), &actions, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail_errno("start " + program, error);
  out_write.reset();
  const Status written = write_all(in_write.get(), input);
  in_write.reset();
  auto output = runtime::read_all(out_read.get(), program, 1U << 20U);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!output) return tl::unexpected(std::move(output.error()));
  if (!written && WIFEXITED(status) && WEXITSTATUS(status) == 0) return tl::unexpected(written.error());
  return HelperEnd{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), std::move(*output)};
}

Error helper_failed(const std::string& name, const char* verb, const HelperEnd& end) {
  std::string said = end.output.substr(0, end.output.find('\n'));
  return Error{0, "docker-credential-" + name + " " + verb + ": ended with " + std::to_string(end.code) +
                      (said.empty() ? "" : ": " + said)};
}

Result<std::optional<Login>> ask_helper(const std::string& name, const std::string& host) {
  METE_TRY(const HelperEnd end, run_helper(name, "get", login_key(host)));
  if (end.code != 0 && end.output.find(kUnknown) != std::string::npos) return std::optional<Login>();
  if (end.code != 0) return tl::unexpected(helper_failed(name, "get", end));
  auto login = parse_helper_answer(end.output);
  if (!login) return fail_in("docker-credential-" + name + " get", login.error());
  return std::optional(std::move(*login));
}

Status write_config(const std::string& file, const std::string& text) {
  const auto slash = file.rfind('/');
  if (slash != std::string::npos && slash != 0) METE_CHECK(make_directories(file.substr(0, slash), 0700));
  return replace_file(file, text, 0600);
}

}  // namespace

std::string default_login_file() {
  if (const char* folder = std::getenv("DOCKER_CONFIG"); folder != nullptr && *folder != '\0')
    return std::string(folder) + "/config.json";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') {
    const passwd* user = ::getpwuid(::getuid());
    home = user == nullptr ? "/root" : user->pw_dir;
  }
  return std::string(home) + "/.docker/config.json";
}

Result<std::optional<Login>> Logins::find(const std::string& host) const {
  for (const std::string& text : texts_) {
    auto entry = find_login(text, host);
    if (!entry) return fail_in("imagePullSecrets", entry.error());
    if (*entry && (*entry)->helper.empty()) return std::optional((*entry)->login);
  }
  if (file_.empty()) return std::optional<Login>();
  METE_TRY(const std::string text, read_or_empty(file_));
  auto entry = find_login(text, host);
  if (!entry) return fail_in(file_, entry.error());
  if (!*entry) return std::optional<Login>();
  if (!(*entry)->helper.empty()) return ask_helper((*entry)->helper, host);
  return std::optional((*entry)->login);
}

Result<std::string> save_login(const std::string& file, const std::string& host, const Login& login) {
  METE_TRY(const std::string text, read_or_empty(file));
  auto helper = helper_for(text, host);
  if (!helper) return fail_in(file, helper.error());
  if (!helper->empty()) {
    METE_TRY(const HelperEnd end, run_helper(*helper, "store", helper_request(host, login)));
    if (end.code != 0) return tl::unexpected(helper_failed(*helper, "store", end));
    return *helper;
  }
  METE_TRY(const std::string changed, with_login(text, host, login));
  METE_CHECK(write_config(file, changed));
  return std::string();
}

Result<bool> remove_login(const std::string& file, const std::string& host) {
  METE_TRY(const std::string text, read_or_empty(file));
  auto entry = find_login(text, host);
  if (!entry) return fail_in(file, entry.error());
  if (!*entry) return false;
  if (const std::string& helper = (*entry)->helper; !helper.empty()) {
    METE_TRY(const HelperEnd end, run_helper(helper, "erase", login_key(host)));
    if (end.code != 0 && end.output.find(kUnknown) != std::string::npos) return false;
    if (end.code != 0) return tl::unexpected(helper_failed(helper, "erase", end));
    return true;
  }
  METE_TRY(const std::string changed, without_login(text, host));
  METE_CHECK(write_config(file, changed));
  return true;
}

}  // namespace mete::runtime::registry
