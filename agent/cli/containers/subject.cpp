// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/containers/subject.h"

#include <algorithm>

#include "agent/http/http_url.h"

namespace mete::agent::cli {
namespace {

std::string text_at(const Json& value, const char* key) {
  return value.is_object() && value.contains(key) && value[key].is_string() ? value[key].get<std::string>() : "";
}

// The container's id of a pod that was made for docker's clients; empty: the pod is a manifest's or a workload's.
std::string container_id_of(const Json& pod) {
  if (!pod.contains("workload") || text_at(pod["workload"], "kind") != "Docker") return {};
  return text_at(pod["workload"], "uid");
}

}  // namespace

Subject look_for_subject(const Common& common, const std::string& word, std::string& problem) {
  Subject subject;
  subject.word = word;
  subject.path = "/mete/v1/pods/" + pod_key(word);
  const auto answer = Client(common.socket).request("GET", subject.path);
  if (!answer) {
    problem = answer.error().what;
    subject.code = kNoAgent;
    return subject;
  }
  Json value = Json::parse(answer->body, nullptr, false);
  if (answer->status == 200 && value.is_object()) {
    const std::string id = container_id_of(value);
    subject.is_pod = id.empty();
    if (!id.empty()) subject.path = "/containers/" + id;
    subject.pod = std::move(value);
    return subject;
  }
  subject.code = kNotFound;
  problem = value.is_object() ? text_at(value, "error") : "the agent answered " + std::to_string(answer->status);
  if (word.empty() || word.find('/') != std::string::npos) return subject;
  const auto container = docker_client(common).request("GET", "/containers/" + url_encode(word) + "/json");
  if (!container || container->status != 200) return subject;
  subject.path = "/containers/" + text_at(Json::parse(container->body, nullptr, false), "Id");
  subject.code = kDone;
  return subject;
}

Subject find_subject(const Common& common, const std::string& word) {
  std::string problem;
  Subject subject = look_for_subject(common, word, problem);
  if (subject.code != kDone) complain(problem);
  return subject;
}

std::string key_of(const Subject& subject) {
  if (!subject.pod.is_object()) return pod_key(subject.word);
  return text_at(subject.pod, "namespace") + "/" + text_at(subject.pod, "name");
}

DockerClient docker_client(const Common& common) {
  return DockerClient(common.settings.docker_socket());
}

int ask_docker(const Common& common, const std::string& method, const std::string& target, const std::string& body) {
  const auto answer = docker_client(common).request(method, target, body);
  if (!answer) return complain(answer.error().what, kNoAgent);
  if (answer->status >= 400) return complain(message_of(*answer), answer->status == 404 ? kNotFound : kFailed);
  return kDone;
}

Fetched fetch_docker(const Common& common, const std::string& target, const std::string& method) {
  const auto answer = docker_client(common).request(method, target);
  if (!answer) return {complain(answer.error().what, kNoAgent), 0, {}};
  if (answer->status >= 400)
    return {complain(message_of(*answer), answer->status == 404 ? kNotFound : kFailed), answer->status, {}};
  Fetched fetched{kDone, answer->status, Json::parse(answer->body, nullptr, false)};
  if (fetched.value.is_discarded()) fetched.code = complain("the agent's answer is no JSON; is it of another version?");
  return fetched;
}

int for_each_subject(const Common& common, const std::vector<std::string>& words, const Act& act) {
  int worst = kDone;
  for (const auto& word : words) {
    const Subject subject = find_subject(common, word);
    const int code = subject.code == kDone ? act(subject) : subject.code;
    if (code == kDone) print(word + "\n");
    worst = std::max(worst, code);
  }
  return worst;
}

int refuse_pod(const Subject& subject, const std::string& verb, const std::string& why) {
  return complain(verb + ": found the pod " + key_of(subject) + ", expected a container of `mete run`: " + why);
}

Result<std::string> filters_query(const std::vector<std::string>& filters) {
  Json all = Json::object();
  for (const auto& each : filters) {
    const auto equal = each.find('=');
    if (equal == std::string::npos || equal == 0) return fail("--filter: found \"" + each + "\", expected NAME=VALUE");
    all[each.substr(0, equal)].push_back(each.substr(equal + 1));
  }
  return all.empty() ? std::string()
                     : "filters=" + url_encode(all.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace mete::agent::cli
