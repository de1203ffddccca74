// SPDX-License-Identifier: Apache-2.0
// A compose file: its services, and the configs, secrets and volumes that they name.
#include <algorithm>

#include "config/convert/docker_amounts.h"
#include "config/convert/interpolate.h"
#include "config/convert/service.h"

namespace mete::config {
namespace {

// ${NAME} in all values; keys stay as they are. A variable without a value is told once.
class Interpolator {
 public:
  Interpolator(const ConvertSources& sources, Report& report) : sources_(sources), report_(report) {}

  void walk(YamlNode& node, const std::string& path) {
    if (node.kind == YamlNode::Kind::kScalar && node.text.find('$') != std::string::npos) fill(node, path);
    for (std::size_t i = 0; i < node.items.size(); ++i) walk(node.items[i], path + "[" + std::to_string(i) + "]");
    for (auto& entry : node.entries) walk(entry.value, join_path(path, entry.key));
  }

 private:
  void fill(YamlNode& node, const std::string& path) {
    std::vector<std::string> missing;
    const auto text = interpolate(node.text, sources_.variable, missing);
    const View view(&node, path, report_);
    if (!text) return view.error({text.error().what, node.text});
    for (const auto& name : missing) {
      if (told_.insert(name).second)
        view.warn({"variable `" + name + "` is not set, and is empty here", "`" + name + "`"});
    }
    node.text = *text;
  }

  const ConvertSources& sources_;
  Report& report_;
  std::set<std::string> told_;
};

// A ConfigMap or Secret with the one key NAME. False: the file does not say what is in it.
bool add_data(const std::string& name, const View& source, bool secret, const ConvertSources& sources, Value& object) {
  std::optional<std::string> content;
  if (const View file = source["file"]) {
    const auto text = sources.read(file.text());
    if (!text) {
      file.error({"cannot be read: " + text.error().what, file.text()});
      return false;
    }
    content = *text;
  } else if (const View variable = source["environment"]) {
    content = sources.variable(variable.text());
    if (!content) leave_out(variable, "`" + variable.text() + "` is not set here");
  } else if (source["content"]) {
    content = source["content"].text();
  } else {
    leave_out(source, "what is in it stands elsewhere; make a " + std::string(secret ? "Secret `" : "ConfigMap `") +
                          label_from(name) + "` with the key `" + name + "`");
  }
  if (!content) return false;
  object["apiVersion"] = "v1";
  object["kind"] = secret ? "Secret" : "ConfigMap";
  object["metadata"]["name"] = label_from(name);
  object[secret ? "stringData" : "data"][name] = *content;
  return true;
}

class Composer {
 public:
  Composer(const View& file, const ConvertSources& sources) : file_(file), context_{sources, {}, {}} {}

  std::string manifests() {
    check_keys();
    for (const bool secret : {false, true}) {
      for (const auto& [name, source] : file_[secret ? "secrets" : "configs"].entries()) add(name, source, secret);
    }
    const View all = file_["services"];
    const auto services = all.entries();
    if (all && all.node().kind != YamlNode::Kind::kMap) {
      all.error(mismatch(describe(all.node()), "a mapping of names to services"));
    } else if (services.empty()) {
      file_.error({"found no `services`, expected at least one", "nothing", "`services`"});
    }
    for (const auto& [name, service] : services) {
      if (service.node().kind != YamlNode::Kind::kMap) {
        service.error(mismatch(describe(service.node()), "a mapping with `image`"));
        continue;
      }
      if (label_from(name).empty()) service.error(mismatch("the name `" + name + "`", "letters or digits in it"));
      write(manifest_of_service(name, service, context_));
      if (replicas_of(service) != 1) write(name_of_replicas(name));
    }
    return std::move(text_);
  }

 private:
  void check_keys() const {
    for (const auto& [name, value] : file_.entries()) {
      constexpr std::string_view kRead[] = {"services", "configs", "secrets", "volumes", "version", "name"};
      if (name.starts_with("x-") || std::find(std::begin(kRead), std::end(kRead), name) != std::end(kRead)) continue;
      leave_out(value, name == "networks" ? "all Pods are in one network, unless `mete network create` makes more"
                                          : "mete reads services, configs, secrets and volumes");
    }
    for (const auto& [name, volume] : file_["volumes"].entries()) {
      for (const auto& [key, value] : volume.entries()) {
        if (key != "name" && key != "labels" && !key.starts_with("x-"))
          leave_out(value, "a named volume is a directory of mete's, STATE/claims/default/" + label_from(name));
      }
    }
  }

  void add(const std::string& name, const View& source, bool secret) {
    Value object;
    if (!add_data(name, source, secret, context_.sources, object)) return;
    context_.data[name] = secret ? "Secret" : "ConfigMap";
    write(object);
  }

  void write(const Value& object) { text_ += (text_.empty() ? "" : "---\n") + object.yaml(); }

  const View& file_;
  ServiceContext context_;
  std::string text_;
};

Converted result_of(Documents documents, std::string manifests) {
  Converted out;
  out.errors = std::move(documents.errors);
  out.left_out = std::move(documents.warnings);
  if (out.errors.empty()) out.manifests = std::move(manifests);
  return out;
}

}  // namespace

Converted convert_compose(std::string_view text, const std::string& file, const ConvertSources& sources) {
  Documents documents;
  Report report{documents, file, ""};
  auto tree = parse_document(text, 1);
  if (!tree) {
    documents.errors.push_back(
        {{file, tree.error().line, tree.error().column}, "", "", tree.error().message, "", "", ""});
    return result_of(std::move(documents), {});
  }
  const View whole(&*tree, "", report);
  if (!whole || tree->kind != YamlNode::Kind::kMap) {
    whole.error(mismatch("no mapping", "a compose file with `services`"));
    return result_of(std::move(documents), {});
  }
  Interpolator(sources, report).walk(*tree, "");
  std::string manifests = Composer(whole, sources).manifests();
  return result_of(std::move(documents), std::move(manifests));
}

Converted convert_docker_run(const std::vector<std::string>& words, const ConvertSources& sources) {
  Documents documents;
  Report report{documents, "docker run", ""};
  std::string name;
  const YamlNode service = service_of_run(words, name, report);
  ServiceContext context{sources, {}, {}};
  const View view(&service, "", report);
  std::string manifests = documents.errors.empty() ? manifest_of_service(name, view, context).yaml() : std::string();
  return result_of(std::move(documents), std::move(manifests));
}

}  // namespace mete::config
