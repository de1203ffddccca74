// SPDX-License-Identifier: Apache-2.0
// Manifests that Kubernetes accepts as they stand: values that mean nothing, names made of the content, JSON, kinds of
// a cluster.
#include "tests/config/support.h"

namespace mete::config {
namespace {

using namespace literals;

// Fields that kubectl and cluster tools write into every exported Pod.
TEST(PodReader, WhatHasNoMeaningOnOneMachineWarnsOfNothing) {
  const auto documents = read_documents(
      pod_text("    imagePullPolicy: IfNotPresent\n    ports: [{containerPort: 80}]\n    terminationMessagePath: "
               "/dev/termination-log\n    terminationMessagePolicy: File\n    resources: {}\n    securityContext: "
               "{seLinuxOptions: {}, procMount: Default}\n",
               "  affinity: {}\n  nodeSelector: {a: b}\n  nodeName: n\n  schedulerName: default-scheduler\n"
               "  tolerations: [{operator: Exists}]\n  enableServiceLinks: true\n  preemptionPolicy: Never\n"
               "  serviceAccount: x\n  serviceAccountName: x\n  dnsPolicy: ClusterFirst\n  hostUsers: true\n"
               "  securityContext: {}\n  imagePullSecrets: [{name: a}]\n  readinessGates: []\n"),
      "p.yaml");
  EXPECT_TRUE(documents.ok()) << joined(documents.errors);
  EXPECT_TRUE(documents.warnings.empty()) << joined(documents.warnings);
  EXPECT_EQ(documents.pods.at(0).spec.service_account, "x");
}

TEST(PodReader, VolumesThatThisMachineHasNotAreErrors) {
  for (const std::string kind :
       {"azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume", "flocker", "gitRepo", "glusterfs",
        "iscsi", "photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume"}) {
    const auto documents = read_documents(pod_text("", "  volumes: [{name: v, " + kind + ": {a: b}}]\n"), "p.yaml");
    // What is missing here, and what a Pod has in its place.
    EXPECT_TRUE(has(documents.errors, "spec.volumes[0]." + kind, "a `" + kind + "` volume, and "))
        << joined(documents.errors);
    EXPECT_TRUE(has(documents.errors, "spec.volumes[0]." + kind, ", expected hostPath") ||
                has(documents.errors, "spec.volumes[0]." + kind, ", expected persistentVolumeClaim") ||
                has(documents.errors, "spec.volumes[0]." + kind, ", expected emptyDir, which an init container"))
        << joined(documents.errors);
  }
}

TEST(PodReader, APriorityClassNeedsItsNumber) {
  EXPECT_EQ(read_one(pod_text("", "  priority: -5\n  priorityClassName: low\n")).spec.priority, -5);
  EXPECT_TRUE(has(read_documents(pod_text("", "  priorityClassName: low\n"), "p.yaml").warnings,
                  "spec.priorityClassName", "`priority` beside it"));
}

TEST(PodReader, ALimitOfZeroIsNone) {
  const Pod pod = read_one(pod_text("    resources: {limits: {cpu: 0, memory: \"0\"}, requests: {memory: 0}}\n"));
  const Resources& resources = pod.spec.containers[0].resources;
  EXPECT_EQ(resources.limits, ResourceList{});
  EXPECT_EQ(resources.requests.memory, Bytes(0));
  EXPECT_EQ(resources.requests.cpu, std::nullopt);
}

TEST(PodReader, ANameIsMadeOfTheContent) {
  const auto name = [](const std::string& more) {
    return read_one(
               "apiVersion: v1\nkind: Pod\nmetadata: {generateName: run-}\nspec:\n  containers:\n  - name: c\n"
               "    image: i\n" +
               more)
        .metadata.name;
  };
  EXPECT_TRUE(name("").starts_with("run-")) << name("");
  EXPECT_EQ(name("").size(), 9U);
  EXPECT_EQ(name(""), name("    # a comment says nothing\n"));
  EXPECT_NE(name(""), name("    args: [a]\n"));
}

TEST(PodReader, JsonWritesFarCharactersInTwoEscapes) {
  const auto value = [](const std::string& json) {
    const auto documents = read_documents(json, "p.json");
    EXPECT_TRUE(documents.ok()) << joined(documents.errors);
    return documents.config_maps.empty() ? std::string() : documents.config_maps[0].data.at("k");
  };
  const std::string start = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"},"data":{"k":)";
  EXPECT_EQ(value(start + R"("a\\\ud83d\ude00\"\u00e9"}})"), "a\\\xF0\x9F\x98\x80\"\xC3\xA9");
  EXPECT_EQ(value(start + R"("\\ud83d\\ude00"}})"), R"(\ud83d\ude00)") << "a backslash, and letters after it";
  EXPECT_FALSE(read_documents(start + R"("\ud83d"}})", "p.json").ok()) << "half a pair";
  const std::string yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n  k: '";
  EXPECT_EQ(value(yaml + R"(\ud83d\ude00)" + "'\n"), R"(\ud83d\ude00)") << "data, not an escape";
}

