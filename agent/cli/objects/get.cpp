// SPDX-License-Identifier: Apache-2.0
// `mete get` and `mete scale`: kubectl's words and columns.
#include <algorithm>
#include <cstdio>
#include <memory>

#include "agent/cli/objects/json_path.h"
#include "agent/cli/objects/kinds.h"
#include "agent/cli/objects/objects.h"
#include "agent/cli/output/output.h"
#include "agent/http/http_url.h"

namespace mete::agent::cli {
namespace {

struct GetOptions {
  std::vector<std::string> words;
  std::string space = "default";
  bool all_namespaces = false;
  bool show_labels = false;
  bool no_headers = false;
  std::string selector;
  std::string output;
};

std::string without_head(const std::string& table) {
  return table.substr(std::min(table.find('\n') + 1, table.size()));
}

// Those that were asked for, in the order of the words and names.
int collect(const Common& common, const GetOptions& options, const std::vector<ObjectWord>& words,
            std::vector<Json>& to) {
  if (const auto right = check_selector(options.selector); !right) return complain(right.error().what, kUsage);
  int worst = kDone;
  for (const auto& word : words) {
    const std::string space = options.all_namespaces ? "" : "namespace=" + url_encode(options.space) + "&";
    const auto fetched = fetch(common, "GET",
                               "/mete/v1/objects/" + std::string(word.kind->plural) + "?" + space +
                                   (word.name.empty() ? "" : "name=" + url_encode(word.name)));
    if (fetched.code != kDone) return fetched.code;
    const auto& items = fetched.value["items"];
    if (!word.name.empty() && items.empty()) {
      worst =
          complain(std::string(word.kind->plural) + std::string(word.kind->group) + " \"" + word.name + "\" not found",
                   kNotFound);
    }
    for (const auto& item : items) {
      const auto chosen = selected(item, options.selector);
      if (!chosen) return complain(chosen.error().what, kUsage);
      if (*chosen) to.push_back(item);
    }
  }
  return worst;
}

void print_tables(const GetOptions& options, const std::vector<ObjectWord>& words, const std::vector<Json>& objects) {
  std::vector<const KindName*> kinds;
  for (const auto& word : words) {
    if (std::find(kinds.begin(), kinds.end(), word.kind) == kinds.end()) kinds.push_back(word.kind);
  }
  bool first = true;
  for (const KindName* kind : kinds) {
    std::vector<Json> of_kind;
    std::copy_if(objects.begin(), objects.end(), std::back_inserter(of_kind),
                 [&](const Json& object) { return kind_of(object) == kind; });
    if (of_kind.empty()) continue;
    const std::string table = kind_table(*kind, of_kind,
                                         {.wide = options.output == "wide",
                                          .namespaces = options.all_namespaces,
                                          .labels = options.show_labels,
                                          .prefixed = kinds.size() > 1});
    print((first ? "" : "\n") + (options.no_headers ? without_head(table) : table));
    first = false;
  }
}

constexpr std::string_view kJsonPath = "jsonpath=";

// One object where one was asked for by name, else a list of all.
Json document_of(const std::vector<ObjectWord>& words, const std::vector<Json>& objects) {
  const bool single = words.size() == 1 && !words.front().name.empty() && objects.size() == 1;
  return single ? objects.front() : Json({{"apiVersion", "v1"}, {"kind", "List"}, {"items", objects}});
}

int get(const Common& common, const GetOptions& options) {
  const auto words = read_words(options.words);
  if (!words) return complain(words.error().what, kUsage);
  std::optional<JsonPath> path;
  if (options.output.starts_with(kJsonPath)) {
    auto parsed = JsonPath::parse(std::string_view(options.output).substr(kJsonPath.size()));
    if (!parsed) return complain("get: " + parsed.error().what, kUsage);
    path = std::move(*parsed);
  }
  std::vector<Json> objects;
  const int code = collect(common, options, *words, objects);
  if (code != kDone && objects.empty()) return code;
  if (options.output == "name") {
    for (const auto& object : objects)
      print(full_object_name(*kind_of(object), text_at(object, {"metadata", "name"})) + "\n");
  } else if (options.output == "json" || options.output == "yaml") {
    const Json value = document_of(*words, objects);
    print(options.output == "yaml" ? to_yaml(value) : value.dump(4, ' ', false, Json::error_handler_t::replace) + "\n");
  } else if (path) {
    print(path->fill(document_of(*words, objects)));
  } else if (objects.empty()) {
    std::fprintf(stderr, "%s\n",
                 options.all_namespaces ? "No resources found"
                                        : ("No resources found in " + options.space + " namespace.").c_str());
  } else {
    print_tables(options, *words, objects);
  }
  return code;
}

int scale(const Common& common, const std::vector<std::string>& given, const std::string& space, unsigned replicas) {
  const auto words = read_words(given);
  if (!words) return complain(words.error().what, kUsage);
  int worst = kDone;
  for (const auto& word : *words) {
    if (word.name.empty()) return complain("scale: found no name, expected KIND/NAME", kUsage);
    const auto fetched =
        fetch(common, "POST", action_path(word, space, "scale") + "?replicas=" + std::to_string(replicas));
    if (fetched.code != kDone) {
      worst = fetched.code;
    } else {
      print(full_object_name(*word.kind, word.name) + " scaled\n");
    }
  }
  return worst;
}

}  // namespace

Result<std::vector<ObjectWord>> read_words(const std::vector<std::string>& words) {
  std::vector<ObjectWord> read;
  const auto known_kind = [&](const std::string& name) -> Result<const KindName*> {
    const KindName* const kind = kind_named(name);
    if (kind == nullptr) return fail("kind: found \"" + name + "\", expected one of " + kind_names() + " or all");
    return kind;
  };
  const bool slashes = !words.empty() && words.front().find('/') != std::string::npos;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (slashes) {
      const auto slash = words[i].find('/');
      if (slash == std::string::npos) return fail("found \"" + words[i] + "\", expected KIND/NAME as before it");
      METE_TRY(const KindName* kind, known_kind(words[i].substr(0, slash)));
      read.push_back({kind, words[i].substr(slash + 1)});
      continue;
    }
    if (i == 0) {
      std::string names =
          words[0] == "all" ? "pods,services,daemonsets,deployments,replicasets,statefulsets,cronjobs,jobs" : words[0];
      for (std::size_t start = 0; start <= names.size();) {
        const std::size_t end = std::min(names.find(',', start), names.size());
        METE_TRY(const KindName* kind, known_kind(names.substr(start, end - start)));
        read.push_back({kind, ""});
        start = end + 1;
      }
      continue;
    }
    if (read.size() > 1 && i == 1 && read[0].name.empty()) return fail("found names after several kinds, expected one");
    const KindName* const kind = read.front().kind;
    if (i == 1) read.clear();
    read.push_back({kind, words[i]});
  }
  if (read.empty()) return fail("found no kind, expected one of " + kind_names() + " or all");
  return read;
}

