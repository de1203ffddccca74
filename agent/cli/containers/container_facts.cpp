// SPDX-License-Identifier: Apache-2.0
// port, wait and top of containers.
#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "agent/cli/containers/container_verbs.h"
#include "agent/cli/output/table.h"
#include "agent/http/http_url.h"

namespace mete::agent::cli {
namespace {

struct Published {
  std::string inside;   // "80/tcp"
  std::string outside;  // "0.0.0.0:8080"
};

std::vector<Published> docker_ports(const Json& inspected) {
  std::vector<Published> ports;
  const Json& all = inspected["NetworkSettings"]["Ports"];
  if (!all.is_object()) return ports;
  for (const auto& [inside, bound] : all.items()) {
    if (!bound.is_array()) continue;
    for (const Json& each : bound) {
      auto address = each["HostIp"].get<std::string>();
      if (address.find(':') != std::string::npos) address = "[" + address + "]";
      ports.push_back({inside, address + ":" + each["HostPort"].get<std::string>()});
    }
  }
  return ports;
}

std::vector<Published> pod_ports(const Json& pod) {
  std::vector<Published> ports;
  if (!pod.contains("network")) return ports;
  for (const Json& each : pod["network"]["ports"]) {
    const auto host = each["host"].get<std::string>();
    const auto slash = std::min(host.find('/'), host.size());
    ports.push_back({each["containerPort"].dump() + host.substr(slash), host.substr(0, slash)});
  }
  return ports;
}

int port(const Common& common, const std::string& word, std::string wanted) {
  const Subject subject = find_subject(common, word);
  if (subject.code != kDone) return subject.code;
  std::vector<Published> ports;
  if (subject.is_pod) {
    ports = pod_ports(subject.pod);
  } else {
    const auto told = fetch_docker(common, subject.path + "/json");
    if (told.code != kDone) return told.code;
    ports = docker_ports(told.value);
  }
  if (!wanted.empty() && wanted.find('/') == std::string::npos) wanted += "/tcp";
  bool found = wanted.empty();
  for (const Published& each : ports) {
    if (wanted.empty()) print(each.inside + " -> " + each.outside + "\n");
    if (each.inside != wanted) continue;
    print(each.outside + "\n");
    found = true;
  }
  return found ? kDone : complain("no public port '" + wanted + "' published for " + word);
}

// The exit code of a pod's only container, after its end.
int await_end(const Common& common, const Subject& subject, std::string& code) {
  while (true) {
    const auto now = fetch(common, "GET", subject.path);
    if (now.code != kDone) return now.code;
    const auto container = find_container(now.value, "");
    if (!container) return kFailed;
    const Json& phase = now.value["phase"];
    if ((*container)["state"] == "exited" && container->contains("last") &&
        (phase == "Succeeded" || phase == "Failed" || phase == "Stopped")) {
      code = (*container)["last"]["exitCode"].dump();
      return kDone;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace

int wait_for_ends(const Common& common, const std::vector<std::string>& words) {
  int worst = kDone;
  for (const auto& word : words) {
    const Subject subject = find_subject(common, word);
    int code = subject.code;
    std::string ended_with;
    if (code == kDone && subject.is_pod) {
      code = await_end(common, subject, ended_with);
    } else if (code == kDone) {
      const auto told = fetch_docker(common, subject.path + "/wait", "POST");
      code = told.code;
      if (code == kDone) ended_with = told.value["StatusCode"].dump();
    }
    if (code == kDone) print(ended_with + "\n");
    worst = std::max(worst, code);
  }
  return worst;
}

int show_processes(const Common& common, const Subject& container, const std::string& ps_words) {
  const std::string query = ps_words.empty() ? "" : "?ps_args=" + url_encode(ps_words);
  const auto told = fetch_docker(common, container.path + "/top" + query);
  if (told.code != kDone) return told.code;
  Table table(told.value["Titles"].get<std::vector<std::string>>());
  for (const Json& row : told.value["Processes"]) {
    auto cells = row.get<std::vector<std::string>>();
    for (std::string& cell : cells) cell = printable(cell);
    table.add(std::move(cells));
  }
  print(table.text());
  return kDone;
}

void add_port(CommandLine& line) {
  const Common& common = line.common();
  auto words = std::make_shared<std::pair<std::string, std::string>>();
  auto* command =
      line.add({"port", "Which ports of the machine lead into a container", "  mete port web\n  mete port web 80/tcp"},
               [&common, words] { return port(common, words->first, words->second); });
  command->add_option("container", words->first, "Its name or id")->type_name(kPod)->required();
  command->add_option("port", words->second, "PORT[/PROTOCOL]: this one alone")->type_name("PORT");
}

}  // namespace mete::agent::cli
