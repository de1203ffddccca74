// SPDX-License-Identifier: Apache-2.0
// POST /auth: whether a registry takes a login. The client keeps it, and sends it along with each pull and push.
#include <sys/mman.h>
#include <unistd.h>

#include "agent/docker/routes.h"
#include "agent/docker/streams/child_command.h"
#include "runtime/file.h"

namespace mete::agent::docker {
namespace {

// Of a command of which only the end is told.
class NoStream final : public HttpStream {
 public:
  bool write(std::string_view /*chunk*/) override { return true; }
  void on_close(std::function<void()> /*callback*/) override {}
  [[nodiscard]] std::size_t queued() const override { return 0; }
  void on_drained(std::function<void()> /*callback*/) override {}
  void on_input(Input /*input*/) override {}
};

Result<runtime::UniqueFd> password_file(const std::string& password) {
  runtime::UniqueFd file(::memfd_create("mete-password", MFD_CLOEXEC));
  if (!file.valid()) return fail_errno("memfd_create");
  METE_CHECK(runtime::write_all(file.get(), password));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return fail_errno("seek");
  return file;
}

std::string told(const Call& call, int code, const std::string& errors) {
  if (code == 0) {
    answer(call, {{"IdentityToken", ""}, {"Status", "Login Succeeded"}});
    return {};
  }
  const Json said = Json::parse(error_line(errors, code), nullptr, false);
  const std::string message = text_of(said, "error");
  const bool wrong = message.find("401") != std::string::npos || message.find("nauthorized") != std::string::npos;
  refuse(call, wrong ? 401 : 500, message);
  return {};
}

}  // namespace

void check_login(Engine& engine, const Call& call) {
  const auto body = parse_body(call.request.body);
  if (!body) return refuse(call, 400, body.error().what);
  const std::string user = text_of(*body, "username");
  const std::string password = text_of(*body, "password");
  const std::string server = text_of(*body, "serveraddress");
  if (user.empty() || password.empty())
    return refuse(call, 400, "auth: found no username or no password, expected both: tokens are the registry's own");
  if (user.starts_with('-') || server.starts_with('-'))
    return refuse(call, 400, "auth: found a name that begins with '-', expected none");
  auto input = password_file(password);
  if (!input) return refuse(call, 500, input.error().what);
  std::vector<std::string> words = {"mete",
                                    "--state",
                                    engine.services().settings.state,
                                    "login",
                                    "--check",
                                    "--password-stdin",
                                    "--username=" + user};
  if (!server.empty()) words.push_back(server);
  const auto started = ChildCommand::start(
      engine.services().loop, std::move(words), std::move(*input), [] { return std::make_shared<NoStream>(); },
      {.said = [](const std::string& /*line*/) { return std::string(); },
       .ended = [call](int code, const std::string& errors) { return told(call, code, errors); }});
  if (!started) refuse(call, 500, started.error().what);
}

}  // namespace mete::agent::docker
