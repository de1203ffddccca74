// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "config/reading/readers.h"
#include "config/resolve/desired_state.h"
#include "config/resolve/downward.h"
#include "config/resolve/env_file.h"
#include "config/values/names.h"
#include "config/values/quantity.h"

namespace mete::config {
namespace {

template <class Ref>
EnvSource read_key_ref(const View& view) {
  Ref ref{view["name"].text(), view["key"].text(), view["optional"].boolean()};
  if (view["name"]) view["name"].check(check_dns_subdomain(ref.name));
  if (view["key"]) view["key"].check(check_data_key(ref.key));
  return ref;
}

EnvSource read_field_ref(const View& view) {
  FieldRef ref{view["fieldPath"].text()};
  if (view["fieldPath"] && !pod_field(Pod{}, ref.path)) {
    view["fieldPath"].error(mismatch(describe(view["fieldPath"].node()),
                                     "metadata.name, metadata.namespace, metadata.uid, metadata.labels['name'], "
                                     "metadata.annotations['name'], spec.nodeName, spec.serviceAccountName, "
                                     "status.hostIP, status.hostIPs, status.podIP or status.podIPs"));
  }
  return ref;
}

EnvSource read_file_ref(const View& view) {
  FileKeyRef ref{view["volumeName"].text(), view["path"].text(), view["key"].text(), view["optional"].boolean()};
  if (view["path"]) view["path"].check(check_relative_path(ref.path));
  if (view["key"]) view["key"].check(check_env_name(ref.key));
  if (ref.key.size() > kLongestFileKey)
    view["key"].error(mismatch(std::to_string(ref.key.size()) + " characters", "at most 128"));
  return ref;
}

EnvSource read_source(const View& view) {
  constexpr std::array<std::string_view, 5> kSources = {"configMapKeyRef", "secretKeyRef", "fieldRef",
                                                        "resourceFieldRef", "fileKeyRef"};
  int sources = 0;
  for (const auto source : kSources) sources += view[source] ? 1 : 0;
  if (sources != 1 && view) {
    view.error(mismatch(std::to_string(sources) + " sources",
                        "one of configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef or fileKeyRef"));
  }
  if (const View ref = view["configMapKeyRef"]) return read_key_ref<ConfigMapKeyRef>(ref);
  if (const View ref = view["secretKeyRef"]) return read_key_ref<SecretKeyRef>(ref);
  if (const View ref = view["fieldRef"]) return read_field_ref(ref);
  if (const View ref = view["resourceFieldRef"]) return read_resource_ref(ref);
  if (const View ref = view["fileKeyRef"]) return read_file_ref(ref);
  return std::string();
}

}  // namespace

ResourceFieldRef read_resource_ref(const View& view) {
  ResourceFieldRef ref{view["containerName"].text(), view["resource"].text(), 1};
  const bool cpu = ref.resource.ends_with(".cpu");
  if (view["resource"] && !is_resource_field(ref.resource)) {
    view["resource"].error(mismatch(describe(view["resource"].node()),
                                    "limits or requests, then .cpu, .memory, .ephemeral-storage or .hugepages-SIZE"));
  }
  const View divisor = view["divisor"];
  if (cpu) ref.divisor = read_with(divisor, parse_cpu).value_or(MilliCpu(0)).count();
  if (!cpu) ref.divisor = read_with(divisor, parse_bytes).value_or(Bytes(0)).count();
  if (divisor && ref.divisor < 0) divisor.error(mismatch(describe(divisor.node()), "more than 0"));
  if (ref.divisor <= 0) ref.divisor = cpu ? 1000 : 1;  // 0 means 1, as in Kubernetes
  return ref;
}

std::vector<EnvVar> read_env(const View& view) {
  std::vector<EnvVar> env;
  std::set<std::string> names;
  for (const auto& item : view.items()) {
    const View name = item["name"];
    if (name) name.check(check_env_name(name.text()));
    // Kubernetes accepts this and uses the last one, which is rarely intended.
    if (name && !names.insert(name.text()).second) {
      name.warn({"variable `" + name.text() + "` stands twice, the last one wins", "`" + name.text() + "` again"});
    }
    EnvSource source = item["value"].text();
    if (const View from = item["valueFrom"]) {
      if (!item["value"].text().empty()) from.error(mismatch("`value` and `valueFrom`", "one of them"));
      source = read_source(from);
    }
    env.push_back({name.text(), std::move(source), item.location()});
  }
  return env;
}

std::vector<EnvFrom> read_env_from(const View& view) {
  std::vector<EnvFrom> list;
  for (const auto& item : view.items()) {
    const View map = item["configMapRef"];
    const View secret = item["secretRef"];
    if (static_cast<bool>(map) == static_cast<bool>(secret)) {
      item.error(mismatch(map ? "both" : "neither", "one of configMapRef or secretRef"));
      continue;
    }
    const View& ref = map ? map : secret;
    if (ref["name"]) ref["name"].check(check_dns_subdomain(ref["name"].text()));
    if (const View prefix = item["prefix"]; prefix && !prefix.text().empty())
      prefix.check(check_env_name(prefix.text()));
    list.push_back({map ? EnvFromKind::kConfigMap : EnvFromKind::kSecret, ref["name"].text(), item["prefix"].text(),
                    ref["optional"].boolean(), item.location()});
  }
  return list;
}

}  // namespace mete::config