std::string action_path(const ObjectWord& word, const std::string& space, const std::string& action) {
  return "/mete/v1/workloads/" + std::string(word.kind->plural) + "/" + url_encode(space) + "/" +
         url_encode(word.name) + "/" + action;
}

void add_get(CommandLine& line) {
  auto options = std::make_shared<GetOptions>();
  const Common& common = line.common();
  auto* command = line.add({"get", "List pods, deployments, jobs, services, ... as kubectl does",
                            "  mete get pods\n  mete get deploy web -o yaml\n  mete get jobs,cronjobs -A\n"
                            "  mete get deployment/web -o name\n"
                            "  mete get pods -o jsonpath='{range .items[*]}{.metadata.name}{\"\\n\"}{end}'"},
                           [&common, options] { return get(common, *options); });
  command->add_option("what", options->words, "KIND, KIND NAME or KIND/NAME")->type_name("KIND/NAME")->required();
  command->add_option("-n,--namespace", options->space, "Namespace")->type_name("NAMESPACE")->capture_default_str();
  command->add_flag("-A,--all-namespaces", options->all_namespaces, "Of all namespaces");
  command->add_option("-l,--selector", options->selector, "Labels: app=web,tier!=db,track,'zone in (a,b)'")
      ->type_name("LABELS");
  command->add_flag("--show-labels", options->show_labels, "With a column of labels");
  command->add_flag("--no-headers", options->no_headers, "Without the line of headings");
  command->add_option("-o,--output", options->output, "wide, json, yaml, name or jsonpath=TEMPLATE")
      ->type_name("wide|json|yaml|name|jsonpath=")
      ->check([](const std::string& given) {
        const bool known = given == "wide" || given == "json" || given == "yaml" || given == "name";
        return known || given.starts_with(kJsonPath)
                   ? std::string()
                   : "found \"" + given + "\", expected wide, json, yaml, name or jsonpath=TEMPLATE";
      });
}

void add_scale(CommandLine& line) {
  struct Options {
    std::vector<std::string> words;
    std::string space = "default";
    unsigned replicas = 0;
  };
  auto options = std::make_shared<Options>();
  const Common& common = line.common();
  auto* command =
      line.add({"scale", "Set the number of a workload's pods, until its manifest sets another",
                "  mete scale deployment/web --replicas 3\n  mete scale sts db --replicas=1"},
               [&common, options] { return scale(common, options->words, options->space, options->replicas); });
  command->add_option("what", options->words, "KIND/NAME or KIND NAME")->type_name("KIND/NAME")->required();
  command->add_option("--replicas", options->replicas, "How many")->type_name("N")->required();
  command->add_option("-n,--namespace", options->space, "Namespace")->type_name("NAMESPACE")->capture_default_str();
}

}  // namespace mete::agent::cli
