// SPDX-License-Identifier: Apache-2.0
// `mete wait`: until an object is as it should be, in kubectl's words.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "agent/cli/containers/container_verbs.h"
#include "agent/cli/containers/subject.h"
#include "agent/cli/objects/objects.h"
#include "agent/cli/objects/pod_object.h"
#include "agent/cli/objects/pod_word.h"
#include "agent/cli/objects/wish.h"
#include "agent/cli/output/output.h"
#include "agent/http/http_url.h"
#include "config/values/quantity.h"

namespace mete::agent::cli {
namespace {

struct WaitOptions {
  std::vector<std::string> words;
  std::string space;
  std::string condition;
  std::string selector;
  bool all = false;
  std::string timeout = "30s";
};

// Whom is waited for.
struct Awaited {
  const KindName* kind = nullptr;
  std::string space;
  std::string name;
  std::string word = {};  // of a pod or a container as docker's clients name it; empty: by namespace and name

  [[nodiscard]] std::string shown() const { return full_object_name(*kind, name); }
};

Fetched fetch_objects(const Common& common, const KindName& kind, const std::string& space, const std::string& name) {
  return fetch(common, "GET",
               "/mete/v1/objects/" + std::string(kind.plural) + "?namespace=" + url_encode(space) +
                   (name.empty() ? "" : "&name=" + url_encode(name)));
}

// `value`: null where there is no such object.
Fetched look_at(const Common& common, const Awaited& whom) {
  if (!whom.word.empty()) {
    std::string problem;
    Subject subject = look_for_subject(common, whom.word, problem);
    subject.word = whom.word;
    return fetch_pod_object(common, key_of(subject));
  }
  auto fetched = fetch_objects(common, *whom.kind, whom.space, whom.name);
  if (fetched.code != kDone) return fetched;
  const auto& items = fetched.value["items"];
  fetched.value = items.empty() ? Json() : Json(items.front());
  return fetched;
}

int wait_for(const Common& common, const Awaited& whom, const Wish& wish, std::chrono::steady_clock::time_point end) {
  constexpr auto kLook = std::chrono::milliseconds(100);
  const bool may_lack = wish.kind == Wish::Kind::kDelete || wish.kind == Wish::Kind::kCreate;
  while (true) {
    const auto now = look_at(common, whom);
    if (now.code != kDone) return now.code;
    if (now.value.is_null() && !may_lack)
      return complain(
          std::string(whom.kind->plural) + std::string(whom.kind->group) + " \"" + whom.name + "\" not found",
          kNotFound);
    if (is_granted(wish, now.value)) {
      print(whom.shown() + " condition met\n");
      return kDone;
    }
    if (std::chrono::steady_clock::now() >= end) {
      std::fprintf(stderr, "error: timed out waiting for the condition on %s/%s\n",
                   std::string(whom.kind->plural).c_str(), whom.name.c_str());
      return kFailed;
    }
    std::this_thread::sleep_for(kLook);
  }
}

Awaited pod_named(std::string word) {
  return {.kind = kind_named("pod"), .space = {}, .name = word, .word = word};
}

// A word with the name of another kind before its '/'.
bool is_of_kind(const std::string& word) {
  const auto slash = word.find('/');
  const KindName* const kind = slash == std::string::npos ? nullptr : kind_named(word.substr(0, slash));
  return kind != nullptr && kind->kind != "Pod";
}

// "web", "shop/web", "pod/web", "job/x", "job x y", and where `by_labels` "pods" or "jobs,deploy".
Result<std::vector<Awaited>> read_awaited(const WaitOptions& options, bool by_labels) {
  const std::string space = options.space.empty() ? "default" : options.space;
  std::vector<Awaited> all;
  const bool kind_first = !options.words.empty() && options.words.front().find('/') == std::string::npos &&
                          (options.words.size() > 1 || by_labels) && kind_named(options.words.front()) != nullptr;
  if (kind_first || by_labels) {
    METE_TRY(const auto words, read_words(options.words));
    for (const auto& word : words) all.push_back({.kind = word.kind, .space = space, .name = word.name});
    return all;
  }
  for (const auto& word : options.words) {
    if (is_of_kind(word)) {
      METE_TRY(const auto words, read_words({word}));
      if (words.front().name.empty()) return fail("found \"" + word + "\", expected KIND/NAME");
      all.push_back({.kind = words.front().kind, .space = space, .name = words.front().name});
      continue;
    }
    METE_TRY(std::string pod, pod_word(word, options.space));
    all.push_back(pod_named(std::move(pod)));
  }
  return all;
}

// Those of the kinds that are there now, as kubectl lists them once.
int list_awaited(const Common& common, const WaitOptions& options, std::vector<Awaited>& all) {
  if (const auto right = check_selector(options.selector); !right) return complain(right.error().what, kUsage);
  std::vector<Awaited> found;
  for (const auto& of : all) {
    if (!of.name.empty())
      return complain("wait: found the name " + of.name + ", expected kinds with -l and --all", kUsage);
    const auto fetched = fetch_objects(common, *of.kind, of.space, "");
    if (fetched.code != kDone) return fetched.code;
    for (const auto& item : fetched.value["items"]) {
      const auto chosen = selected(item, options.selector);
      if (!chosen) return complain(chosen.error().what, kUsage);
      if (*chosen) found.push_back({.kind = of.kind, .space = of.space, .name = text_at(item, {"metadata", "name"})});
    }
  }
  all = std::move(found);
  return kDone;
}

int wait(const Common& common, const WaitOptions& options) {
  const bool by_labels = options.all || !options.selector.empty();
  if (options.condition.empty()) {
    if (by_labels) return complain("wait: found -l or --all, expected --for beside it", kUsage);
    std::vector<std::string> pods;
    for (const auto& word : options.words) {
      auto pod = pod_word(word, options.space);
      if (!pod) return complain("wait: " + pod.error().what, kUsage);
      pods.push_back(std::move(*pod));
    }
    return wait_for_ends(common, pods);
  }
  const auto wish = parse_wish(options.condition);
  if (!wish) return complain(wish.error().what, kUsage);
  auto all = read_awaited(options, by_labels);
  if (!all) return complain("wait: " + all.error().what, kUsage);
  const bool endless = options.timeout.starts_with('-');
  const auto timeout = config::parse_duration(endless ? "0s" : options.timeout);
  if (!timeout) return complain("--timeout: " + timeout.error().what, kUsage);
  // A negative time is a week, as in kubectl.
  constexpr auto kWeek = std::chrono::hours(24 * 7);
  const auto end = std::chrono::steady_clock::now() + (endless ? std::chrono::nanoseconds(kWeek) : *timeout);
  if (by_labels) {
    if (const int code = list_awaited(common, options, *all); code != kDone) return code;
    if (all->empty() && wish->kind != Wish::Kind::kDelete) {
      std::fputs("error: no matching resources found\n", stderr);
      return kFailed;
    }
  }
  int worst = kDone;
  for (const auto& each : *all) worst = std::max(worst, wait_for(common, each, *wish, end));
  return worst;
}

}  // namespace

void add_wait(CommandLine& line) {
  auto options = std::make_shared<WaitOptions>();
  const Common& common = line.common();
  auto* command =
      line.add({"wait", "Wait until an object is as it should be; without --for: until a pod has ended, as docker wait",
                "  mete wait web\n"
                "  mete wait --for=condition=Ready web\n  mete wait --for=delete web --timeout=60s\n"
                "  mete wait --for=condition=complete job/sum\n  mete wait --for=condition=Ready pod -l app=web\n"
                "  mete wait --for=jsonpath='{.status.phase}'=Running web"},
               [&common, options] { return wait(common, *options); });
  command->add_option("what", options->words, "A pod, KIND/NAME, KIND NAME, or with -l and --all a KIND")
      ->type_name(kPod)
      ->required();
  command->add_option("-n,--namespace", options->space, "Namespace, where names stand alone")->type_name("NAMESPACE");
  command
      ->add_option("--for", options->condition, "condition=NAME[=VALUE], create, delete or jsonpath='{PATH}'[=VALUE]")
      ->type_name("CONDITION");
  command->add_option("-l,--selector", options->selector, "All of the kind with these labels")->type_name("LABELS");
  command->add_flag("--all", options->all, "All of the kind");
  command->add_option("--timeout", options->timeout, "30s by default; 0s looks once, -1s is a week")->type_name("TIME");
}

}  // namespace mete::agent::cli
