// SPDX-License-Identifier: Apache-2.0
// `mete login` and `logout`: what registries are told is kept where docker keeps it.
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>

#include "agent/cli/images/registry_access.h"
#include "agent/cli/output/output.h"
#include "runtime/file.h"
#include "runtime/registry/push.h"

namespace mete::agent::cli {
namespace {

namespace registry = runtime::registry;

struct LoginOptions {
  std::string server;
  std::string user;
  std::string password;
  bool from_stdin = false;
  bool check = false;
  RegistryOptions registry;
};

// A line of the terminal. `hidden`: it is not shown.
Result<std::string> ask(const char* what, bool hidden) {
  if (::isatty(STDIN_FILENO) != 1)
    return fail(std::string("found no terminal to ask for the ") + what + ", expected -u NAME and --password-stdin");
  termios before{};
  if (hidden && ::tcgetattr(STDIN_FILENO, &before) == 0) {
    termios quiet = before;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    (void)::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  print(std::string(what) + ": ");
  std::string line;
  std::getline(std::cin, line);
  if (hidden) {
    (void)::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    print("\n");
  }
  return line;
}

Result<registry::Login> read_login(const LoginOptions& options) {
  registry::Login login{options.user, options.password, ""};
  if (options.from_stdin && options.user.empty()) return fail("--password-stdin: expected --username with it");
  if (options.from_stdin && !options.password.empty())
    return fail("found --password and --password-stdin, expected one of them");
  if (options.from_stdin) {
    METE_TRY(login.password, runtime::read_all(STDIN_FILENO, "standard input", 64U << 10U));
    while (!login.password.empty() && (login.password.back() == '\n' || login.password.back() == '\r'))
      login.password.pop_back();
  }
  if (login.user.empty()) {
    METE_TRY(login.user, ask("Username", false));
  }
  if (login.password.empty() && !options.from_stdin) {
    METE_TRY(login.password, ask("Password", true));
  }
  if (login.user.empty() || login.password.empty()) return fail("found an empty name or password, expected both");
  if (login.user.find(':') != std::string::npos) return fail("found ':' in the name, expected none");
  return login;
}

int login(Common& common, const LoginOptions& options) {
  const auto access = registry_access(common.settings, options.registry);
  if (!access) return complain(access.error().what);
  const auto told = read_login(options);
  if (!told) return complain("login: " + told.error().what, kUsage);
  const std::string host = registry::login_host(options.server);
  if (const auto fine = registry::check_login(host, access->policy, *told); !fine) return complain(fine.error().what);
  if (options.check) {
    print("Login Succeeded\n");
    return kDone;
  }
  const std::string file = login_file(options.registry);
  const auto helper = registry::save_login(file, host, *told);
  if (!helper) return complain(helper.error().what);
  if (helper->empty()) print("WARNING! Your password is stored unencrypted in " + file + ".\n");
  print("Login Succeeded\n");
  return kDone;
}

int logout(const LoginOptions& options) {
  const std::string host = registry::login_host(options.server);
  const std::string shown = registry::login_key(host);
  const auto removed = registry::remove_login(login_file(options.registry), host);
  if (!removed) return complain(removed.error().what);
  print((*removed ? "Removing login credentials for " : "Not logged in to ") + shown + "\n");
  return kDone;
}

}  // namespace

void add_login(CommandLine& line) {
  Common& common = line.common();
  auto in = std::make_shared<LoginOptions>();
  auto* command = line.add({"login", "Keep what a registry is told, after asking it",
                            "  mete login registry.example:5000\n  mete login -u me --password-stdin < password"},
                           [&common, in] { return login(common, *in); });
  command->add_option("-u,--username", in->user, "The name")->type_name("NAME");
  command->add_option("-p,--password", in->password, "The password, which others can see in the list of processes")
      ->type_name("NAME");
  command->add_flag("--password-stdin", in->from_stdin, "Read the password from standard input");
  command->add_flag("--check", in->check, "Ask the registry alone, and keep nothing");
  add_registry_options(command, in->registry);
  command->add_option("server", in->server, "HOST[:PORT]; default: Docker Hub")->type_name("ADDRESS");
  auto out = std::make_shared<LoginOptions>();
  command = line.add({"logout", "Forget what a registry is told", "  mete logout registry.example:5000"},
                     [out] { return logout(*out); });
  command->add_option("--authfile", out->registry.authfile, "As with login")->type_name(kFile);
  command->add_option("server", out->server, "HOST[:PORT]; default: Docker Hub")->type_name("ADDRESS");
}

}  // namespace mete::agent::cli
