// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/workload_text.h"

#include <ctime>

#include "config/reading/yaml/yaml_reader.h"
#include "runtime/json.h"

namespace mete::agent {
namespace {

using nlohmann::json;

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// The text was written by this program or read by its reader; what cannot be parsed has no fields.
json parsed(const std::string& text) {
  json value = json::parse(text, nullptr, false);
  return value.is_object() ? value : json::object();
}

json at_path(const json& value, std::initializer_list<const char*> path) {
  const json* here = &value;
  for (const char* name : path) {
    if (!here->is_object() || !here->contains(name)) return nullptr;
    here = &here->at(name);
  }
  return *here;
}

}  // namespace

Result<config::Workload> read_workload_text(const std::string& text, const std::string& file) {
  auto documents = config::read_documents(text, file);
  if (!documents.errors.empty()) return fail(config::to_string(documents.errors.front()));
  if (documents.workloads.size() != 1) return fail(file + ": found no workload, expected one");
  return std::move(documents.workloads.front());
}

std::string with_overrides(const std::string& text, const Overrides& overrides) {
  if (overrides.template_text.empty() && overrides.restarted_at.empty()) return text;
  json object = parsed(text);
  json& spec = object["spec"];
  if (!overrides.template_text.empty()) spec["template"] = parsed(overrides.template_text);
  if (!overrides.restarted_at.empty()) {
    json& metadata = spec["template"]["metadata"];
    if (!metadata.is_object()) metadata = json::object();
    if (!metadata["annotations"].is_object()) metadata["annotations"] = json::object();
    metadata["annotations"][kRestartedAt] = overrides.restarted_at;
  }
  return dump(object);
}

std::string template_text(const std::string& object) {
  return dump(at_path(parsed(object), {"spec", "template"}));
}

std::string with_template(const std::string& object, const std::string& template_text) {
  json value = parsed(object);
  value["spec"]["template"] = parsed(template_text);
  return dump(value);
}

bool says_otherwise(const std::string& text, const std::string& other, const char* field) {
  return at_path(parsed(text), {"spec", field}) != at_path(parsed(other), {"spec", field});
}

std::string hash_of(std::string_view text, int collisions) {
  // FNV-1a of 32 bits, in decimal, each digit replaced by a letter: rand.SafeEncodeString.
  constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  std::uint32_t hash = 2166136261U;
  const auto add = [&](unsigned char byte) { hash = (hash ^ byte) * 16777619U; };
  for (const char c : text) add(static_cast<unsigned char>(c));
  for (int i = 0; i < collisions; ++i) add(static_cast<unsigned char>('+'));
  std::string encoded = std::to_string(hash);
  for (char& c : encoded) c = kLetters[static_cast<unsigned char>(c) % kLetters.size()];
  return encoded;
}

std::string generated_name(std::string base, std::string_view suffix) {
  constexpr std::size_t kLongest = 63;
  if (base.size() + suffix.size() > kLongest) base.resize(kLongest - suffix.size());
  return base.append(suffix);
}

std::string replica_set_text(const std::string& deployment, const std::string& name, const std::string& hash) {
  const json from = parsed(deployment);
  json set = {{"apiVersion", "apps/v1"}, {"kind", "ReplicaSet"}};
  set["metadata"] = {{"name", name}};
  if (const json space = at_path(from, {"metadata", "namespace"}); space.is_string())
    set["metadata"]["namespace"] = space;
  json annotations = at_path(from, {"metadata", "annotations"});
  if (annotations.is_object()) {
    annotations.erase("kubectl.kubernetes.io/last-applied-configuration");
    annotations.erase(kRevisionAnnotation);
    set["metadata"]["annotations"] = annotations;
  }
  json& spec = set["spec"];
  spec["template"] = at_path(from, {"spec", "template"});
  spec["template"]["metadata"]["labels"][kTemplateHash] = hash;
  set["metadata"]["labels"] = spec["template"]["metadata"]["labels"];
  spec["selector"] = at_path(from, {"spec", "selector"});
  spec["selector"]["matchLabels"][kTemplateHash] = hash;
  if (const json ready = at_path(from, {"spec", "minReadySeconds"}); !ready.is_null()) spec["minReadySeconds"] = ready;
  return dump(set);
}

std::string job_text(const std::string& cron_job, const std::string& name, WallTime at) {
  const json from = parsed(cron_job);
  json job = {{"apiVersion", "batch/v1"}, {"kind", "Job"}};
  json metadata = at_path(from, {"spec", "jobTemplate", "metadata"});
  if (!metadata.is_object()) metadata = json::object();
  for (const char* field : {"generateName", "uid", "creationTimestamp"}) metadata.erase(field);
  metadata["name"] = name;
  if (const json space = at_path(from, {"metadata", "namespace"}); space.is_string()) metadata["namespace"] = space;
  if (at != WallTime()) metadata["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] = rfc3339(at);
  job["metadata"] = std::move(metadata);
  job["spec"] = at_path(from, {"spec", "jobTemplate", "spec"});
  return dump(job);
}

std::string rfc3339(WallTime at) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace mete::agent
