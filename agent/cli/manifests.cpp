// SPDX-License-Identifier: Apache-2.0

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>

#include "agent/cli/diff_text.h"
#include "agent/cli/output.h"
#include "agent/cli/table.h"
#include "agent/http/http_url.h"
#include "config/desired_state.h"
#include "config/reading/yaml_reader.h"
#include "runtime/file.h"

namespace mete::agent::cli {
namespace {

struct Source {
  std::string name;
  std::string text;
};

// "-" is standard input; a directory stands for the manifests in it.
Result<std::vector<Source>> read_sources(const std::vector<std::string>& files) {
  constexpr std::size_t kLongest = config::kMaxManifestBytes + 1;
  std::vector<Source> sources;
  for (const auto& file : files) {
    if (file == "-") {
      // Read by descriptor: /dev/stdin may be missing, and a socket cannot be opened by that name.
      METE_TRY(std::string text, runtime::read_all(STDIN_FILENO, "standard input", kLongest));
      sources.push_back({"<stdin>", std::move(text)});
      continue;
    }
    std::error_code error;
    if (!std::filesystem::is_directory(file, error)) {
      METE_TRY(std::string text, runtime::read_file(AT_FDCWD, file, kLongest));
      sources.push_back({file, std::move(text)});
      continue;
    }
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(file, error)) {
      const auto extension = entry.path().extension();
      if (extension == ".yaml" || extension == ".yml" || extension == ".json") names.insert(entry.path().string());
    }
    if (error) return fail(file + ": " + error.message());
    if (names.empty()) return fail(file + ": found no *.yaml, *.yml or *.json in the directory");
    for (const auto& name : names) {
      METE_TRY(std::string text, runtime::read_file(AT_FDCWD, name, kLongest));
      sources.push_back({name, std::move(text)});
    }
  }
  return sources;
}

void say(const std::vector<config::Diagnostic>& diagnostics, const char* prefix) {
  for (const auto& each : diagnostics)
    std::fprintf(stderr, "%s%s\n", prefix, printable(config::to_string(each)).c_str());
}

constexpr const char* kJoined = "<joined>";

// Several files are sent to the agent as one text, so that either all of it is applied or nothing.
struct Joined {
  std::string text;
  std::vector<std::pair<int, std::string>> starts;  // first line of each file, and its name

