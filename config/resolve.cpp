// SPDX-License-Identifier: Apache-2.0
#include "config/resolve.h"

#include <algorithm>

#include "config/expand.h"

namespace mete::config {
namespace {

using Data = std::map<std::string, std::string>;

struct Reference {
  bool secret = false;
  std::string name;
  bool optional = false;
  Location location;
  std::string field;
};

std::string kind_name(const Reference& reference) {
  return (reference.secret ? "Secret `" : "ConfigMap `") + reference.name + "`";
}

class Resolver {
 public:
  Resolver(PodPlan& plan, const DataIndex& data, std::vector<Diagnostic>& errors)
      : plan_(plan), data_(data), errors_(errors) {}

  void run() {
    const PodSpec& spec = plan_.pod.spec;
    plan_.init_containers = containers(spec.init_containers, "spec.initContainers");
    plan_.containers = containers(spec.containers, "spec.containers");
    for (std::size_t i = 0; i < spec.volumes.size(); ++i) volume(spec.volumes[i], i);
  }

 private:
  void error(const Reference& reference, std::string message, std::string expected) {
    errors_.push_back({reference.location, "Pod " + full_name(plan_.pod.metadata), reference.field, std::move(message),
                       kind_name(reference), std::move(expected), ""});
  }

  // The object's keys. Empty when the object is missing, which is an error unless the reference is optional.
  std::optional<Data> look_up(const Reference& reference) {
    const std::string key = plan_.pod.metadata.namespace_ + "/" + reference.name;
    if (reference.secret) {
      if (const auto found = data_.secrets.find(key); found != data_.secrets.end()) return found->second->data;
    } else if (const auto found = data_.config_maps.find(key); found != data_.config_maps.end()) {
      Data all = found->second->data;
      all.insert(found->second->binary_data.begin(), found->second->binary_data.end());
      return all;
    }
    if (!reference.optional) {
      error(reference, kind_name(reference) + " does not exist in namespace `" + plan_.pod.metadata.namespace_ + "`",
            "a manifest that holds it, or `optional: true`");
    }
    return std::nullopt;
  }

  std::optional<std::string> look_up_key(const Reference& reference, const std::string& key) {
    const auto data = look_up(reference);
    if (!data) return std::nullopt;
    const auto found = data->find(key);
    if (found == data->end()) {
      if (!reference.optional) error(reference, kind_name(reference) + " has no key `" + key + "`", "a key it has");
      return std::nullopt;
    }
    // An environment variable ends at a NUL: the rest of the value would be lost silently.
    if (found->second.find('\0') != std::string::npos) {
      error(reference, kind_name(reference) + ": the value of `" + key + "` holds a NUL byte", "text");
      return std::nullopt;
    }
    return found->second;
  }

  std::vector<ContainerPlan> containers(const std::vector<Container>& list, const std::string& field) {
    std::vector<ContainerPlan> plans;
    plans.reserve(list.size());
    for (std::size_t i = 0; i < list.size(); ++i) {
      plans.push_back(container(list[i], field + "[" + std::to_string(i) + "]"));
    }
    return plans;
  }

  ContainerPlan container(const Container& from, const std::string& field) {
    ContainerPlan to;
    to.name = from.name;
    Data known;
    const auto lookup = [&known](std::string_view name) -> std::optional<std::string> {
      const auto found = known.find(std::string(name));
      if (found == known.end()) return std::nullopt;
      return found->second;
    };
    const auto set = [&](const std::string& name, std::string value) {
      if (known.insert_or_assign(name, value).second) return to.env.push_back({name, std::move(value)});
      std::find_if(to.env.begin(), to.env.end(), [&](const auto& e) { return e.name == name; })->value =
          std::move(value);
    };
    for (std::size_t i = 0; i < from.env_from.size(); ++i) {
      for (auto& [name, value] : env_from(from.env_from[i], field + ".envFrom[" + std::to_string(i) + "]")) {
        set(name, std::move(value));
      }
    }
    for (std::size_t i = 0; i < from.env.size(); ++i) {
      auto value = env_value(from.env[i], lookup, field + ".env[" + std::to_string(i) + "]");
      if (value) set(from.env[i].name, std::move(*value));
    }
    for (const auto& word : from.command) to.command.push_back(expand(word, lookup));
    for (const auto& word : from.args) to.args.push_back(expand(word, lookup));
    return to;
  }

