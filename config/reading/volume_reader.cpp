// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "config/reading/elsewhere_volumes.h"
#include "config/reading/fields.h"
#include "config/reading/readers.h"
#include "config/resolve/downward.h"
#include "config/values/names.h"
#include "config/values/quantity.h"

namespace mete::config {
namespace {

std::vector<KeyToPath> read_items(const View& view) {
  std::vector<KeyToPath> items;
  std::set<std::string> paths;
  for (const auto& item : view.items()) {
    items.push_back({item["key"].text(), item["path"].text(), read_id(item["mode"])});
    if (item["key"]) item["key"].check(check_data_key(items.back().key));
    if (item["path"]) item["path"].check(check_relative_path(items.back().path));
    check_unique(item["path"], "path", paths);
  }
  return items;
}

HostPathVolume read_host_path(const View& view) {
  HostPathVolume volume{view["path"].text(), read_enum(view["type"], kHostPathTypeNames, HostPathType::kUnchecked)};
  if (view["path"]) view["path"].check(check_absolute_path(volume.path));
  return volume;
}

// "HugePages-2Mi"; "HugePages" is those of the one size that the containers have (check_huge_pages).
void read_huge_pages_medium(const View& medium, EmptyDirVolume& volume) {
  constexpr std::string_view kMedium = "HugePages";
  const std::string text = medium.text();
  if (text.empty() || volume.memory) return;
  const std::string size = text.starts_with("HugePages-") ? text.substr(kMedium.size() + 1) : std::string();
  const auto page = parse_bytes(size);
  if (text == kMedium) {
    volume.huge_pages = kAnyHugePage;
  } else if (!size.empty() && page && *page > Bytes(0)) {
    volume.huge_pages = size;
  } else {
    medium.error(mismatch(describe(medium.node()), "\"\", Memory, HugePages or HugePages-SIZE such as HugePages-2Mi"));
  }
}

EmptyDirVolume read_empty_dir(const View& view) {
  EmptyDirVolume volume;
  volume.memory = view["medium"].text() == "Memory";
  read_huge_pages_medium(view["medium"], volume);
  volume.mode = read_id(view["mode"]);
  volume.size_limit = read_with(view["sizeLimit"], parse_bytes);
  if (volume.size_limit && *volume.size_limit < Bytes(0)) {
    view["sizeLimit"].error(mismatch(describe(view["sizeLimit"].node()), "0 or more"));
  }
  if (volume.size_limit == Bytes(0)) volume.size_limit.reset();  // in Kubernetes, 0 means no limit
  return volume;
}

template <class T>
T read_keyed(const View& view, std::string_view name_field) {
  T volume;
  volume.name = view[name_field].text();
  if (view[name_field]) view[name_field].check(check_dns_subdomain(volume.name));
  volume.items = read_items(view["items"]);
  volume.optional = view["optional"].boolean();
  volume.default_mode = read_id(view["defaultMode"]).value_or(kDefaultFileMode);
  return volume;
}

ConfigMapVolume read_map_projection(const View& view, std::uint32_t mode) {
  ConfigMapVolume volume = read_keyed<ConfigMapVolume>(view, "name");
  volume.default_mode = mode;
  return volume;
}

SecretVolume read_secret_projection(const View& view, std::uint32_t mode) {
  SecretVolume volume = read_keyed<SecretVolume>(view, "name");
  volume.default_mode = mode;
  return volume;
}

DownwardFile read_downward_file(const View& view) {
  DownwardFile file{view["path"].text(), FieldRef{}, read_id(view["mode"])};
  if (view["path"]) view["path"].check(check_relative_path(file.path));
  const View field = view["fieldRef"];
  const View resource = view["resourceFieldRef"];
  if (static_cast<bool>(field) == static_cast<bool>(resource)) {
    view.error(mismatch(field ? "both" : "neither", "one of fieldRef and resourceFieldRef"));
  } else if (field) {
    const View path = field["fieldPath"];
    file.source = FieldRef{path.text()};
    if (path && !pod_field_in_file(Pod{}, path.text())) {
      path.error(mismatch(describe(path.node()),
                          "metadata.name, metadata.namespace, metadata.uid, metadata.labels, metadata.annotations, or "
                          "one of the last two with ['name']"));
    }
  } else {
    ResourceFieldRef ref = read_resource_ref(resource);
    if (ref.container.empty()) resource.error({"`containerName` is missing", "nothing", "`containerName`"});
    file.source = std::move(ref);
  }
  return file;
}

DownwardVolume read_downward(const View& view, std::uint32_t mode) {
  DownwardVolume volume;
  volume.default_mode = read_id(view["defaultMode"]).value_or(mode);
  std::set<std::string> paths;
  for (const auto& item : view["items"].items()) {
    volume.items.push_back(read_downward_file(item));
    check_unique(item["path"], "path", paths);
  }
  return volume;
}

// What an API server adds to every Pod, kube-api-access-*, has this beside the token: the certificate of the server.
constexpr const char* kServersCertificate = "kube-root-ca.crt";

ProjectedVolume read_projected(const View& view) {
  ProjectedVolume volume;
  volume.default_mode = read_id(view["defaultMode"]).value_or(kDefaultFileMode);
  const auto sources = view["sources"].items();
  const bool has_token = std::any_of(sources.begin(), sources.end(),
                                     [](const View& each) { return static_cast<bool>(each["serviceAccountToken"]); });
  for (const auto& item : sources) {
    if (item.entries().size() != 1) {
      item.error(mismatch(std::to_string(item.entries().size()) + " sources", "one in each item"));
    } else if (const View map = item["configMap"]) {
      ConfigMapVolume keys = read_map_projection(map, volume.default_mode);
      keys.optional |= has_token && keys.name == kServersCertificate;
      volume.sources.emplace_back(std::move(keys));
    } else if (const View secret = item["secret"]) {
      volume.sources.emplace_back(read_secret_projection(secret, volume.default_mode));
    } else if (const View downward = item["downwardAPI"]) {
      volume.sources.emplace_back(read_downward(downward, volume.default_mode));
    } else if (const View trust = item["clusterTrustBundle"]) {
      volume.sources.emplace_back(read_trust_source(trust));
    } else if (const View token = item["serviceAccountToken"]) {
      token.warn({"`serviceAccountToken` is left out: there is no API server to give one"});
    }
  }
  return volume;
}

ImageVolume read_image(const View& view) {
  ImageVolume volume{view["reference"].text(),
                     read_enum(view["pullPolicy"], kPullPolicyNames, PullPolicy::kIfNotPresent)};
  check_image_name(view["reference"]);
  return volume;
}

VolumeSource read_volume_source(const View& view) {
  std::vector<std::string> sources;
  for (const auto& entry : view.node().entries) {
    if (entry.key != "name") sources.push_back(entry.key);
  }
  if (sources.size() > 1) {
    view.error(mismatch("`" + sources[0] + "` and `" + sources[1] + "`", "one kind of volume"));
    return {};
  }
  if (sources.empty()) return EmptyDirVolume{};  // as in Kubernetes
  const View source = view[sources[0]];
  if (sources[0] == "hostPath") return read_host_path(source);
  if (sources[0] == "emptyDir") return read_empty_dir(source);
  if (sources[0] == "configMap") return read_keyed<ConfigMapVolume>(source, "name");
  if (sources[0] == "secret") return read_keyed<SecretVolume>(source, "secretName");
  if (sources[0] == "downwardAPI") return read_downward(source, kDefaultFileMode);
  if (sources[0] == "projected") return read_projected(source);
  if (sources[0] == "persistentVolumeClaim") {
    ClaimVolume claim{source["claimName"].text(), source["readOnly"].boolean()};
    if (source["claimName"]) source["claimName"].check(check_dns_subdomain(claim.claim));
    return claim;
  }
  if (sources[0] == "image") return read_image(source);
  if (sources[0] == "ephemeral") return EphemeralVolume{};
  if (auto elsewhere = read_elsewhere_volume(sources[0], source)) return std::move(*elsewhere);
  refuse_volume(sources[0], source);
  return {};
}

}  // namespace

std::vector<Volume> read_volumes(const View& view) {
  std::vector<Volume> volumes;
  std::set<std::string> names;
  for (const auto& item : view.items()) {
    const View name = item["name"];
    if (name) name.check(check_dns_label(name.text()));
    check_unique(name, "volume", names);
    volumes.push_back({name.text(), read_volume_source(item), item.location()});
  }
  return volumes;
}

}  // namespace mete::config
