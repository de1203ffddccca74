// SPDX-License-Identifier: Apache-2.0
// Metadata of all kinds, ConfigMaps and Secrets.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <string_view>

#include "config/base/base64.h"
#include "config/reading/readers.h"
#include "config/values/names.h"

namespace mete::config {
namespace {

// Kubernetes' own bound for ConfigMaps and Secrets; it also bounds a container's environment and tmpfs.
constexpr std::size_t kMaxDataBytes = 1U << 20U;

// Kubernetes allows upper case before the '/' of an annotation's key, unlike a label's.
std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::map<std::string, std::string> read_data(const View& view) {
  std::map<std::string, std::string> data;
  for (const auto& [key, value] : view.entries()) {
    value.check(check_data_key(key));
    data[key] = value.text();
  }
  return data;
}

std::map<std::string, std::string> read_encoded(const View& view) {
  std::map<std::string, std::string> data;
  for (const auto& [key, value] : view.entries()) {
    value.check(check_data_key(key));
    auto decoded = decode_base64(value.text());
    // The found value is left out: it may be the secret itself, written without base64.
    if (!decoded) value.error({decoded.error().what, "", "base64; plain text goes under stringData"});
    data[key] = decoded.value_or("");
  }
  return data;
}

void check_size(const View& view, const std::map<std::string, std::string>& data) {
  std::size_t total = 0;
  for (const auto& [key, value] : data) total += key.size() + value.size();
  if (total <= kMaxDataBytes) return;
  view.error(mismatch(std::to_string(total) + " bytes of data", "at most " + std::to_string(kMaxDataBytes)));
}

// FNV-1a over all that the object says, so that the same manifest gives the same name each time it is read.
void add_to_hash(const YamlNode& node, std::uint64_t& hash) {
  const auto add = [&](std::string_view text) {
    constexpr std::uint64_t kPrime = 1099511628211ULL;
    for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * kPrime;
    hash = (hash ^ 0xFFU) * kPrime;
  };
  add(node.text);
  for (const auto& item : node.items) add_to_hash(item, hash);
  for (const auto& entry : node.entries) {
    add(entry.key);
    add_to_hash(entry.value, hash);
  }
}

// Kubernetes takes the same letters, by chance: no vowels, so that no words arise.
std::string generated_name(const View& object, std::string prefix) {
  constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  constexpr std::size_t kLongestPrefix = 58;
  constexpr int kSuffix = 5;
  std::uint64_t hash = 14695981039346656037ULL;
  add_to_hash(object.node(), hash);
  prefix.resize(std::min(prefix.size(), kLongestPrefix));
  for (int i = 0; i < kSuffix; ++i, hash /= kLetters.size()) prefix += kLetters[hash % kLetters.size()];
  return prefix;
}

std::string read_name(const View& object, const View& metadata) {
  std::string name = object_name(object);
  if (const View own = metadata["name"]) {
    own.check(check_dns_subdomain(name));
  } else if (const View prefix = metadata["generateName"]) {
    prefix.check(check_dns_subdomain(name));
  } else if (metadata) {  // without metadata that is the error
    metadata.error({"`name` is missing", "nothing", "`name`"});
  }
  return name;
}

}  // namespace

std::map<std::string, std::string> read_labels(const View& view) {
  std::map<std::string, std::string> labels;
  for (const auto& [key, value] : view.entries()) {
    value.check(check_label_key(key));
    value.check(check_label_value(value.text()));
    labels[key] = value.text();
  }
  return labels;
}

std::map<std::string, std::string> read_annotations(const View& view) {
  std::map<std::string, std::string> annotations;
  for (const auto& [key, value] : view.entries()) {
    value.check(check_label_key(lower_case(key)));
    annotations[key] = value.text();
  }
  return annotations;
}

namespace {

// Those of Kubernetes itself, which stand in objects that were written by `kubectl get`: its own bookkeeping.
constexpr auto kOwnFinalizers = std::to_array<std::string_view>({
    "batch.kubernetes.io/job-tracking",
    "foregroundDeletion",
    "kubernetes.io/pvc-protection",
    "orphan",
    "service.kubernetes.io/load-balancer-cleanup",
});

// Who asks for one counts on being waited for.
void warn_of_finalizers(const View& view) {
  for (const auto& item : view.items()) {
    const std::string name = item.text();
    if (std::find(kOwnFinalizers.begin(), kOwnFinalizers.end(), name) != kOwnFinalizers.end()) continue;
    item.warn({.message = "`finalizers` is not acted on: a delete does not wait for " + name, .not_acted_on = true});
  }
}

}  // namespace

ObjectMeta read_metadata(const View& object) {
  const View view = object["metadata"];
  warn_of_finalizers(view["finalizers"]);
  ObjectMeta metadata;
  metadata.name = read_name(object, view);
  if (view["namespace"]) {
    metadata.namespace_ = view["namespace"].text();
    view["namespace"].check(check_dns_label(metadata.namespace_));
  }
  metadata.uid = view["uid"].text();
  metadata.labels = read_labels(view["labels"]);
  metadata.annotations = read_annotations(view["annotations"]);
  return metadata;
}

std::string object_name(const View& object) {
  const View metadata = object["metadata"];
  const std::string name = metadata["name"].text();
  return !name.empty() || !metadata["generateName"] ? name : generated_name(object, metadata["generateName"].text());
}

ConfigMap read_config_map(const View& view) {
  ConfigMap map;
  map.location = view.location();
  map.metadata = read_metadata(view);
  map.data = read_data(view["data"]);
  map.binary_data = read_encoded(view["binaryData"]);
  for (const auto& [key, value] : view["binaryData"].entries()) {
    if (map.data.count(key) > 0) value.error({"stands in `data` too", "`" + key + "` again"});
  }
  map.immutable = view["immutable"].boolean();
  check_size(view, map.data);
  check_size(view, map.binary_data);
  return map;
}

Secret read_secret(const View& view) {
  Secret secret;
  secret.location = view.location();
  secret.metadata = read_metadata(view);
  secret.type = view["type"].text(secret.type);
  secret.data = read_encoded(view["data"]);
  for (auto& [key, value] : read_data(view["stringData"])) secret.data[key] = value;
  secret.immutable = view["immutable"].boolean();
  check_size(view, secret.data);
  return secret;
}

RuntimeClass read_runtime_class(const View& view) {
  // As Kubernetes checks it: a DNS label.
  if (view["handler"]) view["handler"].check(check_dns_label(view["handler"].text()));
  return {read_metadata(view), view["handler"].text(), view.location()};
}

std::optional<std::uint32_t> read_id(const View& view) {
  const auto value = view.integer();
  if (!value) return std::nullopt;
  return static_cast<std::uint32_t>(*value);  // the shape check has checked the range
}

void check_unique(const View& view, std::string_view what, std::set<std::string>& seen) {
  if (!view || view.text().empty() || seen.insert(view.text()).second) return;
  view.error(
      {std::string(what) + " `" + view.text() + "` stands twice", "`" + view.text() + "` again", "a name used once"});
}

}  // namespace mete::config
