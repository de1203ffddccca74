// SPDX-License-Identifier: Apache-2.0
// `mete rollout status|history|undo|restart|pause|resume`: kubectl's words and sentences.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>

#include "agent/cli/objects/kinds.h"
#include "agent/cli/objects/objects.h"
#include "agent/cli/objects/rollout_status.h"
#include "agent/cli/output/output.h"
#include "agent/http/http_url.h"

namespace mete::agent::cli {
namespace {

struct RolloutOptions {
  std::vector<std::string> words;
  std::string space = "default";
  std::int64_t revision = 0;
  bool watch = true;
  std::chrono::seconds timeout{0};
};

Result<std::vector<ObjectWord>> named(const RolloutOptions& options) {
  METE_TRY(auto words, read_words(options.words));
  for (const auto& word : words) {
    if (word.name.empty()) return fail("rollout: found no name, expected KIND/NAME");
  }
  return words;
}

int follow_status(const Common& common, const RolloutOptions& options, const ObjectWord& word) {
  constexpr auto kAgain = std::chrono::milliseconds(200);
  const auto begun = std::chrono::steady_clock::now();
  std::string said;
  while (true) {
    const auto fetched = fetch(common, "GET",
                               "/mete/v1/objects/" + std::string(word.kind->plural) +
                                   "?namespace=" + url_encode(options.space) + "&name=" + url_encode(word.name));
    if (fetched.code != kDone) return fetched.code;
    const auto& items = fetched.value["items"];
    if (items.empty())
      return complain(
          std::string(word.kind->plural) + std::string(word.kind->group) + " \"" + word.name + "\" not found",
          kNotFound);
    const auto status = rollout_status(items[0], options.revision);
    if (!status) return complain(status.error().what);
    if (status->text != said) print(status->text + "\n");
    said = status->text;
    if (status->done || !options.watch) return kDone;
    if (options.timeout.count() > 0 && std::chrono::steady_clock::now() - begun >= options.timeout)
      return complain("timed out waiting for the condition");
    std::this_thread::sleep_for(kAgain);
  }
}

int history(const Common& common, const RolloutOptions& options, const ObjectWord& word) {
  const auto fetched = fetch(common, "GET",
                             "/mete/v1/objects/revisions?kind=" + std::string(word.kind->plural) +
                                 "&namespace=" + url_encode(options.space) + "&name=" + url_encode(word.name));
  if (fetched.code != kDone) return fetched.code;
  const auto& revisions = fetched.value["revisions"];
  const std::string shown = full_object_name(*word.kind, word.name);
  if (options.revision > 0) {
    const auto at = std::find_if(revisions.begin(), revisions.end(), [&](const Json& each) {
      return each["revision"].get<std::int64_t>() == options.revision;
    });
    if (at == revisions.end())
      return complain("unable to find the specified revision " + std::to_string(options.revision), kNotFound);
    print(shown + " with revision #" + std::to_string(options.revision) + "\nPod Template:\n" +
          to_yaml((*at)["template"]));
    return kDone;
  }
  std::string text = shown + " \nREVISION  CHANGE-CAUSE\n";
  constexpr std::size_t kWidth = 10;
  for (const auto& each : revisions) {
    std::string number = std::to_string(each["revision"].get<std::int64_t>());
    number.resize(std::max(kWidth, number.size() + 2), ' ');
    const std::string cause = text_at(each, {"changeCause"});
    text += number + (cause.empty() ? "<none>" : cause) + "\n";
  }
  print(text + "\n");
  return kDone;
}

int act(const Common& common, const RolloutOptions& options, const ObjectWord& word, const std::string& action) {
  const std::string more = options.revision > 0 ? "?revision=" + std::to_string(options.revision) : "";
  const auto fetched = fetch(common, "POST", action_path(word, options.space, action) + more);
  if (fetched.code != kDone) return fetched.code;
  print(full_object_name(*word.kind, word.name) + " " + text_at(fetched.value, {"action"}) + "\n");
  return kDone;
}

using Run = int (*)(const Common&, const RolloutOptions&, const ObjectWord&);

int each(const Common& common, const RolloutOptions& options, Run run) {
  const auto words = named(options);
  if (!words) return complain(words.error().what, kUsage);
  int worst = kDone;
  for (const auto& word : *words) worst = std::max(worst, run(common, options, word));
  return worst;
}

template <const char* kAction>
int action(const Common& common, const RolloutOptions& options, const ObjectWord& word) {
  return act(common, options, word, kAction);
}
constexpr char kUndo[] = "undo";
constexpr char kRestart[] = "restart";
constexpr char kPause[] = "pause";
constexpr char kResume[] = "resume";

}  // namespace

void add_rollout(CommandLine& line) {
  auto* group =
      line.add_group({"rollout", "How the pods of a workload are replaced", "  mete rollout status deploy/web"});
  struct Word {
    CommandLine::About about;
    Run run;
    bool revision;
  };
  const Word words[] = {
      {{"status", "Wait until a rollout is done", "  mete rollout status deployment/web --timeout 60"},
       follow_status,
       true},
      {{"history", "List the revisions",
        "  mete rollout history deploy/web\n  mete rollout history deploy/web --revision 2"},
       history,
       true},
      {{"undo", "Go back to an earlier revision, until the manifest changes",
        "  mete rollout undo deploy/web\n  mete rollout undo deploy/web --to-revision 1"},
       action<kUndo>,
       true},
      {{"restart", "Replace all pods", "  mete rollout restart deploy/web"}, action<kRestart>, false},
      {{"pause", "Make no pods of a changed template", "  mete rollout pause deploy/web"}, action<kPause>, false},
      {{"resume", "Go on after pause", "  mete rollout resume deploy/web"}, action<kResume>, false},
  };
  const Common& common = line.common();
  for (const auto& word : words) {
    auto options = std::make_shared<RolloutOptions>();
    auto* command = line.add(
        word.about, [&common, options, run = word.run] { return each(common, *options, run); }, group);
    command->add_option("what", options->words, "KIND/NAME or KIND NAME")->type_name("KIND/NAME")->required();
    command->add_option("-n,--namespace", options->space, "Namespace")->type_name("NAMESPACE")->capture_default_str();
    if (word.revision)
      command->add_option("--revision,--to-revision", options->revision, "A revision's number")->type_name("N");
    if (word.run != follow_status) continue;
    command->add_option("-w,--watch", options->watch, "false: say how far it is, and do not wait")
        ->type_name("true|false");
    command
        ->add_option_function<std::string>(
            "--timeout",
            [options](const std::string& text) {
              options->timeout = std::chrono::seconds(std::strtol(text.c_str(), nullptr, 10));
            },
            "Seconds; 0: without end")
        ->type_name("SECONDS");
  }
}

}  // namespace mete::agent::cli
