// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
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

// How Kubernetes checks it (validateContainerResourceDivisor): 1m or 1 of CPU; of all others 1 or one of a suffix above
// 1, also written otherwise ("1000k" is 1M, "1024" is none). Exact, as an amount would be rounded up.
bool is_divisor(std::string_view text, bool cpu) {
  constexpr std::string_view kPowersOf1000 = "num kMGTPE";  // 'n' is 1000^-3
  constexpr std::string_view kPowersOf1024 = " KMGTPE";
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto number_end = std::min(text.find_first_not_of("0123456789."), text.size());
  std::string digits(text.substr(0, number_end));
  std::string_view suffix = text.substr(number_end);
  int below = 0;  // digits behind the point
  if (const auto point = digits.find('.'); point != std::string::npos) {
    digits.erase(point, 1);
    below = static_cast<int>(digits.size() - point);
  }
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  for (; below > 0 && digits.ends_with('0'); --below) digits.pop_back();
  if (suffix.ends_with('i')) {
    if (cpu || below > 0 || suffix.size() != 2) return false;
    auto power = kPowersOf1024.find(suffix.front());
    for (std::uint64_t each = 1; power <= 6; each *= 1024, ++power) {
      if (digits == std::to_string(each)) return true;
    }
    return false;
  }
  if (suffix.size() > 1 || digits.find_first_not_of('0', 1) != std::string::npos || !digits.starts_with('1'))
    return false;  // an exponent is none either
  const auto power = static_cast<int>(kPowersOf1000.find(suffix.empty() ? ' ' : suffix.front())) - 3;
  const int zeros = static_cast<int>(digits.size()) - 1 - below + 3 * power;
  return cpu ? zeros == 0 || zeros == -3 : zeros >= 0 && zeros <= 18 && zeros % 3 == 0;
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
  if (divisor && ref.divisor != 0 && !is_divisor(divisor.text(), cpu)) {
    divisor.error(mismatch(describe(divisor.node()),
                           cpu ? "1m or 1" : "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi or 1Ei"));
  }
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
