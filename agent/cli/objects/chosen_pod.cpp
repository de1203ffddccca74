// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/objects/chosen_pod.h"

#include <chrono>
#include <cstdio>
#include <thread>

#include "agent/cli/objects/objects.h"
#include "agent/cli/objects/pod_choice.h"
#include "agent/cli/objects/pod_word.h"
#include "agent/http/http_url.h"

namespace mete::agent::cli {
namespace {

std::string objects_path(const KindName& kind, const std::string& space, const std::string& name) {
  return "/mete/v1/objects/" + std::string(kind.plural) + "?namespace=" + url_encode(space) +
         (name.empty() ? "" : "&name=" + url_encode(name));
}

ChosenPod choose_of(const Common& common, const ObjectWord& of, const std::string& space, PodUse use) {
  constexpr auto kLook = std::chrono::milliseconds(100);
  const auto end =
      std::chrono::steady_clock::now() + (use == PodUse::kLogs ? std::chrono::seconds(20) : std::chrono::seconds(60));
  const auto found = fetch(common, "GET", objects_path(*of.kind, space, of.name));
  if (found.code != kDone) return {found.code, {}};
  const auto& objects = found.value["items"];
  if (objects.empty())
    return {complain(std::string(of.kind->plural) + std::string(of.kind->group) + " \"" + of.name + "\" not found",
                     kNotFound),
            {}};
  const std::string selector = pod_selector_of(objects.front());
  if (selector.empty())
    return {complain("found " + std::string(of.kind->singular) + "/" + of.name +
                     ", expected a pod, or what selects pods by labels"),
            {}};
  while (true) {
    const auto fetched = fetch(common, "GET", objects_path(*kind_named("pods"), space, ""));
    if (fetched.code != kDone) return {fetched.code, {}};
    std::vector<Json> pods;
    for (const auto& item : fetched.value["items"]) {
      if (selected(item, selector).value_or(false)) pods.push_back(item);
    }
    if (const Json* const best = best_pod(pods, use); best != nullptr) {
      const std::string name = text_at(*best, {"metadata", "name"});
      if (use == PodUse::kLogs && pods.size() > 1)
        std::fprintf(stderr, "Found %zu pods, using pod/%s\n", pods.size(), name.c_str());
      return {kDone, space + "/" + name};
    }
    if (std::chrono::steady_clock::now() >= end)
      return {complain("timed out waiting for the condition: there is no pod of " + std::string(of.kind->singular) +
                       "/" + of.name),
              {}};
    std::this_thread::sleep_for(kLook);
  }
}

}  // namespace

ChosenPod choose_pod(const Common& common, const std::string& word, const std::string& space, PodUse use) {
  const auto slash = word.find('/');
  const KindName* const kind = slash == std::string::npos ? nullptr : kind_named(word.substr(0, slash));
  if (kind != nullptr && kind->kind != "Pod" && slash + 1 < word.size())
    return choose_of(common, {kind, word.substr(slash + 1)}, space.empty() ? "default" : space, use);
  auto pod = pod_word(word, space);
  if (!pod) return {complain(pod.error().what, kUsage), {}};
  return {kDone, std::move(*pod)};
}

}  // namespace mete::agent::cli
