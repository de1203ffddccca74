// SPDX-License-Identifier: Apache-2.0
#include "config/resolve/resolve.h"

#include <algorithm>

#include "config/resolve/downward.h"
#include "config/resolve/env_file.h"
#include "config/resolve/expand.h"
#include "config/resolve/reference_lookup.h"
#include "config/resolve/trust_anchors.h"
#include "config/values/names.h"

namespace mete::config {
namespace {

class Resolver {
 public:
  // What has its name in place of its value: nothing, ConfigMaps and Secrets, the Pod's labels and annotations as well.
  enum class Values { kLookedUp, kNamed, kLasting };
  Resolver(const Pod& pod, const Surroundings& data, Findings findings, Values values)
      : pod_(pod),
        data_(data),
        lookup_(pod, data, findings),
        findings_(findings),
        by_name_(values != Values::kLookedUp),
        lasting_(values == Values::kLasting) {}

  NamedReferences run() {
    const PodSpec& spec = pod_.spec;
    NamedReferences out;
    out.init_containers = containers(spec.init_containers, "spec.initContainers");
    out.containers = containers(spec.containers, "spec.containers");
    for (std::size_t i = 0; i < spec.volumes.size(); ++i) volume(spec.volumes[i], i, out.volume_files);
    return out;
  }
  [[nodiscard]] bool refers() const { return refers_; }
  [[nodiscard]] bool refers_to_metadata() const { return refers_to_metadata_; }

 private:
  // `find`: pod_field() or pod_field_in_file().
  std::optional<std::string> field(std::string_view path,
                                   std::optional<std::string> (*find)(const Pod& pod, std::string_view path)) {
    if (!path.starts_with("metadata.labels") && !path.starts_with("metadata.annotations")) return find(pod_, path);
    refers_to_metadata_ = true;
    return lasting_ ? named_field(path) : find(pod_, path);
  }

  std::optional<std::string> key_value(const Reference& reference, const std::string& key) {
    refers_ = true;
    return by_name_ ? named(reference, key) : lookup_.value(reference, key);
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
    lookup_.forget_missing();
    KeyValues known;
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
      auto value = env_value(from, from.env[i], lookup, field + ".env[" + std::to_string(i) + "]");
      if (value) set(from.env[i].name, std::move(*value));
    }
    for (const auto& word : from.command) to.command.push_back(expand(word, lookup));
    for (const auto& word : from.args) to.args.push_back(expand(word, lookup));
    for (std::size_t i = 0; i < from.volume_mounts.size(); ++i) {
      to.sub_paths.push_back(
          sub_path(from.volume_mounts[i], lookup, field + ".volumeMounts[" + std::to_string(i) + "]"));
    }
    to.missing = lookup_.missing();
    return to;
  }

  // Unlike elsewhere a variable that is not there is an error: the whole volume would be seen instead.
  std::string sub_path(const VolumeMount& mount, const Lookup& lookup, const std::string& field) {
    if (mount.sub_path_expr.empty() || by_name_) return mount.sub_path;
    std::string missing;
    std::string path = expand(mount.sub_path_expr, [&](std::string_view name) {
      auto value = lookup(name);
      if (!value) missing = name;
      return value;
    });
    const auto complain = [&](std::string message, std::string expected) {
      findings_.errors.push_back({mount.location, "Pod " + full_name(pod_.metadata), field + ".subPathExpr",
                                  std::move(message), mount.sub_path_expr, std::move(expected), ""});
    };
    if (!missing.empty()) {
      if (!lookup_.missing().empty()) return path;  // it may be one that the container waits for
      complain("found no variable `" + missing + "` in the container's environment",
               "a variable of `env` or `envFrom`");
    } else if (const Status fine = check_relative_path(path); !fine) {
      complain("gives \"" + path + "\": " + fine.error().what, "a relative path");
    }
    return path;
  }

  KeyValues env_from(const EnvFrom& from, std::string field) {
    const Reference reference{from.kind == EnvFromKind::kSecret, from.name, from.optional, from.location,
                              std::move(field)};
    KeyValues found;
    refers_ = true;
    if (by_name_) {
      found[named(reference, from.prefix)] = "";
      return found;
    }
    for (auto& [key, value] : lookup_.all(reference).value_or(KeyValues())) {
      if (value.find('\0') != std::string::npos) continue;  // binary data is for volumes only
      found[from.prefix + key] = std::move(value);
    }
    return found;
  }

  std::optional<std::string> env_value(const Container& container, const EnvVar& variable, const Lookup& lookup,
                                       std::string field) {
    if (const auto* text = std::get_if<std::string>(&variable.source)) return expand(*text, lookup);
    if (const auto* ref = std::get_if<FieldRef>(&variable.source)) return this->field(ref->path, pod_field);
    if (const auto* ref = std::get_if<ResourceFieldRef>(&variable.source)) {
      return resource_mark(ref->container.empty() ? container.name : ref->container, *ref);
    }
    if (const auto* ref = std::get_if<FileKeyRef>(&variable.source)) return file_value_mark(*ref);
    field += ".valueFrom";
    if (const auto* ref = std::get_if<SecretKeyRef>(&variable.source)) {
      return key_value({true, ref->name, ref->optional, variable.location, std::move(field)}, ref->key);
    }
    const auto& ref = std::get<ConfigMapKeyRef>(variable.source);
    return key_value({false, ref.name, ref.optional, variable.location, std::move(field)}, ref.key);
  }

