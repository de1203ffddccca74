// SPDX-License-Identifier: Apache-2.0
// `mete describe pod`: kubectl's page of what is known of a pod.
#include <cstdio>
#include <memory>

#include "agent/cli/containers/subject.h"
#include "agent/cli/objects/kinds.h"
#include "agent/cli/objects/pod_object.h"
#include "agent/cli/objects/pod_word.h"
#include "agent/cli/output/output.h"
#include "agent/cli/output/table.h"

namespace mete::agent::cli {
namespace {

struct DescribeOptions {
  std::vector<std::string> words;
  std::string space;
};

// Of kubectl's first column, at the page's edge and inside of a list.
constexpr std::size_t kPageWidth = 18;
constexpr std::size_t kInnerWidth = 20;

std::string plain(const Json& value) {
  return printable(value.is_string() ? value.get<std::string>() : value.dump());
}

void put(std::string& out, std::size_t indent, const std::string& name, const std::string& text) {
  std::string head = std::string(indent, ' ') + name + ":";
  head.resize(std::max(head.size() + 1, indent == 0 ? kPageWidth : kInnerWidth), ' ');
  out += head + text + "\n";
}

void put_map(std::string& out, const std::string& name, const Json& map) {
  std::string head = name;
  for (const auto& [key, value] : map.items()) {
    put(out, 0, head, "");
    out.pop_back();
    if (head.empty()) out.replace(out.rfind(':'), 1, " ");
    out += printable(key) + "=" + plain(value) + "\n";
    head.clear();
  }
  if (map.empty()) put(out, 0, name, "<none>");
}

void put_state(std::string& out, const std::string& name, const Json& state) {
  for (const auto& [word, facts] : state.items()) {
    std::string title = word;
    title.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(title.front())));
    put(out, 4, name, title);
    constexpr std::pair<const char*, const char*> kFacts[] = {{"reason", "Reason"},      {"message", "Message"},
                                                              {"exitCode", "Exit Code"}, {"signal", "Signal"},
                                                              {"startedAt", "Started"},  {"finishedAt", "Finished"}};
    for (const auto& [key, heading] : kFacts) {
      if (facts.contains(key) && facts[key] != "") put(out, 6, heading, plain(facts[key]));
    }
  }
}

void put_amounts(std::string& out, const std::string& name, const Json& resources, const char* key) {
  if (!resources.contains(key) || resources[key].empty()) return;
  put(out, 4, name, "");
  for (const auto& [resource, amount] : resources[key].items()) put(out, 6, printable(resource), plain(amount));
}

// `own`: as mete's API has it, `status` the same as Kubernetes has it.
void put_container(std::string& out, const Json& own, const Json& status) {
  out += "  " + plain(own["name"]) + ":\n";
  put(out, 4, "Image", printable(own.value("image", std::string())));
  put_state(out, "State", status["state"]);
  if (status.contains("lastState")) put_state(out, "Last State", status["lastState"]);
  put(out, 4, "Ready", status["ready"].get<bool>() ? "True" : "False");
  put(out, 4, "Restart Count", status["restartCount"].dump());
  if (own.contains("resources")) {
    put_amounts(out, "Limits", own["resources"], "limits");
    put_amounts(out, "Requests", own["resources"], "requests");
  }
  std::string devices;
  for (const auto& each : own.value("devices", Json::array())) devices += (devices.empty() ? "" : ", ") + plain(each);
  if (!devices.empty()) put(out, 4, "Devices", devices);
  if (own.contains("pid")) put(out, 4, "Process", own["pid"].dump());
  put(out, 4, "Log", printable(own.value("log", std::string())));
}

void put_containers(std::string& out, const Json& pod, const Json& status, bool init) {
  const char* const list = init ? "initContainerStatuses" : "containerStatuses";
  if (!status.contains(list) || status[list].empty()) return;
  out += init ? "Init Containers:\n" : "Containers:\n";
  std::size_t at = 0;
  for (const auto& each : pod["containers"]) {
    if (each.value("init", false) == init) put_container(out, each, status[list][at++]);
  }
}

