// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/output/output.h"
#include "agent/cli/output/table.h"
#include "agent/http/http_url.h"
#include "config/reading/schema/field_help.h"

namespace mete::agent::cli {
namespace {

std::string fact_of(const Json& value, const char* key) {
  return value.contains(key) ? printable(value[key].get<std::string>()) : std::string();
}

// Shows an unlimited value ("-1" and the largest number of v1, "max" of v2) as none.
std::string shown(const std::string& value) {
  const bool none = value == "-1" || value == "max" || value.starts_with("max ") || value.starts_with("92233720368547");
  return none ? "none" : printable(value);
}

std::string settings_text(const Json& settings) {
  Table table({"  FILE", "HOLDS", "FROM"});
  for (const auto& each : settings) {
    const std::string expected = each["expected"].get<std::string>();
    std::string holds = each.contains("found") ? shown(each["found"].get<std::string>()) : "?";
    if (each.contains("error")) holds += " (" + fact_of(each, "error") + ")";
    if (each.contains("found") && each["found"] != each["expected"]) holds += " (expected " + shown(expected) + ")";
    table.add({"  " + fact_of(each, "file"), holds, fact_of(each, "from")});
  }
  return table.text();
}

std::string above_text(const Json& above) {
  std::string text;
  for (const auto& each : above) {
    text += "  above it: " + fact_of(each, "cgroup");
    if (each.contains("memoryBytes")) text += ", memory " + bytes_text(each["memoryBytes"].get<std::int64_t>());
    if (each.contains("cpuQuota")) text += ", CPU quota " + fact_of(each, "cpuQuota") + " us";
    if (each.contains("pids")) text += ", pids " + fact_of(each, "pids");
    text += "\n";
  }
  return text;
}

std::string felt_text(const Json& value, const Json& machine) {
  std::string text = above_text(value["above"]);
  if (value.contains("effectiveMemory")) {
    return text +
           "  the memory limit that is felt: " + bytes_text(value["effectiveMemory"]["bytes"].get<std::int64_t>()) +
           " by " + fact_of(value["effectiveMemory"], "of") + "\n";
  }
  return text + "  the memory limit that is felt: the machine's " +
         bytes_text(machine["memoryBytes"].get<std::int64_t>()) + "\n";
}

std::string policy_text(const Json& value) {
  if (!value.contains("policy")) return "No policy selects it\n";
  const auto& policy = value["policy"];
  return "Policy " + fact_of(policy, "name") + " (" + fact_of(policy, "at") + ")" +
         (policy["dryRun"].get<bool>() ? ", dry run: it only tells\n" : "\n");
}

std::string events_text(const Json& value) {
  Table events({"AGE", "REASON", "CONTAINER", "MESSAGE"});
  for (const auto& event : value["events"]) {
    events.add({age_text(event["time"].get<std::string>()), fact_of(event, "reason"), fact_of(event, "container"),
                fact_of(event, "message")});
  }
  return "\nLately\n" + events.text();
}

// A cgroup that others made: what mete has written there, and what it was.
int explain_cgroup(const Common& common, const std::string& path) {
  const auto fetched = fetch(common, "GET", "/mete/v1/explain?cgroup=" + url_encode(path));
  if (fetched.code != kDone) return fetched.code;
  if (print_structured(common, fetched.value)) return kDone;
  const auto& value = fetched.value;
  std::string text = "Cgroup " + fact_of(value, "cgroup") + "\n" + policy_text(value);
  Table table({"  FILE", "HOLDS", "BEFORE"});
  for (const auto& each : value["settings"]) {
    table.add({"  " + fact_of(each, "file"),
               each.contains("found") ? shown(each["found"].get<std::string>()) : "? (" + fact_of(each, "error") + ")",
               shown(each["before"].get<std::string>())});
  }
  if (!value["settings"].empty()) text += table.text();
  print(text + felt_text(value, value["machine"]) + events_text(value));
  return kDone;
}

std::string container_text(const Json& container, const Json& machine) {
  std::string text = "\nContainer " + fact_of(container, "name") + ", " + fact_of(container, "state");
  if (!container.contains("settings")) return text + ": it has no cgroup now\n";
  text += ", cgroup " + fact_of(container, "cgroup") + "\n" + settings_text(container["settings"]) +
          felt_text(container, machine);
  if (container.contains("cpus")) text += "  CPUs: " + fact_of(container, "cpus") + "\n";
  return text;
}

int explain_field(const std::string& path) {
  const auto help = config::field_help(path);
  if (!help) return complain(help.error().what, kNotFound);
  print(*help);
  return kDone;
}

int explain(const Common& common, const std::string& pod) {
  if (config::names_field(pod)) return explain_field(pod);
  if (pod.starts_with('/')) return explain_cgroup(common, pod);
  const auto fetched = fetch(common, "GET", "/mete/v1/pods/" + pod_key(pod) + "/explain");
  if (fetched.code != kDone) return fetched.code;
  if (print_structured(common, fetched.value)) return kDone;
  const auto& value = fetched.value;
  const std::string source = fact_of(value, "source");  // none of a container of `mete run`
  std::string text = "Pod " + fact_of(value, "pod") + ", " + fact_of(value, "qosClass") +
                     (source.empty() ? "" : ", from " + source) + "\n";
  text += policy_text(value);
  if (value.contains("resize")) text += "A change of its resources waits: " + fact_of(value, "resize") + "\n";
  if (value.contains("settings"))
    text += "\nThe pod's own cgroup " + fact_of(value, "cgroup") + "\n" + settings_text(value["settings"]);
  for (const auto& container : value["containers"]) text += container_text(container, value["machine"]);
  print(text + events_text(value));
  return kDone;
}

}  // namespace

void add_explain(CommandLine& line) {
  auto what = std::make_shared<std::string>();
  const Common& common = line.common();
  auto* command = line.add({"explain", "Show the limits of a pod and where each comes from, or what a field means",
                            "  mete explain web\n  mete explain web -o json\n  mete explain /docker/0123abcd\n"
                            "  mete explain pod.spec.containers.resources\n  mete explain deploy.spec.strategy"},
                           [&common, what] { return explain(common, *what); });
  command
      ->add_option("pod", *what,
                   std::string(kPodName) + " of a pod, the path of a cgroup that others made, or a field (pod.spec)")
      ->type_name(kPod)
      ->required();
  line.add_output(command);
}

}  // namespace mete::agent::cli
