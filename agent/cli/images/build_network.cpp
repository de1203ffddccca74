// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/images/build_network.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "config/values/ip_address.h"
#include "runtime/file.h"
#include "runtime/pod/name_files.h"

namespace mete::agent::cli {

// "ns:PATH[,SERVER]": the namespace stays open until this process ends, whoever else has it.
Status read_network(const std::string& word, runtime::build::BuildOptions& options) {
  constexpr std::string_view kNamespace = "ns:";
  if (word == "default" || word == "host") return {};
  if (word == "none") {
    options.network = runtime::build::RunNetwork::kNone;
    return {};
  }
  if (!word.starts_with(kNamespace))
    return fail("--network: found \"" + word + "\", expected default, host, none or ns:PATH[,SERVER]");
  const auto comma = word.find(',');
  const std::string path = word.substr(kNamespace.size(), comma - kNamespace.size());
  const std::string server = comma == std::string::npos ? "" : word.substr(comma + 1);
  if (!server.empty() && !config::parse_ip(server))
    return fail("--network: found name server \"" + server + "\", expected an IP address");
  METE_TRY(auto space, runtime::open_at(AT_FDCWD, path, O_RDONLY));
  if (::ioctl(space.get(), NS_GET_NSTYPE) != CLONE_NEWNET)
    return fail("--network: found " + path + ", expected a network namespace");
  options.network = runtime::build::RunNetwork::kGiven;
  options.network_namespace = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(space.release());
  options.resolver =
      runtime::pod::resolver_inside(runtime::read_file(AT_FDCWD, "/etc/resolv.conf").value_or(""), server);
  return {};
}

}  // namespace mete::agent::cli