std::string indented(const std::string& lines) {
  std::string out;
  for (std::size_t start = 0; start < lines.size();) {
    const auto end = lines.find('\n', start);
    out += "  " + lines.substr(start, end - start) + "\n";
    start = end + 1;
  }
  return out;
}

std::string events_of(const Common& common, const std::string& key) {
  Table table({"Type", "Reason", "Age", "From", "Message"});
  table.add({"----", "------", "----", "----", "-------"});
  bool any = false;
  const auto see = [&](std::string_view line) {
    const Json event = Json::parse(line, nullptr, false);
    if (event.is_discarded() || event.value("pod", std::string()) != key) return true;
    table.add({plain(event["type"]), plain(event["reason"]), age_text(event["time"].get<std::string>()), "mete",
               plain(event["message"])});
    any = true;
    return true;
  };
  (void)Client(common.socket).follow("/mete/v1/events", see);
  if (!any) return "Events:           <none>\n";
  return "Events:\n" + indented(table.text());
}

// `pod`: as mete's API has it, `status` the same as Kubernetes has it.
std::string describe_text(const Json& pod, const Json& status) {
  std::string out;
  put(out, 0, "Name", plain(pod["name"]));
  put(out, 0, "Namespace", plain(pod["namespace"]));
  put(out, 0, "Start Time", plain(pod["createdAt"]));
  put_map(out, "Labels", pod.value("labels", Json::object()));
  put(out, 0, "Status", plain(pod["phase"]));
  for (const auto& [key, name] : {std::pair("reason", "Reason"), std::pair("message", "Message")}) {
    if (pod.contains(key)) put(out, 0, name, plain(pod[key]));
  }
  if (status.contains("podIP")) put(out, 0, "IP", plain(status["podIP"]));
  if (const auto source = pod.value("source", std::string()); !source.empty()) put(out, 0, "Source", printable(source));
  if (pod.contains("policy")) put(out, 0, "Policy", plain(pod["policy"]));
  put_containers(out, pod, status, true);
  put_containers(out, pod, status, false);
  out += "Conditions:\n";
  Table conditions({"Type", "Status"});
  for (const auto& each : status["conditions"]) conditions.add({plain(each["type"]), plain(each["status"])});
  out += indented(conditions.text());
  if (pod.contains("qosClass")) put(out, 0, "QoS Class", plain(pod["qosClass"]));
  return out;
}

int describe(const Common& common, const DescribeOptions& options) {
  auto words = options.words;
  if (const KindName* const kind = kind_named(words.front()); words.size() > 1 && kind != nullptr) {
    if (kind->kind != "Pod")
      return complain("describe: found the kind " + words.front() + ", expected pod; `mete get " + words.front() +
                          " NAME -o yaml` shows all of an object",
                      kUsage);
    words.erase(words.begin());
  }
  for (auto& word : words) {
    auto read = pod_word(word, options.space);
    if (!read) return complain("describe: " + read.error().what, kUsage);
    word = std::move(*read);
  }
  int worst = kDone;
  for (auto& word : words) {
    const Subject subject = find_subject(common, word);
    worst = std::max(worst, subject.code);
    if (subject.code != kDone) continue;
    const auto object = fetch_pod_object(common, key_of(subject));
    if (object.code != kDone ||
        object.value.is_null()) {  // a container without a pod, or gone between the two questions
      worst = std::max(worst, object.code != kDone ? object.code : complain(word + ": found no pod of it", kNotFound));
      continue;
    }
    if (&word != &words.front()) print("\n\n");
    print(describe_text(subject.pod, object.value["status"]) + events_of(common, key_of(subject)));
  }
  return worst;
}

}  // namespace

void add_describe(CommandLine& line) {
  auto options = std::make_shared<DescribeOptions>();
  const Common& common = line.common();
  auto* command = line.add(
      {"describe", "What is known of a pod, and what happened to it", "  mete describe pod web\n  mete describe web"},
      [&common, options] { return describe(common, *options); });
  command->add_option("pods", options->words, "pod NAME, or NAMESPACE/NAME")->type_name(kPod)->required();
  command->add_option("-n,--namespace", options->space, kPodNamespace)->type_name("NAMESPACE");
}

}  // namespace mete::agent::cli