  void volume(const Volume& volume, std::size_t index, std::vector<VolumeFiles>& all) {
    const std::string field = "spec.volumes[" + std::to_string(index) + "]";
    VolumeFiles out{volume.name, std::holds_alternative<SecretVolume>(volume.source), {}, {}};
    lookup_.forget_missing();
    if (const auto* projected = std::get_if<ProjectedVolume>(&volume.source)) {
      for (std::size_t i = 0; i < projected->sources.size(); ++i) {
        const std::string place = field + ".projected.sources[" + std::to_string(i) + "]";
        std::visit([&](const auto& source) { add_files(source, volume, place, out.files); }, projected->sources[i]);
      }
    } else if (const auto* map = std::get_if<ConfigMapVolume>(&volume.source)) {
      add_files(*map, volume, field, out.files);
    } else if (const auto* secret = std::get_if<SecretVolume>(&volume.source)) {
      add_files(*secret, volume, field, out.files);
    } else if (const auto* downward = std::get_if<DownwardVolume>(&volume.source)) {
      add_files(*downward, volume, field, out.files);
    } else {
      return;
    }
    out.missing = lookup_.missing();
    all.push_back(std::move(out));
  }

  void add_files(const ConfigMapVolume& source, const Volume& volume, const std::string& field,
                 std::vector<VolumeFile>& files) {
    add_keys(source, {false, source.name, source.optional, volume.location, field + ".configMap"}, files);
  }

  void add_files(const SecretVolume& source, const Volume& volume, const std::string& field,
                 std::vector<VolumeFile>& files) {
    add_keys(source, {true, source.name, source.optional, volume.location, field + ".secret"}, files);
  }

  // The reader has checked that the fields and the containers exist.
  void add_files(const DownwardVolume& source, const Volume& /*volume*/, const std::string& /*field*/,
                 std::vector<VolumeFile>& files) {
    for (const auto& item : source.items) {
      std::optional<std::string> text;
      if (const auto* ref = std::get_if<FieldRef>(&item.source)) {
        text = this->field(ref->path, pod_field_in_file);
      } else {
        const auto& resource = std::get<ResourceFieldRef>(item.source);
        text = resource_mark(resource.container, resource);
      }
      put(files, {item.path, text.value_or(""), item.mode.value_or(source.default_mode), true});
    }
  }

  void add_files(const TrustBundleSource& source, const Volume& volume, const std::string& field,
                 std::vector<VolumeFile>& files) {
    refers_ = true;
    const auto mode = std::get<ProjectedVolume>(volume.source).default_mode;
    if (by_name_) return put(files, {source.path, trust_source_text(source), mode});
    auto found = trust_anchors(source, data_.trust_bundles);
    if (!found && !source.optional)
      lookup_.miss({false, source.name.empty() ? source.signer : source.name, false, volume.location,
                    field + ".clusterTrustBundle", "ClusterTrustBundle"},
                   found.error().what, found.error().what);
    put(files, {source.path, found.value_or(std::string()), mode});
  }

  // A later source replaces a file of an earlier one.
  static void put(std::vector<VolumeFile>& files, VolumeFile file) {
    const auto same =
        std::find_if(files.begin(), files.end(), [&](const auto& each) { return each.path == file.path; });
    if (same == files.end()) {
      files.push_back(std::move(file));
    } else {
      *same = std::move(file);
    }
  }

  template <class Source>
  void add_keys(const Source& source, const Reference& reference, std::vector<VolumeFile>& files) {
    refers_ = true;
    if (by_name_) return name_keys(source, reference, files);
    const auto data = lookup_.all(reference).value_or(KeyValues());
    if (source.items.empty()) {
      for (const auto& [key, value] : data) put(files, {key, value, source.default_mode});
    }
    for (const auto& item : source.items) {
      const auto found = data.find(item.key);
      if (found != data.end()) {
        put(files, {item.path, found->second, item.mode.value_or(source.default_mode)});
      } else if (!source.optional && lookup_.missing().empty()) {
        lookup_.miss(
            reference,
            (reference.secret ? "references non-existent secret key: " : "references non-existent config key: ") +
                item.key,
            kind_name(reference) + " has no key `" + item.key + "`");
      }
    }
  }

  template <class Source>
  void name_keys(const Source& source, const Reference& reference, std::vector<VolumeFile>& files) {
    if (source.items.empty()) put(files, {named(reference), "", source.default_mode});
    for (const auto& item : source.items) {
      put(files, {item.path, named(reference, item.key), item.mode.value_or(source.default_mode)});
    }
  }

  const Pod& pod_;
  const Surroundings& data_;
  ReferenceLookup lookup_;
  Findings findings_;
  bool by_name_;
  bool lasting_;
  bool refers_ = false;
  bool refers_to_metadata_ = false;
};

}  // namespace

void resolve(PodPlan& plan, const Surroundings& data, Findings findings) {
  Resolver resolver(plan.pod, data, findings, Resolver::Values::kLookedUp);
  NamedReferences values = resolver.run();
  plan.init_containers = std::move(values.init_containers);
  plan.containers = std::move(values.containers);
  plan.volume_files = std::move(values.volume_files);
  plan.pull_logins = pull_logins(plan.pod, data, findings);
  std::vector<Diagnostic> known;  // all findings have been made above
  if (resolver.refers()) plan.by_name = Resolver(plan.pod, data, {known, known}, Resolver::Values::kNamed).run();
  if (resolver.refers_to_metadata())
    plan.lasting = Resolver(plan.pod, data, {known, known}, Resolver::Values::kLasting).run();
}

}  // namespace mete::config