TEST(PodReader, KindsOfAClusterAreNoReasonToRefuseAFile) {
  const auto documents =
      read_documents(pod_text("") +
                         "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n---\n"
                         "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r}\n---\n"
                         "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c}\nspec: {resources: {}}\n",
                     "p.yaml");
  EXPECT_TRUE(documents.ok()) << joined(documents.errors);
  EXPECT_EQ(documents.services.size(), 1U);
  ASSERT_EQ(documents.warnings.size(), 1U) << joined(documents.warnings);
  EXPECT_FALSE(documents.warnings[0].not_acted_on) << "a Role would do nothing";
  EXPECT_FALSE(read_documents("apiVersion: v1\nkind: Sevice\nmetadata: {name: s}\n", "").ok());
}

TEST(Pod, AnInitContainerThatIsRestartedAlwaysIsASidecar) {
  const auto read = [](const char* init, const char* main) {
    return read_documents(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  initContainers: [{name: i, image: i" +
            std::string(init) + "}]\n  containers: [{name: c, image: i" + main + "}]\n",
        "p.yaml");
  };
  const auto sidecar = read(", restartPolicy: Always", "");
  ASSERT_EQ(sidecar.pods.size(), 1U) << joined(sidecar.errors);
  EXPECT_TRUE(sidecar.pods[0].spec.init_containers[0].sidecar);
  EXPECT_FALSE(sidecar.pods[0].spec.containers[0].sidecar);
  EXPECT_TRUE(sidecar.warnings.empty()) << joined(sidecar.warnings);
  const auto other = read(", restartPolicy: Never", ", restartPolicy: OnFailure");
  ASSERT_EQ(other.pods.size(), 1U);
  EXPECT_FALSE(other.pods[0].spec.init_containers[0].sidecar);
  EXPECT_EQ(other.pods[0].spec.init_containers[0].restart, RestartPolicy::kNever);
  EXPECT_EQ(other.pods[0].spec.containers[0].restart, RestartPolicy::kOnFailure);
  EXPECT_TRUE(other.warnings.empty()) << joined(other.warnings);
  EXPECT_TRUE(has(read(", restartPolicy: always", "").errors, "spec.initContainers[0].restartPolicy",
                  "did you mean `Always`?"));
}

TEST(PodReader, PreStopHooks) {
  const auto hook = [](const std::string& text, const std::string& more = "") {
    return read_one(pod_text("    lifecycle: {preStop: " + text + "}\n" + more)).spec.containers.at(0).pre_stop;
  };
  EXPECT_EQ(hook("{sleep: {seconds: 5}}"), HookAction(Pause{std::chrono::seconds(5)}));
  EXPECT_EQ(hook("{sleep: {seconds: 0}}"), std::nullopt);
  EXPECT_EQ(hook("{exec: {command: [a, b]}}"), HookAction(ExecAction{{"a", "b"}}));
  EXPECT_EQ(hook("{httpGet: {port: 80}}"), HookAction(HttpGet{.port = 80}));
  EXPECT_EQ(hook("{httpGet: {port: web, host: h, path: 'x?y', scheme: HTTPS, httpHeaders: [{name: A, value: b c}]}}",
                 "    ports: [{name: web, containerPort: 8443}]\n")
                .value_or(Pause()),
            HookAction(HttpGet{"h", 8443, "/x?y", true, {{"A", "b c"}}}));
  EXPECT_EQ(hook("{tcpSocket: {port: 80, host: h}}"), HookAction(TcpConnect{"h", 80}));
  for (const char* wrong : {"{}", "{exec: {}}", "{exec: {command: []}}", "{sleep: {seconds: -1}}", "{sleep: {}}",
                            "{exec: {command: [a]}, sleep: {seconds: 1}}"}) {
    EXPECT_FALSE(read_documents(pod_text(std::string("    lifecycle: {preStop: ") + wrong + "}\n"), "").ok()) << wrong;
  }
}

}  // namespace
}  // namespace mete::config
