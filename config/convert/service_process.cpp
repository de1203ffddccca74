// SPDX-License-Identifier: Apache-2.0
// What runs, as whom, with which rights and variables.
#include <algorithm>
#include <charconv>

#include "config/convert/docker_amounts.h"
#include "config/convert/service.h"
#include "config/resolve/expand.h"

namespace mete::config {
namespace {

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

class Environment {
 public:
  explicit Environment(const ConvertSources& sources) : sources_(sources) {}

  // A later one replaces an earlier one, in its place.
  void set(const std::string& name, const std::optional<std::string>& value, const View& at) {
    const auto known = value ? value : sources_.variable(name);
    if (!known) return leave_out(at, "`" + name + "` is not set here, where its value would come from");
    const auto same = std::find_if(all_.begin(), all_.end(), [&](const auto& each) { return each.first == name; });
    if (same != all_.end()) {
      same->second = *known;
    } else {
      all_.emplace_back(name, *known);
    }
  }

  void add_file(const View& item) {
    const View path = item.node().kind == YamlNode::Kind::kMap ? item["path"] : item;
    const auto text = sources_.read(path.text());
    if (!text) {
      if (item["required"].boolean(true)) path.error({"cannot be read: " + text.error().what, path.text()});
      return;
    }
    for (const auto& [name, value] : env_file_lines(*text)) set(name, value, path);
  }

  [[nodiscard]] Value list() const {
    Value env;
    for (const auto& [name, value] : all_) {
      Value each;
      each["name"] = name;
      each["value"] = escaped(value);
      env.push(std::move(each));
    }
    return env;
  }

 private:
  const ConvertSources& sources_;
  std::vector<std::pair<std::string, std::string>> all_;
};

void add_user(const View& service, Value& security, Value& spec) {
  const View user = service["user"];
  if (user) {
    const std::string text = user.text();
    const auto colon = text.find(':');
    const auto uid = number_of(text.substr(0, colon));
    const auto gid = colon == std::string::npos ? std::nullopt : number_of(text.substr(colon + 1));
    if (!uid || (colon != std::string::npos && !gid)) leave_out(user, "Kubernetes knows users and groups by number");
    if (uid) security["runAsUser"] = *uid;
    if (gid) security["runAsGroup"] = *gid;
  }
  for (const auto& group : service["group_add"].items()) {
    const auto gid = number_of(group.text());
    if (gid) spec["securityContext"]["supplementalGroups"].push(*gid);
    if (!gid) leave_out(group, "Kubernetes knows groups by number");
  }
}

void add_security_options(const View& options, Value& security) {
  for (const auto& option : options.items()) {
    const std::string text = option.text();
    if (text == "no-new-privileges" || text == "no-new-privileges:true" || text == "no-new-privileges=true") {
      security["allowPrivilegeEscalation"] = false;
    } else if (text == "seccomp:unconfined" || text == "seccomp=unconfined") {
      security["seccompProfile"]["type"] = "Unconfined";
    } else if (text == "apparmor:unconfined" || text == "apparmor=unconfined") {
      security["appArmorProfile"]["type"] = "Unconfined";
    } else {
      leave_out(option, "no-new-privileges, seccomp=unconfined and apparmor=unconfined have one");
    }
  }
}

void add_rights(const View& service, Value& spec, Value& security) {
  add_user(service, security, spec);
  if (service["privileged"].boolean()) security["privileged"] = true;
  if (service["read_only"].boolean()) security["readOnlyRootFilesystem"] = true;
  for (const auto& [key, field] : {std::pair{"cap_add", "add"}, std::pair{"cap_drop", "drop"}}) {
    for (const auto& name : service[key].items()) security["capabilities"][field].push(name.text());
  }
  add_security_options(service["security_opt"], security);
  for (const auto& pair : pairs_of(service["sysctls"])) {
    Value sysctl;
    sysctl["name"] = pair.key;
    sysctl["value"] = pair.value.value_or("");
    spec["securityContext"]["sysctls"].push(std::move(sysctl));
  }
}

void add_end(const View& service, Value& spec, Value& container) {
  if (const View signal = service["stop_signal"]) container["lifecycle"]["stopSignal"] = signal.text();
  if (const View grace = service["stop_grace_period"]) {
    const auto seconds = seconds_from_docker(grace.text());
    if (seconds) spec["terminationGracePeriodSeconds"] = *seconds;
    if (!seconds) grace.error(mismatch(describe(grace.node()), "a duration such as 1m30s"));
  }
}

// Without an entrypoint docker runs the command alone. A Pod without `command` has the image's entrypoint.
void add_command(const View& service, Value& container) {
  const View entrypoint = service["entrypoint"];
  Value command = command_of(entrypoint);
  Value args = command_of(service["command"]);
  if (entrypoint && command.empty()) {
    if (args.empty()) return leave_out(entrypoint, "a Pod with no entrypoint needs a command");
    container["command"] = std::move(args);
    return;
  }
  container["command"] = std::move(command);
  container["args"] = std::move(args);
}

void add_pull_policy(const View& policy, Value& container) {
  const std::string text = policy.text();
  if (text == "always") {
    container["imagePullPolicy"] = "Always";
  } else if (text == "never") {
    container["imagePullPolicy"] = "Never";
  } else if (policy && text != "missing" && text != "if_not_present") {
    leave_out(policy, "always, missing and never have one");
  }
}

}  // namespace

void add_process(const View& service, const ConvertSources& sources, Value& pod, Value& container) {
  Value& spec = pod["spec"];
  add_pull_policy(service["pull_policy"], container);
  add_command(service, container);
  if (const View directory = service["working_dir"]) container["workingDir"] = directory.text();
  Environment environment(sources);
  for (const auto& file : one_or_more(service["env_file"])) environment.add_file(file);
  for (const auto& pair : pairs_of(service["environment"])) environment.set(pair.key, pair.value, pair.at);
  container["env"] = environment.list();
  if (service["stdin_open"].boolean()) container["stdin"] = true;
  if (service["tty"].boolean()) container["tty"] = true;
  if (service["init"].boolean()) pod["metadata"]["annotations"]["mete/init"] = "true";
  Value security;
  add_rights(service, spec, security);
  container["securityContext"] = std::move(security);
  add_end(service, spec, container);
}

}  // namespace mete::config
