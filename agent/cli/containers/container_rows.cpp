// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/containers/container_rows.h"

#include <algorithm>
#include <chrono>
#include <ctime>

#include "agent/cli/output/docker_text.h"
#include "runtime/shim/log_writer.h"

namespace mete::agent::cli {
namespace {

using Json = nlohmann::ordered_json;
using WallClock = std::chrono::system_clock;

std::string text_of(const Json& value, const char* key) {
  const auto found = value.find(key);
  return found != value.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// As Go writes a time by default.
std::string go_time(WallClock::time_point at) {
  const std::string text = runtime::shim::format_time(at.time_since_epoch()).data();
  return text.substr(0, 10) + " " + text.substr(11, 8) + " +0000 UTC";
}

std::string shortened(const std::string& text, std::size_t longest) {
  constexpr const char* kDots = "\u2026";
  return text.size() <= longest ? text : text.substr(0, longest - 1) + kDots;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& each : words) text += (text.empty() ? "" : ",") + each;
  return text;
}

void take_labels(const Json& labels, Json& shown) {
  std::vector<std::string> words;
  shown["Label"] = Json::object();  // {{.Label "app"}}
  if (labels.is_object()) {
    shown["Label"] = labels;
    for (const auto& [name, value] : labels.items())
      words.push_back(name + "=" + (value.is_string() ? value.get<std::string>() : value.dump()));
  }
  shown["Labels"] = joined(words);
}

std::string image_text(const std::string& image, bool whole) {
  constexpr std::string_view kSha = "sha256:";
  return !whole && image.starts_with(kSha) ? image.substr(kSha.size(), 12) : image;
}

// "2026-01-02T03:04:05..." in UTC
WallClock::time_point time_of(const std::string& text) {
  std::tm parts{};
  if (::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr) return {};
  return WallClock::from_time_t(::timegm(&parts));
}

std::string elapsed_text(const std::string& time) {
  return docker_duration(std::chrono::duration_cast<std::chrono::seconds>(WallClock::now() - time_of(time)));
}

std::string container_status(const Json& container) {
  const std::string state = text_of(container, "state");
  if (state == "running") return "Up " + elapsed_text(text_of(container, "startedAt"));
  if (!container.contains("last")) return "Created";
  const Json& last = container["last"];
  const std::string code = last.contains("exitCode") ? last["exitCode"].dump() : "0";
  const std::string how = state == "waiting" ? "Restarting (" : "Exited (";
  return how + code + ") " + elapsed_text(text_of(last, "finishedAt")) + " ago";
}

}  // namespace

std::string ports_text(const Json& ports) {
  std::string text;
  if (!ports.is_array()) return text;
  for (const Json& each : ports) {
    const std::string inside = each["PrivatePort"].dump() + "/" + text_of(each, "Type");
    std::string address = text_of(each, "IP");
    if (address.find(':') != std::string::npos) address = "[" + address + "]";
    const std::string outside = each.contains("PublicPort") ? address + ":" + each["PublicPort"].dump() + "->" : "";
    text += (text.empty() ? "" : ", ") + outside + inside;
  }
  return text;
}

Json docker_row(const Json& row, const ContainerRowStyle& style) {
  Json shown = Json::object();
  const std::string id = text_of(row, "Id");
  constexpr std::size_t kShort = 12;
  constexpr std::size_t kCommand = 20;
  shown["ID"] = style.whole_ids ? id : id.substr(0, kShort);
  shown["Image"] = image_text(text_of(row, "Image"), style.whole_ids);
  const std::string command = text_of(row, "Command");
  shown["Command"] = "\"" + (style.whole_ids ? command : shortened(command, kCommand)) + "\"";
  const WallClock::time_point created(std::chrono::seconds(row.value("Created", std::int64_t{0})));
  shown["CreatedAt"] = go_time(created);
  shown["RunningFor"] = docker_since(created);
  shown["Status"] = text_of(row, "Status");
  shown["State"] = text_of(row, "State");
  shown["Ports"] = ports_text(row.value("Ports", Json()));
  std::vector<std::string> names;
  for (const Json& each : row.value("Names", Json::array())) names.push_back(each.get<std::string>().substr(1));
  shown["Names"] = joined(names);
  take_labels(row.value("Labels", Json()), shown);
  std::vector<std::string> mounts;
  int volumes = 0;
  for (const Json& each : row.value("Mounts", Json::array())) {
    volumes += text_of(each, "Type") == "volume" ? 1 : 0;
    mounts.push_back(each.contains("Name") ? text_of(each, "Name") : text_of(each, "Source"));
  }
  shown["Mounts"] = joined(mounts);
  shown["LocalVolumes"] = std::to_string(volumes);
  std::vector<std::string> networks;
  if (row.contains("NetworkSettings") && row["NetworkSettings"].contains("Networks")) {
    for (const auto& [name, network] : row["NetworkSettings"]["Networks"].items()) networks.push_back(name);
  }
  shown["Networks"] = joined(networks);
  shown["Size"] = docker_size(row.value("SizeRw", std::int64_t{0})) + " (virtual " +
                  docker_size(row.value("SizeRootFs", std::int64_t{0})) + ")";
  return shown;
}

std::vector<Json> pod_rows(const Json& pod, const ContainerRowStyle& style) {
  std::vector<Json> rows;
  const std::string key = text_of(pod, "namespace") + "/" + text_of(pod, "name");
  std::string ports;
  if (pod.contains("network")) {
    for (const Json& each : pod["network"].value("ports", Json::array())) {
      const std::string host = text_of(each, "host");
      const auto slash = std::min(host.find('/'), host.size());
      ports += (ports.empty() ? "" : ", ") + host.substr(0, slash) + "->" + each["containerPort"].dump() +
               host.substr(slash);
    }
  }
  for (const Json& container : pod["containers"]) {
    if (container.value("init", false) && !container.value("sidecar", false)) continue;
    const auto created = time_of(text_of(pod, "createdAt"));
    Json shown = Json::object();
    shown["ID"] = key;
    shown["Image"] = image_text(text_of(container, "image"), style.whole_ids);
    shown["Command"] = "\"\"";
    shown["CreatedAt"] = go_time(created);
    shown["RunningFor"] = docker_since(created);
    shown["Status"] = container_status(container);
    const std::string state = text_of(container, "state");
    shown["State"] = state == "waiting" ? (container.contains("last") ? "restarting" : "created") : state;
    shown["Ports"] = ports;
    shown["Names"] = key + "/" + text_of(container, "name");
    take_labels(pod.value("labels", Json()), shown);
    shown["Mounts"] = "";
    shown["LocalVolumes"] = "0";
    shown["Networks"] = pod.contains("network") ? text_of(pod["network"], "name") : "";
    shown["Size"] = "0B (virtual 0B)";
    rows.push_back(std::move(shown));
  }
  return rows;
}

std::vector<Column> container_columns(const ContainerRowStyle& style) {
  return {{"ID", "CONTAINER ID"},
          {"Image", "IMAGE"},
          {"Command", "COMMAND"},
          {"RunningFor", "CREATED"},
          {"Status", "STATUS"},
          {"Ports", "PORTS"},
          {"Names", "NAMES"},
          {"Size", "SIZE", style.sizes},
          {"CreatedAt", "CREATED AT", false},
          {"State", "STATE", false},
          {"Labels", "LABELS", false},
          {"Label", "LABEL", false},
          {"Mounts", "MOUNTS", false},
          {"LocalVolumes", "LOCAL VOLUMES", false},
          {"Networks", "NETWORKS", false}};
}

}  // namespace mete::agent::cli
