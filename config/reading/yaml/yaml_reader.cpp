// SPDX-License-Identifier: Apache-2.0
#include "config/reading/yaml/yaml_reader.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>

#include "config/model/diagnostics.h"
#include "config/reading/fields.h"
#include "config/reading/fields/workload_fields.h"
#include "config/reading/readers.h"
#include "config/reading/service_reader.h"
#include "config/reading/traffic_reader.h"
#include "config/reading/yaml/doubles.h"
#include "config/reading/yaml/json_text.h"
#include "config/reading/yaml/shape.h"
#include "config/reading/yaml/yaml_tree.h"

namespace mete::config {
namespace {

constexpr std::string_view kNotActedOn = "is not acted on yet";
constexpr std::string_view kNotActive = "is not active yet";

// Appends the read object to `to` unless it has an error: an object is read completely or not at all.
template <class T>
void read_into(const View& view, const ObjectSpec& spec, T (*read)(const View&), std::vector<T>& to) {
  const std::size_t errors = view.report().out.errors.size();
  check_shape(view, spec, &spec == &kPolicySpec ? kNotActive : kNotActedOn);
  T object = read(view);
  if (view.report().out.errors.size() == errors) to.push_back(std::move(object));
}

struct Kind {
  std::string_view name;
  std::string_view api_version;
  void (*read)(const View& view, Documents& out);
  std::span<const std::string_view> more_versions = {};  // that say the same
};

// The object says nothing that is needed beyond its name.
void read_claim(const View& view, Documents& out) {
  read_into(view, kClaimObjectSpec, read_metadata, out.claims);
}

// Kinds of a cluster that mean nothing on one machine: their files are not refused for them.
constexpr auto kWithoutMeaning = std::to_array<std::string_view>({
    "ClusterRole",
    "ClusterRoleBinding",
    "ControllerRevision",
    "CustomResourceDefinition",
    "Endpoints",
    "EndpointSlice",
    "Event",
    "HorizontalPodAutoscaler",
    "Ingress",
    "IngressClass",
    "LimitRange",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PodDisruptionBudget",
    "PodTemplate",
    "PriorityClass",
    "ResourceQuota",
    "Role",
    "RoleBinding",
    "ServiceAccount",
    "StorageClass",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
});
// An API group that is neither one of those that mete reads nor the core group: "monitoring.coreos.com/v1".
bool is_foreign_group(std::string_view api_version) {
  const auto slash = api_version.find('/');
  const std::string_view group = api_version.substr(0, slash);
  return slash != std::string_view::npos && group.find('.') != std::string_view::npos;
}

// Why an object of a kind without meaning is left out. A claim has a volume of mete's own, whatever volumes are named.
std::string why_left_out(const View& view, std::string_view kind) {
  const std::string none = "it means nothing on one machine";
  if (kind == "Namespace") return "a namespace is there as soon as an object names it";
  if (kind == "Ingress" || kind == "IngressClass")
    return "mete serves no HTTP for others; a Service of type NodePort, or a hostPort, is reached from outside";
  if (kind != "PersistentVolume") return none;
  for (const char* source : {"hostPath", "local"}) {
    const std::string path = view["spec"][source]["path"].text();
    if (!path.empty())
      return "a claim gets a new volume of mete's own, without what is in " + path +
             "; a Pod has that by a volume of type hostPath";
  }
  return none;
}

// True when the kind got its warning.
bool report_left_out(const View& view, std::string_view kind) {
  const auto among = [&](const auto& kinds) { return std::find(kinds.begin(), kinds.end(), kind) != kinds.end(); };
  const std::string name = view["metadata"]["name"].text("<no name>");
  if (among(kWithoutMeaning)) {
    view["kind"].warn({std::string(kind) + " `" + name + "` is left out: " + why_left_out(view, kind)});
  } else if (const std::string version = view["apiVersion"].text(); is_foreign_group(version)) {
    view["kind"].warn({std::string(kind) + " `" + name + "` is left out: mete reads no kinds of " + version});
  } else {
    return false;
  }
  return true;
}

void read_made(const View& view, Documents& out) {
  read_into(view, *workload_spec(view["kind"].text()), read_workload, out.workloads);
}

constexpr auto kTrustBundleVersions =
    std::to_array<std::string_view>({"certificates.k8s.io/v1", "certificates.k8s.io/v1alpha1"});

constexpr auto kKinds = std::to_array<Kind>({
    {"Pod", "v1", [](const View& view, Documents& out) { read_into(view, kPodSpec, read_pod, out.pods); }},
    {"ConfigMap", "v1",
     [](const View& view, Documents& out) { read_into(view, kConfigMapSpec, read_config_map, out.config_maps); }},
    {"Secret", "v1", [](const View& view, Documents& out) { read_into(view, kSecretSpec, read_secret, out.secrets); }},
    {"Policy", "mete/v1",
     [](const View& view, Documents& out) { read_into(view, kPolicySpec, read_policy, out.policies); }},
    {"PersistentVolumeClaim", "v1", read_claim},
    {"Service", "v1",
     [](const View& view, Documents& out) { read_into(view, kServiceSpec, read_service, out.services); }},
    {"NetworkPolicy", "networking.k8s.io/v1",
     [](const View& view, Documents& out) {
       read_into(view, kTrafficPolicySpec, read_traffic_policy, out.traffic_policies);
     }},
    {"Deployment", "apps/v1", read_made},
    {"ReplicaSet", "apps/v1", read_made},
    {"StatefulSet", "apps/v1", read_made},
    {"DaemonSet", "apps/v1", read_made},
    {"Job", "batch/v1", read_made},
    {"CronJob", "batch/v1", read_made},
    {"ReplicationController", "v1", read_made},
    {"ClusterTrustBundle", "certificates.k8s.io/v1beta1",
     [](const View& view, Documents& out) { read_into(view, kTrustBundleSpec, read_trust_bundle, out.trust_bundles); },
     kTrustBundleVersions},
    {"RuntimeClass", "node.k8s.io/v1",
     [](const View& view, Documents& out) {
       read_into(view, kRuntimeClassSpec, read_runtime_class, out.runtime_classes);
     }},
});

const std::vector<std::string_view>& known_kinds() {
  static const std::vector<std::string_view> kinds = [] {
    std::vector<std::string_view> names;
    for (const auto& kind : kKinds) names.push_back(kind.name);
    names.push_back("List");
    return names;
  }();
  return kinds;
}

void report_unknown_kind(const View& kind) {
  Complaint complaint = mismatch("kind " + describe(kind.node()), one_of(known_kinds()));
  complaint.suggestion = nearest(kind.text(), known_kinds());
  if (!complaint.suggestion.empty()) complaint.message += ", did you mean `" + complaint.suggestion + "`?";
  kind.error(std::move(complaint));
}

// `kind: List`, and the lists of one kind that an API server gives: PodList, DeploymentList, ...
bool is_list(const View& view) {
  const std::string kind = view["kind"].text();
  constexpr std::size_t kSuffix = std::string_view("List").size();
  if (!kind.ends_with("List")) return false;
  const auto of = std::string_view(kind).substr(0, kind.size() - kSuffix);
  return of.empty() || std::any_of(kKinds.begin(), kKinds.end(), [&](const Kind& known) { return known.name == of; });
}

// The items of a list of one kind need not say what they are.
YamlNode with_kind(const View& list, const YamlNode& item) {
  YamlNode node = item;
  const std::string kind = list["kind"].text();
  if (kind == "List" || node.kind != YamlNode::Kind::kMap) return node;
  const auto add = [&](std::string_view key, std::string text) {
    if (find(node, key) != nullptr) return;
    YamlNode value;
    value.kind = YamlNode::Kind::kScalar;
    value.text = std::move(text);
    value.line = item.line;
    value.column = item.column;
    node.entries.push_back({std::string(key), item.line, item.column, std::move(value)});
  };
  add("apiVersion", list["apiVersion"].text());
  add("kind", kind.substr(0, kind.size() - std::string_view("List").size()));
  return node;
}

std::string shown_name(const View& view, std::string_view kind) {
  const std::string name = object_name(view);
  return std::string(kind) + " " + view["metadata"]["namespace"].text("default") + "/" +
         (name.empty() ? "<no name>" : name);
}

class Reader {
 public:
  Reader(Documents& out, std::string file) : report_{out, std::move(file), ""} {}

