// SPDX-License-Identifier: Apache-2.0
#include "config/names.h"
#include "config/quantity.h"
#include "config/reading/fields.h"
#include "config/reading/readers.h"

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

EmptyDirVolume read_empty_dir(const View& view) {
  EmptyDirVolume volume;
  volume.memory = view["medium"].text() == "Memory";
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

VolumeSource read_source(const View& view) {
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
  // An error and not a warning: a program that finds an empty folder instead of its data does harm. The shape check has
  // reported unknown names.
  for (const auto& field : kVolumeSpec.fields) {
    if (field.name != sources[0]) continue;
    source.error(mismatch("a `" + sources[0] + "` volume, which mete cannot provide yet",
                          "hostPath, emptyDir, configMap or secret"));
  }
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
    volumes.push_back({name.text(), read_source(item), item.location()});
  }
  return volumes;
}

}  // namespace mete::config
