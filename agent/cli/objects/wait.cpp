// SPDX-License-Identifier: Apache-2.0
// `mete wait`: until a pod is as it should be, in kubectl's words.
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "agent/cli/containers/container_verbs.h"
#include "agent/cli/containers/subject.h"
#include "agent/cli/objects/json_path.h"
#include "agent/cli/objects/pod_object.h"
#include "agent/cli/objects/pod_word.h"
#include "agent/cli/output/output.h"
#include "config/values/quantity.h"

namespace mete::agent::cli {
namespace {

struct WaitOptions {
  std::vector<std::string> pods;
  std::string space;
  std::string condition;
  std::string timeout = "30s";
};

struct Wish {
  enum class Kind { kCondition, kDelete, kPath } kind = Kind::kCondition;
  std::string name;              // of the condition
  std::string value;             // "True", or what stands at the path; empty: anything
  std::optional<JsonPath> path;  // kPath
};

Result<Wish> parse_wish(const std::string& text) {
  const auto rest_of = [&](std::string_view head) { return text.substr(head.size()); };
  if (text == "delete") return Wish{Wish::Kind::kDelete, {}, {}, {}};
  if (text.starts_with("condition=")) {
    const std::string rest = rest_of("condition=");
    const auto equals = rest.find('=');
    return Wish{Wish::Kind::kCondition,
                rest.substr(0, equals),
                equals == std::string::npos ? "True" : rest.substr(equals + 1),
                {}};
  }
  if (text.starts_with("jsonpath=")) {
    const std::string rest = rest_of("jsonpath=");
    // The value may hold braces, and so may a filter of the path: the last "}=" parts them.
    const auto close = std::min(rest.rfind("}="), rest.rfind('}'));
    if (!rest.starts_with('{') || close == std::string::npos)
      return fail("--for: found \"" + text +
                  "\", expected a path in braces such as jsonpath='{.status.phase}'=Running");
    const bool has_value = rest.substr(close + 1).starts_with('=');
    METE_TRY(JsonPath path, JsonPath::parse(rest.substr(0, close + 1)));
    return Wish{Wish::Kind::kPath, {}, has_value ? rest.substr(close + 2) : "", std::move(path)};
  }
  return fail("--for: found \"" + text + "\", expected condition=NAME[=VALUE], delete or jsonpath='{PATH}'[=VALUE]");
}

bool same_word(const std::string& a, const std::string& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](unsigned char x, unsigned char y) {
           return std::tolower(x) == std::tolower(y);
         });
}

bool has_condition(const Json& pod, const Wish& wish) {
  for (const auto& each : pod["status"]["conditions"]) {
    if (same_word(each["type"].get<std::string>(), wish.name))
      return same_word(each["status"].get<std::string>(), wish.value);
  }
  return false;
}

bool holds(const Json& pod, const Wish& wish) {
  if (wish.kind == Wish::Kind::kCondition) return has_condition(pod, wish);
  const auto found = wish.path->values(pod);
  if (wish.value.empty()) return !found.empty();
  return found.size() == 1 && found.front() == wish.value;
}

int wait_for(const Common& common, const std::string& name, const Wish& wish,
             std::chrono::steady_clock::time_point end) {
  constexpr auto kLook = std::chrono::milliseconds(100);
  std::string problem;
  Subject subject = look_for_subject(common, name, problem);
  subject.word = name;
  while (true) {
    const auto now = fetch_pod_object(common, key_of(subject));
    if (now.code != kDone) return now.code;
    const bool gone = now.value.is_null();  // which is what --for=delete waits for
    const bool for_delete = wish.kind == Wish::Kind::kDelete;
    if (gone && !for_delete) return complain("pods \"" + name + "\" not found", kNotFound);
    if (gone || (!for_delete && holds(now.value, wish))) {
      print("pod/" + name + " condition met\n");
      return kDone;
    }
    if (std::chrono::steady_clock::now() >= end) {
      std::fprintf(stderr, "error: timed out waiting for the condition on pods/%s\n", name.c_str());
      return kFailed;
    }
    std::this_thread::sleep_for(kLook);
  }
}

int wait(const Common& common, WaitOptions options) {
  for (auto& pod : options.pods) {
    auto word = pod_word(pod, options.space);
    if (!word) return complain("wait: " + word.error().what, kUsage);
    pod = std::move(*word);
  }
  if (options.condition.empty()) return wait_for_ends(common, options.pods);
  const auto wish = parse_wish(options.condition);
  if (!wish) return complain(wish.error().what, kUsage);
  const bool endless = options.timeout.starts_with('-');
  const auto timeout = config::parse_duration(endless ? "0s" : options.timeout);
  if (!timeout) return complain("--timeout: " + timeout.error().what, kUsage);
  // A negative time is a week, as in kubectl.
  constexpr auto kWeek = std::chrono::hours(24 * 7);
  const auto end = std::chrono::steady_clock::now() + (endless ? std::chrono::nanoseconds(kWeek) : *timeout);
  int worst = kDone;
  for (const auto& pod : options.pods) worst = std::max(worst, wait_for(common, pod, *wish, end));
  return worst;
}

}  // namespace

void add_wait(CommandLine& line) {
  auto options = std::make_shared<WaitOptions>();
  const Common& common = line.common();
  auto* command =
      line.add({"wait", "Wait until a pod is as it should be; without --for: until it has ended, as docker wait does",
                "  mete wait web\n"
                "  mete wait --for=condition=Ready web\n  mete wait --for=delete web --timeout=60s\n"
                "  mete wait --for=jsonpath='{.status.phase}'=Running web"},
               [&common, options] { return wait(common, *options); });
  command->add_option("pods", options->pods, kPodName)->type_name(kPod)->required();
  command->add_option("-n,--namespace", options->space, kPodNamespace)->type_name("NAMESPACE");
  command->add_option("--for", options->condition, "condition=NAME[=VALUE], delete or jsonpath='{PATH}'[=VALUE]")
      ->type_name("CONDITION");
  command->add_option("--timeout", options->timeout, "30s by default; 0s looks once, -1s is a week")->type_name("TIME");
}

}  // namespace mete::agent::cli
