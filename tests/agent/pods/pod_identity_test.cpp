// SPDX-License-Identifier: Apache-2.0
// The identity of a pod over the field tables: each field that mete acts on is changed alone.
#include "agent/pods/record/pod_identity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>

#include "config/reading/fields.h"
#include "config/reading/yaml/yaml_reader.h"
#include "runtime/json.h"

namespace mete::agent {
namespace {

using config::FieldSpec;
using config::FieldType;
using config::FieldUse;
using config::ObjectSpec;
using nlohmann::json;

using Values = std::pair<json, json>;

// The other objects of the manifest, which references may name.
constexpr const char* kData =
    "kind: ConfigMap\napiVersion: v1\nmetadata: {name: one}\ndata: {a: one-a, b: one-b}\n---\n"
    "kind: ConfigMap\napiVersion: v1\nmetadata: {name: two}\ndata: {a: two-a, b: two-b}\n---\n"
    "kind: Secret\napiVersion: v1\nmetadata: {name: one}\nstringData: {a: secret-one-a, b: secret-one-b}\n---\n"
    "kind: Secret\napiVersion: v1\nmetadata: {name: two}\nstringData: {a: secret-two-a, b: secret-two-b}\n---\n"
    "kind: RuntimeClass\napiVersion: node.k8s.io/v1\nmetadata: {name: other}\nhandler: runc\n---\n";

// Two values of a field where "a" and "b" would be wrong. By the end of its path.
const std::vector<std::pair<std::string, Values>>& special_values() {
  static const std::vector<std::pair<std::string, Values>> values = {
      {".workingDir", {"/a", "/b"}},
      {".mountPath", {"/a", "/b"}},
      {".hostPath.path", {"/a", "/b"}},
      {".ip", {"10.0.0.1", "10.0.0.2"}},
      {".hostIP", {"10.0.0.1", "10.0.0.2"}},
      {".volumeMounts[].name", {"data", "more"}},
      {".capabilities.add", {json::array({"CHOWN"}), json::array({"KILL"})}},
      {".capabilities.drop", {json::array({"CHOWN"}), json::array({"KILL"})}},
      {".fieldPath", {"metadata.name", "metadata.namespace"}},
      {"KeyRef.name", {"one", "two"}},
      {"MapRef.name", {"one", "two"}},
      {"secretRef.name", {"one", "two"}},
      {".configMap.name", {"one", "two"}},
      {".secretName", {"one", "two"}},
      {".secret.name", {"one", "two"}},
      {".resource", {"limits.cpu", "requests.cpu"}},
      {"sysctls", {json(), json::array({{{"name", "net.a"}, {"value", "1"}}})}},
      {".dnsConfig", {json(), {{"nameservers", json::array({"10.0.0.1"})}}}},
      {".dnsPolicy", {"Default", "None"}},
      {".os.name", {"linux", "linux"}},
      {".appArmorProfile.type", {"RuntimeDefault", "Unconfined"}},
      {".nfs", {{{"server", "a"}, {"path", "/a"}}, {{"server", "a"}, {"path", "/b"}}}},
      {".awsElasticBlockStore", {{{"volumeID", "vol-1"}}, {{"volumeID", "vol-2"}}}},
      {".clusterTrustBundle.name", {"one", "two"}},
      {".clusterTrustBundle.signerName", {"a.b/one", "a.b/two"}},
      {".labelSelector.matchExpressions[].operator", {"Exists", "DoesNotExist"}},
      {".labelSelector.matchExpressions[].values", {json::array({"a"}), json::array({"b"})}},
      {".recursiveReadOnly", {"Disabled", "Disabled"}},
      {".emptyDir.medium", {"", "Memory"}},
      {".fileKeyRef.volumeName", {"data", "more"}},
      {".runtimeClassName", {"mete", "other"}},
      {".containerName", {"a", "a"}},
      {"spec.resources", {json(), {{"limits", {{"cpu", "1"}}}}}},
      {".resourceFieldRef.divisor", {"1m", "1"}},  // of limits.cpu
      {".stopSignal", {"SIGTERM", "SIGINT"}},
      {".livenessProbe.successThreshold", {1, 1}},
      {".startupProbe.successThreshold", {1, 1}},
      {".readinessProbe.terminationGracePeriodSeconds", {json(), json()}},
      {".restartPolicyRules",
       {json(), json::array({{{"action", "Restart"}, {"exitCodes", {{"operator", "In"}, {"values", {1}}}}}})}},
  };
  return values;
}

std::optional<Values> special_of(const std::string& path) {
  for (const auto& [end, values] : special_values()) {
    if (path.ends_with(end)) return values;
  }
  return std::nullopt;
}

Values values_of(const FieldSpec& field, const std::string& path) {
  if (const auto special = special_of(path)) return *special;
  const std::int64_t least = std::max<std::int64_t>(field.min, 0);
  switch (field.type) {
    case FieldType::kBool:
      return {false, true};
    case FieldType::kInteger:
    case FieldType::kCount:
      return {least + 1, least + 2};
    case FieldType::kIntegerOrString:
      return {80, 81};
    case FieldType::kIntegerList:
      return {json::array({least + 1}), json::array({least + 2})};
    case FieldType::kStringList:
      return {json::array({"a"}), json::array({"b"})};
    case FieldType::kStringMap:
      return {{{"a", "1"}}, {{"a", "2"}}};
    case FieldType::kBytes:
      return {"1Mi", "2Mi"};
    case FieldType::kCpu:
      return {"100m", "200m"};
    case FieldType::kDuration:
      return {"1s", "2s"};
    case FieldType::kResources:  // of the same QoS class
      return {{{"cpu", "100m"}}, {{"cpu", "200m"}}};
    default:
      if (field.values.size() > 1) return {std::string(field.values[0]), std::string(field.values[1])};
      if (field.values.size() == 1) return {std::string(field.values[0]), std::string(field.values[0])};
      return {"a", "b"};
  }
}

json object_with_required(const ObjectSpec& spec, const std::string& path) {
  json object = json::object();
  for (const auto& field : spec.fields) {
    if (!field.required) continue;
    const std::string here = path.empty() ? std::string(field.name) : path + "." + std::string(field.name);
    json& value = object[std::string(field.name)];
    if (field.type == FieldType::kObject) {
      value = object_with_required(*field.object, here);
    } else if (field.type == FieldType::kObjectList) {
      value = json::array({object_with_required(*field.object, here + "[]")});
    } else {
      value = values_of(field, here).first;
    }
  }
  return object;
}

struct Step {
  const ObjectSpec* object;  // that the field is of
  const FieldSpec* field;
};
using Path = std::vector<Step>;

std::string text_of(const Path& path) {
  std::string text;
  for (const auto& step : path) {
    text += (text.empty() ? "" : ".") + std::string(step.field->name);
    if (&step != &path.back() && step.field->type == FieldType::kObjectList) text += "[]";
  }
  return text;
}

// The fields that must stand beside a field of a downwardAPI or projected volume. `at`: the object that the field is
// of.
void complete_volume(const std::string& path, json& at) {
  const json item = {{"path", "p"}, {"fieldRef", {{"fieldPath", "metadata.name"}}}};
  if (path.ends_with("downwardAPI.items[].path") || path.ends_with("downwardAPI.items[].mode")) {
    at["fieldRef"] = item["fieldRef"];
  }
  if (path.ends_with("resourceFieldRef.resource") || path.ends_with("resourceFieldRef.divisor")) {
    at["containerName"] = "a";
  }
  if (path.ends_with("downwardAPI.defaultMode")) at["items"] = json::array({item});
  if (path.ends_with("projected.defaultMode")) at["sources"] = json::array({{{"configMap", {{"name", "one"}}}}});
}

// The same of a probe or hook, which does one thing, and of what only a sidecar has.
void complete_care(const std::string& path, json& at, json& container) {
  if (path.find("Probe.") != std::string::npos && path.ends_with("Seconds")) at["exec"] = {{"command", {"a"}}};
  if (path.ends_with("Threshold")) at["exec"] = {{"command", {"a"}}};
  const bool care = path.find("Probe.") != std::string::npos || path.find(".lifecycle.") != std::string::npos ||
                    path.ends_with(".restartPolicyRules");
  if (care && !container.contains("restartPolicy")) container["restartPolicy"] = "Always";
}

// A Pod with that one field, and what must stand beside it.
json pod_with(const Path& path, const json& value) {
  json pod = object_with_required(config::kPodSpec, "");
  json* at = &pod;
  std::string here;
  for (const auto& step : path) {
    const std::string name(step.field->name);
    here += (here.empty() ? "" : ".") + name;
    if (&step == &path.back()) {
      (*at)[name] = value;
      break;
    }
    json& child = (*at)[name];
    const bool list = step.field->type == FieldType::kObjectList;
    if (list) here += "[]";
    if (child.is_null()) {
      child = object_with_required(*step.field->object, here);
      if (list) child = json::array({child});
    }
    at = list ? &child[0] : &child;
  }
  if (here != "metadata.name" && here != "metadata.generateName") pod["metadata"]["name"] = "a";
  if (!here.starts_with("spec.volumes"))
    pod["spec"]["volumes"] = json::parse(R"([{"name": "data"}, {"name": "more"}])");
  // Two containers of a pod have two names; a source of variables says which.
  if (here.starts_with("spec.initContainers[]")) pod["spec"]["containers"][0]["name"] = "main";
  if (here.ends_with(".envFrom[].prefix")) (*at)["configMapRef"] = {{"name", "one"}};
  if (here.ends_with("Profile.localhostProfile")) (*at)["type"] = "Localhost";
  if (here.find(".clusterTrustBundle.") != std::string::npos) {
    json& source = pod["spec"]["volumes"][0]["projected"]["sources"][0]["clusterTrustBundle"];
    const bool by_labels = here.find(".labelSelector.") != std::string::npos;
    if (by_labels) source["signerName"] = "a.b/c";
    if (!source.contains("name") && !source.contains("signerName")) source["name"] = "one";
  }
  if (here.ends_with("matchExpressions[].values")) (*at)["operator"] = "In";
  if (here.ends_with(".procMount")) pod["spec"]["hostUsers"] = false;
  if (here.ends_with(".dnsPolicy")) (*at)["dnsConfig"] = {{"nameservers", json::array({"10.0.0.1"})}};
  if (here.starts_with("spec.volumes")) complete_volume(here, *at);
  if (here.starts_with("spec.initContainers[]")) complete_care(here, *at, pod["spec"]["initContainers"][0]);
  if (here.starts_with("spec.containers[]")) complete_care(here, *at, pod["spec"]["containers"][0]);
  return pod;
}

std::string hash_of(const json& pod, const std::string& path) {
  const auto state = config::assemble({config::read_documents(kData + pod.dump(), "p.yaml")});
  std::string errors;
  for (const auto& error : state.errors) errors += config::to_string(error) + "\n";
  EXPECT_EQ(errors, "") << path << ": " << pod.dump() << "\nGive it two right values in special_values().";
  return state.pods.size() == 1 ? identity_hash(*state.pods[0]) : std::string();
}

void each_field(const ObjectSpec& object, Path& path, const std::function<void(const Path&)>& see) {
  for (const auto& field : object.fields) {
    if (field.use != FieldUse::kActive || field.type == FieldType::kAny) continue;
    path.push_back({&object, &field});
    const bool nested = field.type == FieldType::kObject || field.type == FieldType::kObjectList;
    if (nested && !field.identity_by_text) {
      each_field(*field.object, path, see);
    } else {
      see(path);
    }
    path.pop_back();
  }
}

TEST(PodIdentity, HoldsEveryFieldOrSaysWhyNot) {
  std::map<std::string, bool> differs;
  Path path;
  each_field(config::kPodSpec, path, [&](const Path& at) {
    const auto& field = *at.back().field;
    const std::string text = text_of(at);
    Values values = values_of(field, text);
    if (field.object != nullptr && !special_of(text)) {  // counted as a whole, by its text
      values = {json(), object_with_required(*field.object, text)};
      if (field.type == FieldType::kObjectList) values.second = json::array({values.second});
    }
    if (values.first == values.second) return;  // apiVersion, kind
    differs[text] = hash_of(pod_with(at, values.first), text) != hash_of(pod_with(at, values.second), text);
  });
  EXPECT_GT(differs.size(), 80U);
  const auto is_of = [](const std::string& text, std::string_view above) {
    return text == above || text.starts_with(std::string(above) + ".");
  };
  const auto listed = [&](const std::string& text) {
    return std::any_of(kNeedNoNewPod.begin(), kNeedNoNewPod.end(),
                       [&](const auto& each) { return is_of(text, each.path); });
  };
  for (const auto& [text, differ] : differs) {
    std::string of_container = text;
    if (const std::string init = "spec.initContainers"; text.starts_with(init))
      of_container.replace(0, init.size(), "spec.containers");
    EXPECT_TRUE(differ || listed(text) || listed(of_container))
        << text << " changes nothing in the identity: mark its row `.identity_by_text = true`, or list it in "
        << "pod_identity.h if it needs no new pod";
    EXPECT_FALSE(differ && listed(text)) << text << " is in the identity, and in the list of what is not";
  }
  for (const auto& each : kNeedNoNewPod) {
    const bool known =
        std::any_of(differs.begin(), differs.end(), [&](const auto& it) { return is_of(it.first, each.path); });
    EXPECT_TRUE(known) << each.path << " is no field that mete acts on";
  }
}

config::DesiredState read(const std::string& name) {
  std::ifstream file(std::string(METE_SOURCE_DIR) + "/tests/" + name);
  return config::assemble({config::read_documents(std::string(std::istreambuf_iterator<char>(file), {}), name)});
}

// As the agents before wrote them into their records: pods that run must not be made anew by an upgrade.
TEST(PodIdentity, IsWhatItWas) {
  const auto everything = read("agent/manifests/identity.yaml");
  ASSERT_EQ(everything.pods.size(), 1U);
  EXPECT_TRUE(was_identity(*everything.pods[0], "c38800782ab17095"));
  EXPECT_EQ(resources_hash(*everything.pods[0]), "5883ecd3a10e206f");
  const auto nginx = read("config/manifests/nginx.yaml");
  ASSERT_EQ(nginx.pods.size(), 1U);
  EXPECT_TRUE(was_identity(*nginx.pods[0], "f6d82b3e21ee4fcd"));
  EXPECT_FALSE(was_identity(*nginx.pods[0], "c38800782ab17095"));
  EXPECT_EQ(identity_hash(*nginx.pods[0]), "99061c37c754bfb0");
  EXPECT_EQ(identity_hash(*everything.pods[0]), "31fcabb28b3c78f5");
}

TEST(PodIdentity, IsNotWhatConfigMapsAndSecretsHold) {
  const auto hash = [](const std::string& level) {
    return identity_hash(
        *config::assemble({config::read_documents(
                              "kind: ConfigMap\napiVersion: v1\nmetadata: {name: m}\ndata: {level: " + level +
                                  "}\n---\nkind: Pod\napiVersion: v1\nmetadata: {name: p}\nspec:\n  containers:\n"
                                  "  - {name: c, image: i, envFrom: [{configMapRef: {name: m}}]}\n"
                                  "  volumes: [{name: v, configMap: {name: m}}]\n",
                              "p.yaml")})
             .pods.at(0));
  };
  EXPECT_EQ(hash("debug"), hash("info"));
}

TEST(PodIdentity, IsNotLabelsAndOfAnnotationsOnlyThoseThatAreActedOn) {
  const auto hash = [](const std::string& labels, const std::string& annotations) {
    return identity_hash(
        *config::assemble(
             {config::read_documents("kind: Pod\napiVersion: v1\nmetadata: {name: p, labels: {" + labels +
                                         "}, annotations: {" + annotations + "}}\nspec:\n  containers:\n  - name: c\n" +
                                         "    image: i\n    env:\n    - {name: A, valueFrom: {fieldRef: {fieldPath: " +
                                         "\"metadata.annotations['a']\"}}}\n",
                                     "p.yaml")})
             .pods.at(0));
  };
  const std::string before = hash("", "a: x");
  EXPECT_EQ(hash("l: x", "a: y, example.com/b: z"), before);
  EXPECT_EQ(hash("", "a: x, kubernetes.io/ingress-bandwidth: 1M"), before) << "is held anew";
  for (const char* acted_on : {"mete/network: none", "mete/mac: \"02:00:00:00:00:01\"", "docker.mete/pid: default/a",
                               "container.apparmor.security.beta.kubernetes.io/c: unconfined"})
    EXPECT_NE(hash("", std::string("a: x, ") + acted_on), before) << acted_on;
}

TEST(PodIdentity, HashesOfWhatHasNotChangedAreTakenOver) {
  const auto pods = [](const std::vector<std::string>& names, const std::string& image) {
    std::string text;
    for (const auto& name : names) {
      text += "kind: Pod\napiVersion: v1\nmetadata: {name: " + name + "}\nspec: {containers: [{name: c, image: ";
      text += (name == "c" ? image : "one") + "}]}\n---\n";
    }
    return config::assemble({config::read_documents(text, "p.yaml")}).pods;
  };
  const auto before = pods({"a", "c", "d"}, "one");
  const std::vector<PlanHashes> marked = {{"a", "1"}, {"c", "2"}, {"d", "3"}};
  const auto now = pods({"b", "c", "d", "e"}, "two");
  const auto hashes = hashes_of(now, before, marked);
  ASSERT_EQ(hashes.size(), 4U);
  EXPECT_EQ(hashes[2], marked[2]) << "d is the same";
  for (const std::size_t i : {0U, 1U, 3U}) EXPECT_EQ(hashes[i].identity, identity_hash(*now[i])) << i;
  EXPECT_EQ(hashes_of(pods({"a"}, ""), {}, {}).at(0).resources, resources_hash(*pods({"a"}, "").at(0)));
}

}  // namespace
}  // namespace mete::agent