  // "<joined>:LINE:..." in an error -> "FILE:LINE:..."
  [[nodiscard]] std::string reword(const std::string& error) const {
    const std::string prefix = std::string(kJoined) + ":";
    if (!error.starts_with(prefix)) return error;
    char* rest = nullptr;
    const int line = static_cast<int>(std::strtol(error.c_str() + prefix.size(), &rest, 10));
    for (auto at = starts.rbegin(); at != starts.rend(); ++at) {
      if (line >= at->first) return at->second + ":" + std::to_string(line - at->first + 1) + rest;
    }
    return error;
  }
};

// Checks everything locally first, so that errors in the manifests are reported without an agent.
std::optional<Joined> checked_text(const std::vector<std::string>& files, int& code) {
  const auto sources = read_sources(files);
  if (!sources) {
    code = complain(sources.error().what);
    return std::nullopt;
  }
  Joined whole;
  int line = 1;
  bool right = true;
  for (const auto& source : *sources) {
    const auto documents = config::read_documents(source.text, source.name);
    say(documents.errors, "error: ");
    say(documents.warnings, "warning: ");
    right = right && documents.ok();
    whole.starts.emplace_back(line + 1, source.name);
    const std::string piece = "---\n" + source.text + "\n";
    line += static_cast<int>(std::count(piece.begin(), piece.end(), '\n'));
    whole.text += piece;
  }
  code = right ? kDone : kFailed;
  if (!right) complain("nothing was changed");
  return right ? std::optional(whole) : std::nullopt;
}

int print_results(const Common& common, const Json& value, const char* suffix) {
  if (print_structured(common, value)) return kDone;
  for (const auto& each : value["results"]) {
    print(each["object"].get<std::string>() + " " + each["action"].get<std::string>() + suffix + "\n");
  }
  return kDone;
}

int apply(const Common& common, const std::vector<std::string>& files, bool dry_run) {
  int code = kDone;
  const auto text = checked_text(files, code);
  if (!text) return code;
  auto fetched = fetch(common, "POST", "/mete/v1/apply?file=" + url_encode(kJoined) + (dry_run ? "&dry-run=1" : ""),
                       text->text, [&](const std::string& error) { return text->reword(error); });
  if (fetched.code != kDone) return fetched.code;
  return print_results(common, fetched.value, dry_run ? " (dry run)" : "");
}

int diff(const Common& common, const std::vector<std::string>& files) {
  int code = kDone;
  const auto text = checked_text(files, code);
  if (!text) return code;
  auto fetched = fetch(common, "POST", "/mete/v1/apply?dry-run=1&diff=1&file=" + url_encode(kJoined), text->text,
                       [&](const std::string& error) { return text->reword(error); });
  if (fetched.code != kDone) return fetched.code;
  if (print_structured(common, fetched.value)) return kDone;
  bool differs = false;
  for (const auto& each : fetched.value["results"]) {
    const auto action = each["action"].get<std::string>();
    if (action == "unchanged") continue;
    differs = true;
    print(each["object"].get<std::string>() + " would be " + action + "\n" +
          printable_lines(diff_text(each["old"].get<std::string>(), each["new"].get<std::string>())));
  }
  return differs ? kFailed : kDone;  // as diff(1)
}

int validate(const Common& common, const std::vector<std::string>& files) {
  const auto sources = read_sources(files);
  if (!sources) return complain(sources.error().what);
  std::vector<config::Documents> all;
  for (const auto& source : *sources) all.push_back(config::read_documents(source.text, source.name));
  const auto state = config::assemble(all);
  say(state.errors, "error: ");
  say(state.warnings, "warning: ");
  Json objects = Json::array();
  for (const auto& documents : all) {
    const auto add = [&](const char* kind, const auto& list) {
      for (const auto& each : list) objects.push_back(std::string(kind) + " " + config::full_name(each.metadata));
    };
    add("Pod", documents.pods);
    add("Policy", documents.policies);
    add("ConfigMap", documents.config_maps);
    add("Secret", documents.secrets);
  }
  if (!state.ok()) return kFailed;
  const auto left = std::count_if(state.warnings.begin(), state.warnings.end(),
                                  [](const config::Diagnostic& each) { return each.not_acted_on; });
  if (print_structured(common, {{"objects", objects}, {"notActedOn", left}})) return kDone;
  for (const auto& each : objects) print(each.get<std::string>() + " is right\n");
  if (left > 0) print("mete does not act on " + std::to_string(left) + (left == 1 ? " field\n" : " fields\n"));
  return kDone;
}

int remove(const Common& common, const std::vector<std::string>& files, const std::vector<std::string>& pods,
           std::optional<unsigned> grace) {
  const std::string more = grace ? "&grace=" + std::to_string(*grace) : "";
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
  for (const auto& pod : pods) take(fetch(common, "POST", "/mete/v1/delete?pod=" + url_encode(pod_key(pod)) + more));
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
  struct Options {
    std::vector<std::string> files;
    bool dry_run = false;
  };
  auto options = std::make_shared<Options>();
  const Common& common = line.common();
  auto* command = line.add({"apply", "Make the pods of a manifest, or change them",
                            "  mete apply -f web.yaml\n  mete apply ./pods\n  cat web.yaml | mete apply -f -"},
                           [&common, options] { return apply(common, options->files, options->dry_run); });
  add_files(command, options->files);
  command->add_flag("--dry-run", options->dry_run, "Say what would be done");
  line.add_output(command);
}

void add_delete(CommandLine& line) {
  struct Options {
    std::vector<std::string> files;
    std::vector<std::string> words;
    std::optional<unsigned> grace;
  };
  auto options = std::make_shared<Options>();
  const Common& common = line.common();
  auto* command = line.add(
      {"delete", "Delete pods", "  mete delete web\n  mete delete -f web.yaml --grace 5\n  mete delete web.yaml"},
      [&common, options] {
        auto files = options->files;
        std::vector<std::string> pods;
        for (const auto& word : options->words) (names_a_file(word) ? files : pods).push_back(word);
        if (files.empty() && pods.empty())
          return complain("delete: found neither -f nor a pod's name, expected one", kUsage);
        return remove(common, files, pods, options->grace);
      });
  command->add_option("-f,--filename", options->files, "Manifest whose objects are deleted")->type_name(kFile);
  command->add_option("pods", options->words, std::string(kPodName) + ", or a manifest's file")->type_name("POD|FILE");
  command->add_option("--grace", options->grace, "Seconds between the stop signal and the kill")->type_name("SECONDS");
  line.add_output(command);
}

void add_diff(CommandLine& line) {
  auto files = std::make_shared<std::vector<std::string>>();
  const Common& common = line.common();
  auto* command = line.add({"diff", "What apply would change; exit code 1 when it would", "  mete diff -f web.yaml"},
                           [&common, files] { return diff(common, *files); });
  add_files(command, *files);
  line.add_output(command);
}

void add_validate(CommandLine& line) {
  auto files = std::make_shared<std::vector<std::string>>();
  const Common& common = line.common();
  auto* command = line.add({"validate", "Check manifests; needs no agent", "  mete validate -f ./pods"},
                           [&common, files] { return validate(common, *files); });
  add_files(command, *files);
  line.add_output(command);
}

}  // namespace

void add_manifests(CommandLine& line) {
  add_apply(line);
  add_delete(line);
  add_diff(line);
  add_validate(line);
}

}  // namespace mete::agent::cli