  Data env_from(const EnvFrom& from, std::string field) {
    const Reference reference{from.kind == EnvFromKind::kSecret, from.name, from.optional, from.location,
                              std::move(field)};
    Data named;
    for (auto& [key, value] : look_up(reference).value_or(Data())) {
      if (value.find('\0') != std::string::npos) continue;  // binary data is for volumes only
      named[from.prefix + key] = std::move(value);
    }
    return named;
  }

  std::optional<std::string> env_value(const EnvVar& variable, const Lookup& lookup, std::string field) {
    if (const auto* text = std::get_if<std::string>(&variable.source)) return expand(*text, lookup);
    if (const auto* ref = std::get_if<FieldRef>(&variable.source)) return pod_field(plan_.pod, ref->path);
    field += ".valueFrom";
    if (const auto* ref = std::get_if<SecretKeyRef>(&variable.source)) {
      return look_up_key({true, ref->name, ref->optional, variable.location, std::move(field)}, ref->key);
    }
    const auto& ref = std::get<ConfigMapKeyRef>(variable.source);
    return look_up_key({false, ref.name, ref.optional, variable.location, std::move(field)}, ref.key);
  }

  void volume(const Volume& volume, std::size_t index) {
    const std::string field = "spec.volumes[" + std::to_string(index) + "]";
    if (const auto* source = std::get_if<ConfigMapVolume>(&volume.source)) {
      files(volume, *source, {false, source->name, source->optional, volume.location, field + ".configMap"});
    } else if (const auto* secret = std::get_if<SecretVolume>(&volume.source)) {
      files(volume, *secret, {true, secret->name, secret->optional, volume.location, field + ".secret"});
    }
  }

  template <class Source>
  void files(const Volume& volume, const Source& source, const Reference& reference) {
    VolumeFiles out{volume.name, reference.secret, {}};
    const auto data = look_up(reference).value_or(Data());
    if (source.items.empty()) {
      for (const auto& [key, value] : data) out.files.push_back({key, value, source.default_mode});
    }
    for (const auto& item : source.items) {
      const auto found = data.find(item.key);
      if (found != data.end()) {
        out.files.push_back({item.path, found->second, item.mode.value_or(source.default_mode)});
      } else if (!source.optional && !data.empty()) {
        error(reference, kind_name(reference) + " has no key `" + item.key + "`", "a key it has");
      }
    }
    plan_.volume_files.push_back(std::move(out));
  }

  PodPlan& plan_;
  const DataIndex& data_;
  std::vector<Diagnostic>& errors_;
};

// Returns x of metadata.labels['x'].
std::optional<std::string> subscript(std::string_view path, std::string_view field) {
  const std::string start = std::string(field) + "['";
  if (path.substr(0, start.size()) != start || path.size() < start.size() + 2) return std::nullopt;
  if (path.substr(path.size() - 2) != "']") return std::nullopt;
  return std::string(path.substr(start.size(), path.size() - start.size() - 2));
}

std::string value_or_empty(const Data& data, const std::string& key) {
  const auto found = data.find(key);
  return found == data.end() ? "" : found->second;
}

}  // namespace

void resolve(PodPlan& plan, const DataIndex& data, std::vector<Diagnostic>& errors) {
  Resolver(plan, data, errors).run();
}

std::optional<std::string> pod_field(const Pod& pod, std::string_view path) {
  if (path == "metadata.name") return pod.metadata.name;
  if (path == "metadata.namespace") return pod.metadata.namespace_;
  if (path == "metadata.uid") return pod.metadata.uid;
  if (const auto key = subscript(path, "metadata.labels")) return value_or_empty(pod.metadata.labels, *key);
  if (const auto key = subscript(path, "metadata.annotations")) return value_or_empty(pod.metadata.annotations, *key);
  return std::nullopt;
}

}  // namespace mete::config
