// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/start_errors.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "agent/docker/container/container_json.h"

namespace mete::agent::docker {
namespace {

// What stands between `begin` and the first `end` after it.
std::optional<std::string> between(const std::string& text, std::string_view begin, std::string_view end) {
  const auto from = text.find(begin);
  if (from == std::string::npos) return std::nullopt;
  const auto to = text.find(end, from + begin.size());
  if (to == std::string::npos) return std::nullopt;
  return text.substr(from + begin.size(), to - from - begin.size());
}

// "port 127.0.0.1:80/tcp: found it ...": published for another pod, or taken by a program.
std::optional<std::string> taken_port(const std::string& message) {
  if (message.find("expected a free one") == std::string::npos) return std::nullopt;
  return between(message, "port ", "/");
}

// The key is made of the id where no container of that id is left.
std::string other_network_error_text(const ContainerRecord& record, const std::string& key) {
  constexpr std::string_view kMode = "container:";
  const std::string mode = text_of(record.host_config, "NetworkMode");
  const std::string id = mode.substr(std::min(kMode.size(), mode.size()));
  return (key.ends_with("/" + id) ? "No such container: " : "cannot join network of a non running container: ") + id;
}

}  // namespace

std::string user_error_text(const std::string& message) {
  if (const auto user = between(message, "user \"", "\": expected one of the image's /etc/passwd"))
    return "unable to find user " + user->substr(0, user->find(':')) + ": no matching entries in passwd file";
  if (const auto group = between(message, "found the group \"", "\", expected one of the image's /etc/group"))
    return "unable to find group " + *group + ": no matching entries in group file";
  return message;
}

std::string start_error_text(const ContainerRecord& record, int exit_code, const std::string& message) {
  if (const std::string user = user_error_text(message); user != message) return user;
  if (const auto network = between(message, "network ", ": found no network of that name"))
    return "network " + *network + " not found";
  if (const auto port = taken_port(message)) {
    return "driver failed programming external connectivity on endpoint " + record.name + " (" + network_id(record.id) +
           "): Bind for " + *port + " failed: port is already allocated";
  }
  if (message.find(" with a network of its own") != std::string::npos) {
    if (const auto other = between(message, "network container:", ": found no pod "))
      return other_network_error_text(record, *other);
  }
  // Docker says so before it makes the task.
  if (message.starts_with("can't join IPC of container ") || message.starts_with("No such container: ") ||
      (message.starts_with("container ") && message.ends_with(" is not running")))
    return message;
  if (const auto device = message.find("error gathering device information"); device != std::string::npos)
    return message.substr(device);
  if (const auto device = message.find("unresolvable CDI devices"); device != std::string::npos)
    return "CDI device injection failed: " + message.substr(device);
  const std::string begin = "failed to create task for container: ";
  const auto with = [&](const char* words) {
    return begin + (message.find(words) == std::string::npos ? std::string(words) + ": " : "") + message;
  };
  if (exit_code == 127) return with("executable file not found in $PATH");
  if (exit_code == 126) return with("permission denied");
  return begin + message;
}

unsigned start_error_status(const std::string& text, bool tried) {
  if (text.starts_with("network ") && text.ends_with(" not found")) return 404;
  if (text.starts_with("No such container: ")) return 404;
  if (text.starts_with("cannot join network of a non running container: ")) return 409;
  if (text.starts_with("container ") && text.ends_with(" is not running")) return 409;
  return tried ? 400 : 500;
}

}  // namespace mete::agent::docker
