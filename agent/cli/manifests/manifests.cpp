// SPDX-License-Identifier: Apache-2.0

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>

#include "agent/base/cdi_folders.h"
#include "agent/cli/images/container_layers.h"
#include "agent/cli/manifests/manifest_files.h"
#include "agent/cli/objects/kinds.h"
#include "agent/cli/objects/objects.h"
#include "agent/cli/output/diagnostic_output.h"
#include "agent/cli/output/diff_text.h"
#include "agent/cli/output/output.h"
#include "agent/cli/output/table.h"
#include "agent/http/http_url.h"
#include "agent/pods/manifests/document_objects.h"
#include "config/reading/yaml/yaml_reader.h"
#include "config/resolve/cdi_devices.h"
#include "config/resolve/desired_state.h"
#include "config/resolve/device_warnings.h"
#include "runtime/file.h"

namespace mete::agent::cli {
namespace {

// "  Pod default/web: the files of volume c are exchanged; its policy changes in place"
void print_effects(const Json& value) {
  for (const auto& each : value.value("effects", Json::array())) {
    std::string line;
    for (const auto& what : each["what"]) line += (line.empty() ? "" : "; ") + what.get<std::string>();
    print("  Pod " + each["pod"].get<std::string>() + ": " + printable(line) + "\n");
  }
}

// What commands have said of a workload, which its manifest takes back.
void print_taken_back(const Json& result) {
  for (const auto& what : result.value("takenBack", Json::array()))
    print("  " + printable(what.get<std::string>()) + "\n");
}

// What the machine lacks that a manifest asks for.
void say_of_machine(const Json& value, const Joined& text) {
  for (const auto& each : value.value("machineWarnings", Json::array()))
    std::fprintf(stderr, "warning: %s\n", printable(text.reword(each.get<std::string>())).c_str());
}

int print_results(const Common& common, const Json& value, const char* suffix) {
  if (print_structured(common, value)) return kDone;
  for (const auto& each : value["results"]) {
    print(each["object"].get<std::string>() + " " + each["action"].get<std::string>() + suffix + "\n");
    print_taken_back(each);
  }
  print_effects(value);
  return kDone;
}

struct ApplyOptions {
  std::vector<std::string> files;
  bool dry_run = false;
  bool prune = false;
  std::string selector;
};

int apply(const Common& common, const ApplyOptions& options) {
  if (options.prune != !options.selector.empty())
    return complain("apply: found one of --prune and -l, expected both, or neither", kUsage);
  int code = kDone;
  const auto text = checked_text(options.files, code);
  if (!text) return code;
  std::string query = "file=" + url_encode(kJoined) + (options.dry_run ? "&dry-run=1" : "");
  if (options.prune) query += "&prune=" + url_encode(options.selector);
  auto fetched = fetch(common, "POST", "/mete/v1/apply?" + query, text->text,
                       [&](const std::string& error) { return text->reword(error); });
  if (fetched.code != kDone) return fetched.code;
  say_of_machine(fetched.value, *text);
  return print_results(common, fetched.value, options.dry_run ? " (dry run)" : "");
}

int diff(const Common& common, const std::vector<std::string>& files) {
  int code = kDone;
  const auto text = checked_text(files, code);
  if (!text) return code;
  auto fetched = fetch(common, "POST", "/mete/v1/apply?dry-run=1&diff=1&file=" + url_encode(kJoined), text->text,
                       [&](const std::string& error) { return text->reword(error); });
  if (fetched.code != kDone) return fetched.code;
  say_of_machine(fetched.value, *text);
  if (print_structured(common, fetched.value)) return kDone;
  bool differs = false;
  for (const auto& each : fetched.value["results"]) {
    const auto action = each["action"].get<std::string>();
    if (action == "unchanged") continue;
    differs = true;
    print(each["object"].get<std::string>() + " would be " + action + "\n");
    if (const auto& old = each["old"], &now = each["new"]; old != now)
      print(printable_lines(diff_text(old.get<std::string>(), now.get<std::string>())));
    print_taken_back(each);
  }
  print_effects(fetched.value);
  return differs ? kFailed : kDone;  // as diff(1)
}

int validate(const Common& common, const std::vector<std::string>& files) {
  const auto sources = read_sources(files);
  if (!sources) return complain(sources.error().what);
  std::vector<config::Documents> all;
  for (const auto& source : *sources) all.push_back(config::read_documents(source.text, source.name));
  auto state = config::assemble(all);
  const auto devices = config::CdiDevices(read_cdi_folders(common.settings.config.devices.cdi).specs).counts();
  for (const auto& documents : all) {
    for (auto& each : config::device_warnings(documents, devices)) state.warnings.push_back(std::move(each));
  }
  if (common.output == "github") {
    print(github_text(state.errors, "error") + github_text(state.warnings, "warning"));
    return state.ok() ? kDone : kFailed;
  }
  if (common.output == "table") {
    say(state.errors, "error: ");
    say(state.warnings, "warning: ");
  }
  Json objects = Json::array();
  for (const auto& documents : all) {
    const auto add = [&](const std::string& kind, const config::ObjectMeta& metadata) {
      objects.push_back(kind + " " + config::full_name(metadata));
    };
    for_each_object(documents, add);
    for (const auto& each : documents.claims) add("PersistentVolumeClaim", each);
  }
  const auto left = std::count_if(state.warnings.begin(), state.warnings.end(),
                                  [](const config::Diagnostic& each) { return each.not_acted_on; });
  const int code = state.ok() ? kDone : kFailed;
  if (print_structured(common, {{"objects", objects},
                                {"notActedOn", left},
                                {"errors", diagnostics_json(state.errors)},
                                {"warnings", diagnostics_json(state.warnings)}}))
    return code;
  if (!state.ok()) return code;
  for (const auto& each : objects) print(each.get<std::string>() + " is right\n");
  if (left > 0) print("mete does not act on " + std::to_string(left) + (left == 1 ? " field\n" : " fields\n"));
  return kDone;
}

struct DeleteOptions {
  std::vector<std::string> files;
  std::vector<std::string> words;
  std::string space = "default";
  std::optional<unsigned> grace;
};

// The pods and workloads of the words: NAME, NAMESPACE/NAME, KIND/NAME or KIND NAME...
Result<std::vector<ObjectWord>> words_to_delete(const std::vector<std::string>& words) {
  if (words.size() > 1 && kind_named(words.front()) != nullptr) return read_words(words);
  std::vector<ObjectWord> read;
  for (const auto& word : words) {
    const KindName* const kind = kind_named(word.substr(0, word.find('/')));
    if (kind == nullptr || word.find('/') == std::string::npos) {
      read.push_back({kind_named("pods"), word});
      continue;
    }
    METE_TRY(const auto one, read_words({word}));
    read.push_back(one.front());
  }
  return read;
}

int remove(const Common& common, const DeleteOptions& options, const std::vector<std::string>& files,
           const std::vector<ObjectWord>& words) {
  const std::string grace = options.grace ? std::to_string(*options.grace) : "";
  const std::string more = grace.empty() ? "" : "&grace=" + grace;
  int worst = kDone;
  const auto take = [&](const Fetched& fetched) {
    if (fetched.code != kDone) {
      worst = fetched.code;
    } else {
      print_results(common, fetched.value, "");
    }
  };
  if (!files.empty()) {
    int code = kDone;
    const auto text = checked_text(files, code);
    if (!text) return code;
    take(fetch(common, "POST", "/mete/v1/delete?file=-" + more, text->text));
  }
  for (const auto& word : words) {
    if (word.kind->kind != "Pod") {
      take(
          fetch(common, "POST", action_path(word, options.space, "delete") + (grace.empty() ? "" : "?grace=" + grace)));
      continue;
    }
    const std::string key = word.name.find('/') == std::string::npos ? options.space + "/" + word.name : word.name;
    take(fetch(common, "POST", "/mete/v1/delete?pod=" + url_encode(key) + more));
  }
  return worst;
}

bool names_a_file(const std::string& word) {
  const bool manifest = word == "-" || word.ends_with(".yaml") || word.ends_with(".yml") || word.ends_with(".json");
  return manifest && (word == "-" || ::access(word.c_str(), F_OK) == 0);
}

// Adds `-f FILE`, or FILE without a flag.
void add_files(CLI::App* command, std::vector<std::string>& files) {
  command->add_option("-f,--filename,files", files, "Manifest file, folder or - for standard input")
      ->type_name(kFile)
      ->required();
}

void add_apply(CommandLine& line) {
  auto options = std::make_shared<ApplyOptions>();
  const Common& common = line.common();
  auto* command = line.add({"apply", "Make the pods of a manifest, or change them",
                            "  mete apply -f web.yaml\n  mete apply ./pods --prune -l app=web\n"
                            "  cat web.yaml | mete apply -f -"},
                           [&common, options] { return apply(common, *options); });
  add_files(command, options->files);
  command->add_flag("--prune", options->prune, "Delete what was applied, has the labels of -l, and is not there now");
  command->add_option("-l,--selector", options->selector, "Labels for --prune: app=web,tier!=front")
      ->type_name("LABELS");
  command->add_flag("--dry-run", options->dry_run, "Say what would be done");
  line.add_output(command);
}

void add_delete(CommandLine& line) {
  auto options = std::make_shared<DeleteOptions>();
  const Common& common = line.common();
  auto* command = line.add({"delete", "Delete pods and what makes them",
                            "  mete delete web\n  mete delete deployment/web\n  mete delete -f web.yaml --grace 5\n"
                            "  mete delete web.yaml"},
                           [&common, options] {
                             auto files = options->files;
                             std::vector<std::string> names;
                             for (const auto& word : options->words)
                               (names_a_file(word) ? files : names).push_back(word);
                             if (files.empty() && names.empty())
                               return complain("delete: found neither -f nor a name, expected one", kUsage);
                             const auto words = words_to_delete(names);
                             if (!words) return complain(words.error().what, kUsage);
                             return remove(common, *options, files, *words);
                           });
  command->add_option("-f,--filename", options->files, "Manifest whose objects are deleted")->type_name(kFile);
  command->add_option("what", options->words, std::string(kPodName) + " of a pod, KIND/NAME, or a manifest's file")
      ->type_name("POD|FILE");
  command->add_option("-n,--namespace", options->space, "Namespace")->type_name("NAMESPACE")->capture_default_str();
  command->add_option("--grace", options->grace, "Seconds between the stop signal and the kill")->type_name("SECONDS");
  line.add_output(command);
}

// A pod's name has no dot at its end, and is no path of this machine.
bool is_manifest_file(const std::string& word) {
  return word == "-" || word.starts_with('.') || word.starts_with('/') || word.ends_with(".yaml") ||
         word.ends_with(".yml") || word.ends_with(".json");
}

struct DiffOptions {
  std::vector<std::string> files;
  std::vector<std::string> words;
  std::string container;
};

int diff_files_or_container(const Common& common, DiffOptions options) {
  std::vector<std::string> pods;
  for (const std::string& word : options.words) (is_manifest_file(word) ? options.files : pods).push_back(word);
  if (options.files.empty() ? pods.size() != 1 : !pods.empty())
    return complain("diff: found " + std::to_string(options.files.size()) + " manifests and " +
                        std::to_string(pods.size()) + " pods, expected manifests or one pod",
                    kUsage);
  return pods.empty() ? diff(common, options.files) : container_diff(common, pods[0], options.container);
}

void add_diff(CommandLine& line) {
  auto options = std::make_shared<DiffOptions>();
  const Common& common = line.common();
  auto* command =
      line.add({"diff", "What apply would change (exit code 1 when it would), or what a container changed in its files",
                "  mete diff -f web.yaml\n  mete diff web"},
               [&common, options] { return diff_files_or_container(common, *options); });
  command->add_option("-f,--filename", options->files, "Manifest file, folder or - for standard input")
      ->type_name(kFile);
  command->add_option("what", options->words, std::string(kPodName) + " of a pod, or a manifest's file")
      ->type_name("POD|FILE");
  command->add_option("-c,--container", options->container, "Of a pod with several containers")->type_name(kContainer);
  line.add_output(command);
}

void add_validate(CommandLine& line) {
  auto files = std::make_shared<std::vector<std::string>>();
  Common& common = line.common();
  auto* command = line.add(
      {"validate", "Check manifests; needs no agent", "  mete validate -f ./pods\n  mete validate -o github web.yaml"},
      [&common, files] { return validate(common, *files); });
  add_files(command, *files);
  command->add_option("-o,--output", common.output, "table, json, yaml, or github: annotations of GitHub Actions")
      ->type_name("table|json|yaml|github")
      ->check(CLI::IsMember({"table", "json", "yaml", "github"}));
}

}  // namespace

void add_manifests(CommandLine& line) {
  add_apply(line);
  add_delete(line);
  add_diff(line);
  add_validate(line);
}

}  // namespace mete::agent::cli