  void text(const DocumentText& document) {
    auto tree = parse_document(document.text, document.first_line);
    if (!tree) return broken(tree.error());
    const auto doubles = keep_last_of_doubles(*tree);
    const View view(&*tree, "", report_);
    report_.object.clear();
    if (const View kind = view["kind"]; kind && !is_list(view)) report_.object = shown_name(view, kind.text());
    for (const auto& each : doubles) warn_of(each);
    report_.object.clear();
    object(view, true);
  }

  void broken(const ParseError& error) {
    report_.out.errors.push_back({{report_.file, error.line, error.column}, "", "", error.message, "", "", ""});
  }

 private:
  void warn_of(const DoubleKey& key) {
    Diagnostic warning;
    warning.location = {report_.file, key.line, key.column};
    warning.object = report_.object;
    warning.field = key.path;
    warning.found = "a key that stands twice";
    warning.expected = "each key once";
    warning.message = "stands twice in the same mapping: this one counts, and not the one at " +
                      std::to_string(key.earlier_line) + ":" + std::to_string(key.earlier_column);
    report_.out.warnings.push_back(std::move(warning));
  }

  void object(const View& view, bool may_be_list) {
    if (!view) return;
    if (view.node().kind != YamlNode::Kind::kMap) {
      return view.error(mismatch(describe(view.node()), "a mapping with `apiVersion`, `kind` and `metadata`"));
    }
    const View kind = view["kind"];
    if (!kind || kind.node().kind != YamlNode::Kind::kScalar) {
      return view.error({"`kind` is missing", "nothing", "`kind`: " + one_of(known_kinds())});
    }
    if (is_list(view) && may_be_list) return list(view);
    for (const auto& known : kKinds) {
      if (known.name == kind.text()) return read(view, known);
    }
    if (!report_left_out(view, kind.text())) report_unknown_kind(kind);
  }

