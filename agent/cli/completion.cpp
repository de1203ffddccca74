// SPDX-License-Identifier: Apache-2.0
// `mete completion SHELL` prints a shell's script; `mete complete -- PROGRAM WORDS...`, which the scripts call, what
// may stand for the last of the words.
#include "agent/cli/reference/completion.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>

#include "agent/cli/cli_model.h"
#include "agent/cli/output/output.h"
#include "runtime/image/store.h"

namespace mete::agent::cli {
namespace {

using Words = std::vector<std::string>;

// The list of `what` that the agent answers with; null where none answers.
Json quiet_list(const Common& common, const std::string& what) {
  const auto answer = Client(common.socket).request("GET", "/mete/v1/" + what);
  if (!answer || answer->status != 200) return {};
  const Json value = Json::parse(answer->body, nullptr, false);
  return value.is_object() && value.contains(what) ? value[what] : Json();
}

Json quiet_pods(const Common& common) {
  return quiet_list(common, "pods");
}

Words network_words(const Common& common) {
  Words words;
  for (const auto& network : quiet_list(common, "networks")) words.push_back(network["name"].get<std::string>());
  return words;
}

Words pod_words(const Common& common, const Completion& at) {
  std::set<std::string> given;
  for (const auto& word : at.words) given.insert(pod_key(word));
  Words words;
  for (const auto& pod : quiet_pods(common)) {
    const std::string space = pod["namespace"].get<std::string>();
    const std::string name = pod["name"].get<std::string>();
    if (!given.contains(space + "/" + name)) words.push_back(space == "default" ? name : space + "/" + name);
  }
  return words;
}

// Of the pod that is named before, or of all.
Words container_words(const Common& common, const Completion& at) {
  std::set<std::string> words;
  for (const auto& pod : quiet_pods(common)) {
    const std::string key = pod["namespace"].get<std::string>() + "/" + pod["name"].get<std::string>();
    if (!at.words.empty() && pod_key(at.words.front()) != key) continue;
    for (const auto& container : pod["containers"]) words.insert(container["name"].get<std::string>());
  }
  return {words.begin(), words.end()};
}

Words image_words(const Common& common) {
  Words words;
  std::error_code error;
  // A look at a store must not make one.
  if (!std::filesystem::is_directory(common.settings.images(), error)) return words;
  const auto store = runtime::image::Store::open(common.settings.images());
  if (!store) return words;
  if (const auto images = store->list(); images) {
    for (const auto& image : *images)
      words.push_back(runtime::image::is_nameless(image) ? image.id.substr(0, 12) : image.name);
  }
  return words;
}

// The names in a folder that are directories or end in `ending`, without it.
Words names_in(const std::string& folder, const std::string& ending) {
  std::set<std::string> words;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    if (ending.empty() ? entry.is_directory(error) : name.ends_with(ending))
      words.insert(name.substr(0, name.size() - ending.size()));
  }
  return {words.begin(), words.end()};
}

Words words_from(Source source, const Common& common, const Completion& at) {
  switch (source) {
    case Source::kPods:
      return pod_words(common, at);
    case Source::kContainers:
      return container_words(common, at);
    case Source::kImages:
      return image_words(common);
    case Source::kNetworks:
      return network_words(common);
    case Source::kRecords:
      return names_in(common.settings.forensics(), ".json");
    case Source::kOciContainers: {
      const auto root = at.given.find("--root");
      return names_in(root == at.given.end() ? "/run/mete-oci" : root->second, "");
    }
    case Source::kSignals:
      return {"HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "KILL", "CONT", "STOP", "WINCH"};
    case Source::kFiles:
      return {":files"};
    case Source::kFolders:
      return {":folders"};
    case Source::kNone:
      return {};
  }
  return {};
}

// Which agent is asked is in the words that were typed.
void take_given(Common& common, const Completion& at) {
  const auto value = [&](const char* option) {
    const auto found = at.given.find(option);
    return found == at.given.end() ? std::string() : found->second;
  };
  if (const auto state = value("--state"); !state.empty()) common.settings.state = state;
  if (const auto run = value("--run"); !run.empty()) {
    common.settings.run = run;
    common.socket = common.settings.socket();
  }
  if (const auto host = value("--host"); !host.empty())
    common.socket = host.starts_with("unix://") ? host.substr(7) : host;
}

int complete_words(const CLI::App& app, Common common, const Words& words) {
  // A shell waits for the answer: an agent that hangs is none.
  constexpr unsigned kSeconds = 2;
  ::alarm(kSeconds);
  if (words.empty()) return kUsage;
  const auto at = complete(words.front() == "mete-oci" ? oci_model() : command_model(app), std::span(words).subspan(1));
  take_given(common, at);
  std::string text;
  for (const auto& each : at.candidates) text.append(each.word).append("\t").append(each.help).append("\n");
  for (const auto& name : at.kinds) {
    const Kind* const kind = find_kind(name);
    if (kind == nullptr) continue;
    for (const auto& word : words_from(kind->source, common, at)) {
      if (word.starts_with(':')) {
        text.append(word).append("\n");
      } else if (word.starts_with(at.begun)) {
        text.append(at.prefix).append(word).append("\t\n");
      }
    }
  }
  print(text);
  return kDone;
}

}  // namespace

void add_completion(CommandLine& line) {
  auto shell = std::make_shared<std::string>();
  auto program = std::make_shared<std::string>("mete");
  auto* command = line.add({"completion", "Print the completion script of a shell; needs no agent",
                            "  mete completion bash > /etc/bash_completion.d/mete\n"
                            "  mete completion zsh > /usr/local/share/zsh/site-functions/_mete\n"
                            "  mete completion fish > ~/.config/fish/completions/mete.fish\n"
                            "  mete completion bash mete-oci > /etc/bash_completion.d/mete-oci"},
                           [shell, program] {
                             print(completion_script(*shell, *program));
                             return kDone;
                           });
  command->add_option("shell", *shell, "Which shell")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->add_option("program", *program, "Of which program; default: mete")
      ->check(CLI::IsMember({"mete", "mete-oci"}));
  auto words = std::make_shared<Words>();
  line.add({"complete", "What may stand for the last of the words; the completion scripts ask it", ""},
           [&line, words] { return complete_words(line.app(), line.common(), *words); })
      ->add_option("words", *words, "After --: the program and its words");
}

}  // namespace mete::agent::cli