  void read(const View& view, const Kind& kind) {
    report_.object = shown_name(view, kind.name);
    const View version = view["apiVersion"];
    const auto& more = kind.more_versions;
    if (version && version.text() != kind.api_version &&
        std::find(more.begin(), more.end(), version.text()) == more.end()) {
      // One clear error instead of the many that a file for another version would give.
      return version.error(mismatch(describe(version.node()), "\"" + std::string(kind.api_version) + "\""));
    }
    kind.read(view, report_.out);
    report_.object.clear();
  }

  // Such as `kubectl get -o yaml` writes.
  void list(const View& view) {
    const View items = view["items"];
    if (!items || items.node().kind != YamlNode::Kind::kList) {
      return view.error({"a List needs `items`, a list of objects", "nothing", "`items`"});
    }
    for (const auto& item : items.items()) {
      const YamlNode node = with_kind(view, item.node());
      object(View(&node, item.path(), report_), false);
    }
  }

  Report report_;
};

}  // namespace

Documents read_documents(std::string_view text, std::string_view file, int first_line) {
  Documents out;
  Reader reader(out, std::string(file));
  const auto wrong = check_text(text, first_line);
  for (const auto& error : wrong) reader.broken(error);
  if (!wrong.empty()) return out;
  for (auto& document : split_documents(text)) {
    document.first_line += first_line - 1;
    reader.text(document);
  }
  return out;
}

std::vector<DocumentText> list_items(const DocumentText& document) {
  std::vector<DocumentText> texts;
  auto tree = parse_document(document.text, document.first_line);
  if (!tree || tree->kind != YamlNode::Kind::kMap) return texts;
  (void)keep_last_of_doubles(*tree);  // read_documents() tells of them
  Documents unused;
  Report report{unused, "", ""};
  const View view(&*tree, "", report);
  if (!is_list(view)) return texts;
  for (const auto& item : view["items"].items())
    texts.push_back({json_text(with_kind(view, item.node())) + "\n", item.node().line});
  return texts;
}

std::string pod_spec_json(std::string_view text, std::string_view space, std::string_view name) {
  for (auto& document : split_documents(text)) {
    auto documents = list_items(document);
    if (documents.empty()) documents.push_back(std::move(document));
    for (const auto& each : documents) {
      auto tree = parse_document(each.text, each.first_line);
      if (!tree) continue;
      (void)keep_last_of_doubles(*tree);
      Documents unused;
      Report report{unused, "", ""};
      const View view(&*tree, "", report);
      if (view["kind"].text() != "Pod" || object_name(view) != name) continue;
      if (view["metadata"]["namespace"].text("default") == space && view["spec"]) return json_text(view["spec"].node());
    }
  }
  return {};
}

}  // namespace mete::config
