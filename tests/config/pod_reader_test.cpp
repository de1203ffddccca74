// SPDX-License-Identifier: Apache-2.0
#include "config/model/pod_spec.h"
#include "tests/config/support.h"

namespace mete::config {
namespace {

using namespace literals;

TEST(PodReader, Defaults) {
  const Pod pod = read_one(pod_text(""));
  EXPECT_EQ(pod.metadata.name, "p");
  EXPECT_EQ(pod.metadata.namespace_, "default");
  EXPECT_EQ(pod.spec.restart_policy, RestartPolicy::kAlways);
  EXPECT_EQ(pod.spec.termination_grace_period, std::chrono::seconds(30));
  EXPECT_FALSE(pod.spec.host_network);
  ASSERT_EQ(pod.spec.containers.size(), 1U);
  EXPECT_EQ(pod.spec.containers[0].image, "i");
  EXPECT_EQ(pod.spec.containers[0].location.line, 6);
  EXPECT_EQ(pod.spec.containers[0].image_location.line, 7);
  EXPECT_EQ(pod.spec.containers[0].image_location.column, 12);
  EXPECT_EQ(pod.location.file, "p.yaml");
}

TEST(PodReader, TheNginxOfTheDocumentationWarnsAndRuns) {
  const auto documents = read_documents(read_source("tests/config/manifests/nginx.yaml"), "nginx.yaml");
  ASSERT_TRUE(documents.ok()) << joined(documents.errors);
  ASSERT_EQ(documents.pods.size(), 1U);
  const Pod& pod = documents.pods[0];
  EXPECT_EQ(pod.metadata.namespace_, "shop");
  EXPECT_EQ(pod.spec.security->run_as_user, 101U);
  EXPECT_EQ(pod.spec.security->supplemental_groups, (std::vector<std::uint32_t>{1000, 1001}));
  const Container& nginx = pod.spec.containers[0];
  EXPECT_EQ(nginx.resources.requests.cpu, 250_mCPU);
  EXPECT_EQ(nginx.resources.limits.cpu, 1000_mCPU);
  EXPECT_EQ(nginx.resources.limits.memory, 128_MiB);
  EXPECT_EQ(nginx.security->allow_privilege_escalation, false);
  EXPECT_EQ(nginx.security->drop_capabilities, std::vector<std::string>{"ALL"});
  EXPECT_EQ(nginx.security->add_capabilities, std::vector<std::string>{"CAP_NET_BIND_SERVICE"});
  EXPECT_EQ(nginx.volume_mounts[1].sub_path, "site");
  EXPECT_TRUE(nginx.volume_mounts[1].read_only);
  EXPECT_EQ(std::get<EmptyDirVolume>(pod.spec.volumes[0].source).size_limit, 100_MiB);
  EXPECT_EQ(std::get<HostPathVolume>(pod.spec.volumes[1].source).type, HostPathType::kDirectory);

  // Where it should run, and on whose behalf, says nothing on one machine.
  EXPECT_TRUE(documents.warnings.empty()) << joined(documents.warnings);
  EXPECT_EQ(nginx.pre_stop, HookAction(ExecAction{{"nginx", "-s", "quit"}}));
}

TEST(PodReader, WhatPodmanGenerates) {
  const auto documents = read_documents(read_source("tests/config/manifests/generated.yaml"), "generated.yaml");
  ASSERT_TRUE(documents.ok()) << joined(documents.errors);
  EXPECT_TRUE(documents.pods[0].spec.containers[0].tty);
  EXPECT_EQ(documents.secrets[0].data.at("password"), "opensesame");
  EXPECT_TRUE(documents.warnings.empty()) << joined(documents.warnings);
}

TEST(PodReader, RequestsDefaultToLimits) {
  const Pod pod = read_one(pod_text("    resources: {limits: {cpu: 0.5, memory: 64Mi, hugepages-2Mi: 4Mi}}\n"));
  const Resources& resources = pod.spec.containers[0].resources;
  EXPECT_EQ(resources.requests, resources.limits);
  EXPECT_EQ(resources.limits.cpu, 500_mCPU);
  EXPECT_EQ(resources.limits.huge_pages->at("2Mi"), 4_MiB);
}

TEST(PodReader, ModesAreOctalAndBoolsHaveFriends) {
  const Pod pod = read_one(pod_text(
      "    tty: yes\n",
      "  volumes: [{name: v, configMap: {name: m, defaultMode: 0640, items: [{key: k, path: a/b, mode: 384}]}}]\n"));
  const auto& volume = std::get<ConfigMapVolume>(pod.spec.volumes[0].source);
  EXPECT_EQ(volume.default_mode, 0640U);
  EXPECT_EQ(volume.items[0].mode, 0600U);
  EXPECT_TRUE(pod.spec.containers[0].tty);
}

TEST(PodReader, MovingAPodDoesNotChangeIt) {
  EXPECT_EQ(read_one(pod_text("")), read_one("# moved\n\n" + pod_text("")));
  EXPECT_NE(read_one(pod_text("")), read_one(pod_text("    tty: true\n")));
}

struct BadCase {
  std::string container;
  std::string spec;
  std::string field;
  std::string part;
};

TEST(PodReader, WhatIsWrongIsNamed) {
  const std::string mount = "    volumeMounts: [{name: v, mountPath: ";
  const std::string volume = "  volumes: [{name: v, ";
  const std::vector<BadCase> cases = {
      {"    memroy: 1\n", "", "spec.containers[0].memroy", "unknown field"},
      {"    comand: [a]\n", "", "spec.containers[0].comand", "did you mean `command`?"},
      {"    resources: {limits: {memroy: 5Mi}}\n", "", "spec.containers[0].resources.limits.memroy",
       "did you mean `memory`?"},
      {"    resources: {limits: {memory: 12MB}}\n", "", "spec.containers[0].resources.limits.memory",
       "found \"12MB\", expected bytes"},
      {"    resources: {limits: {memory: 1Mi}}\n", "", "spec.containers[0].resources.limits.memory", "at least 4Mi"},
      {"    resources: {limits: {memory: 128m}}\n", "", "spec.containers[0].resources.limits.memory",
       "did you mean `M`"},
      {"    resources: {limits: {memory: -5Gi}}\n", "", "spec.containers[0].resources.limits.memory", "at least 4Mi"},
      {"    resources: {limits: {memory: 2Ei}}\n", "", "spec.containers[0].resources.limits.memory", "at most 1Ei"},
      {"    resources: {limits: {cpu: -1}}\n", "", "spec.containers[0].resources.limits.cpu", "more than 0"},
      {"    resources: {limits: {cpu: 1e6}}\n", "", "spec.containers[0].resources.limits.cpu", "8192 CPUs"},
      {"    resources: {limits: {cpu: 1}, requests: {cpu: 2}}\n", "", "spec.containers[0].resources.limits.cpu",
       "below the request"},
      {"    resources: {limits: {memory: [1]}}\n", "", "spec.containers[0].resources.limits.memory", "found a list"},
      {"    resources: {requests: {hugepages-2Mi: 2Mi}}\n", "", "spec.containers[0].resources.requests.hugepages-2Mi",
       "equal limit"},
      {"    resources: {limits: {hugepages-2Mi: 3Mi}}\n", "", "spec.containers[0].resources.limits.hugepages-2Mi",
       "multiple of the page size"},
      {"    resources: {limits: {hugepages-3Mi: 3Mi}}\n", "", "spec.containers[0].resources.limits.hugepages-3Mi",
       "power of two"},
      {"    env: [{name: A, value: 1}]\n", "", "spec.containers[0].env[0].value", "quote it, \"1\""},
      {"    env: [{name: A, value: true}]\n", "", "spec.containers[0].env[0].value", "found the bool true"},
      {"    env: [{name: A=B}]\n", "", "spec.containers[0].env[0].name", "without '='"},
      {"    env: [{name: A, value: x, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]\n", "",
       "spec.containers[0].env[0].valueFrom", "one of them"},
      {"    env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.phase}}}]\n", "",
       "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath", "status.podIP"},
      {"    env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.disk}}}]\n", "",
       "spec.containers[0].env[0].valueFrom.resourceFieldRef.resource", "limits or requests"},
      {"    env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1Mi}}}]\n", "",
       "spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor", "1m or 1"},
      {"    env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1m}}}]\n", "",
       "spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor", "1, 1k, 1M"},
      {"",
       volume + "downwardAPI: {items: [{path: a, resourceFieldRef: {containerName: c, resource: limits.memory, "
                "divisor: 2Mi}}]}}]\n",
       "spec.volumes[0].downwardAPI.items[0].resourceFieldRef.divisor", "1, 1k, 1M"},
      {"    env: [{name: A, valueFrom: {fileKeyRef: {volumeName: v, path: ../f, key: k}}}]\n",
       volume + "emptyDir: {}}]\n", "spec.containers[0].env[0].valueFrom.fileKeyRef.path", "without \"..\""},
      {"    env: [{name: A, valueFrom: {fileKeyRef: {volumeName: w, path: f, key: k}}}]\n", volume + "emptyDir: {}}]\n",
       "spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName", "a volume under"},
      {"    env: [{name: A, valueFrom: {fileKeyRef: {volumeName: v, path: f, key: \"a=b\"}}}]\n",
       volume + "emptyDir: {}}]\n", "spec.containers[0].env[0].valueFrom.fileKeyRef.key", "without '='"},
      {"    env: [{name: A, valueFrom: {}}]\n", "", "spec.containers[0].env[0].valueFrom", "0 sources"},
      {"    envFrom: [{prefix: A}]\n", "", "spec.containers[0].envFrom[0]", "configMapRef or secretRef"},
      {"    command: run\n", "", "spec.containers[0].command", "found \"run\", expected a list of texts"},
      {"    args: [1]\n", "", "spec.containers[0].args[0]", "quote it"},
      {"    tty: \"true\"\n", "", "spec.containers[0].tty", "expected true or false"},
      {"    workingDir: ../x\n", "", "spec.containers[0].workingDir", "\"..\""},
      {mount + "/}]\n", volume + "emptyDir: {}}]\n", "spec.containers[0].volumeMounts[0].mountPath", "below /"},
      {mount + "/./}]\n", volume + "emptyDir: {}}]\n", "spec.containers[0].volumeMounts[0].mountPath", "below /"},
      {mount + "\"/a:b\"}]\n", volume + "emptyDir: {}}]\n", "spec.containers[0].volumeMounts[0].mountPath",
       "without ':'"},
      {mount + "/a, subPath: b, subPathExpr: c}]\n", volume + "emptyDir: {}}]\n",
       "spec.containers[0].volumeMounts[0].subPathExpr", "one of them"},
      {mount + "/a, mountPropagation: Bidirectional}]\n", volume + "emptyDir: {}}]\n",
       "spec.containers[0].volumeMounts[0].mountPropagation", "not privileged"},
      {mount + "/a, mountPropagation: Both}]\n", volume + "emptyDir: {}}]\n",
       "spec.containers[0].volumeMounts[0].mountPropagation", "Bidirectional"},
      {mount + "/a, recursiveReadOnly: Enabled}]\n", volume + "emptyDir: {}}]\n",
       "spec.containers[0].volumeMounts[0].recursiveReadOnly", "readOnly: true"},
      {mount + "/a}, {name: v, mountPath: //a/}]\n", volume + "emptyDir: {}}]\n",
       "spec.containers[0].volumeMounts[1].mountPath", "stands twice"},
      {mount + "/a/../b}]\n", volume + "emptyDir: {}}]\n", "spec.containers[0].volumeMounts[0].mountPath", "\"..\""},
      {mount + "/a, subPath: /b}]\n", volume + "emptyDir: {}}]\n", "spec.containers[0].volumeMounts[0].subPath",
       "relative path"},
      {mount + "/a, subPath: b/..}]\n", volume + "emptyDir: {}}]\n", "spec.containers[0].volumeMounts[0].subPath",
       "without \"..\""},
      {mount + "/a}, {name: v, mountPath: /a}]\n", volume + "emptyDir: {}}]\n",
       "spec.containers[0].volumeMounts[1].mountPath", "stands twice"},
      {"    volumeMounts: [{name: date, mountPath: /a}]\n", "  volumes: [{name: data}]\n",
       "spec.containers[0].volumeMounts[0].name", "did you mean `data`?"},
      {"", volume + "emptyDir: {}}, {name: v}]\n", "spec.volumes[1].name", "stands twice"},
      {"", volume + "emptyDir: {}, hostPath: {path: /a}}]\n", "spec.volumes[0]", "one kind of volume"},
      {"", volume + "nfs: {server: \"a b\", path: /b}}]\n", "spec.volumes[0].nfs.server", "of a server"},
      {"", volume + "nfs: {server: a, path: b}}]\n", "spec.volumes[0].nfs.path", "an absolute path"},
      {"", volume + "nfs: {server: a}}]\n", "spec.volumes[0].nfs", "`path` is missing"},
      {"", volume + "gcePersistentDisk: {pdName: a/b}}]\n", "spec.volumes[0].gcePersistentDisk.pdName", "of a disk"},
      {"", volume + "gcePersistentDisk: {pdName: a, partition: 256}}]\n", "spec.volumes[0].gcePersistentDisk.partition",
       "0 to 255"},
      {"", volume + "gcePersistentDisk: {pdName: a, fsType: \"x y\"}}]\n", "spec.volumes[0].gcePersistentDisk.fsType",
       "such as ext4"},
      {"", volume + "awsElasticBlockStore: {volumeID: \"a b\"}}]\n", "spec.volumes[0].awsElasticBlockStore.volumeID",
       "of a disk"},
      {"    resizePolicy: [{resourceName: cpu, restartPolicy: Sometimes}]\n", "",
       "spec.containers[0].resizePolicy[0].restartPolicy", "RestartContainer"},
      {"    resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}, {resourceName: cpu, restartPolicy: "
       "NotRequired}]\n",
       "", "spec.containers[0].resizePolicy[1].resourceName", "stands twice"},
      {"    resizePolicy: [{resourceName: cpu, restartPolicy: RestartContainer}]\n", "  restartPolicy: Never\n",
       "spec.containers[0].resizePolicy[0].restartPolicy", "must be 'NotRequired'"},
      {"", volume + "projected: {sources: [{clusterTrustBundle: {path: a}}]}}]\n",
       "spec.volumes[0].projected.sources[0].clusterTrustBundle", "neither `name` nor `signerName`"},
      {"", volume + "projected: {sources: [{clusterTrustBundle: {name: a, signerName: a.b/c, path: a}}]}}]\n",
       "spec.volumes[0].projected.sources[0].clusterTrustBundle", "one of them"},
      {"", volume + "projected: {sources: [{clusterTrustBundle: {name: a, path: ../a}}]}}]\n",
       "spec.volumes[0].projected.sources[0].clusterTrustBundle.path", "\"..\""},
      {"", volume + "emptydir: {}}]\n", "spec.volumes[0].emptydir", "did you mean `emptyDir`?"},
      {"", volume + "hostPath: {path: a}}]\n", "spec.volumes[0].hostPath.path", "absolute path"},
      {"", volume + "hostPath: {path: /a, type: directory}}]\n", "spec.volumes[0].hostPath.type",
       "did you mean `Directory`?"},
      {"", volume + "emptyDir: {sizeLimit: -1}}]\n", "spec.volumes[0].emptyDir.sizeLimit", "0 or more"},
      {"", volume + "secret: {}}]\n", "spec.volumes[0].secret", "`secretName` is missing"},
      {"", volume + "configMap: {name: m, items: [{key: k, path: ../k}]}}]\n",
       "spec.volumes[0].configMap.items[0].path", "without \"..\""},
      {"", volume + "configMap: {name: m, defaultMode: 1000}}]\n", "spec.volumes[0].configMap.defaultMode",
       "from 0 to 511"},
      {"    ports: [{containerPort: 80, protocol: tcp}]\n", "", "spec.containers[0].ports[0].protocol",
       "did you mean `TCP`?"},
      {"    ports: [{containerPort: 80, name: a_long}]\n", "", "spec.containers[0].ports[0].name", "at most 15"},
      {"    ports: [{containerPort: 80, name: a}, {containerPort: 81, name: a}]\n", "",
       "spec.containers[0].ports[1].name", "stands twice"},
      {"    ports: [{containerPort: 80, hostPort: 81}]\n", "  hostNetwork: true\n",
       "spec.containers[0].ports[0].hostPort", "the containerPort"},
      {"    imagePullPolicy: Sometimes\n", "", "spec.containers[0].imagePullPolicy", "IfNotPresent"},
      {"    volumeDevices: [{name: v, devicePath: /dev/x}]\n", "", "spec.containers[0].volumeDevices",
       "devices.allow of a Policy"},
      {"", "  hostUsers: false\n  hostPID: true\n", "spec.hostUsers", "false with `hostPID`"},
      {"    securityContext: {privileged: true}\n", "  hostUsers: false\n", "spec.hostUsers", "privileged container"},
      {"    securityContext: {runAsUser: 70000}\n", "  hostUsers: false\n",
       "spec.containers[0].securityContext.runAsUser", "at most 65535"},
      {"", "  hostUsers: false\n  securityContext: {supplementalGroups: [1, 65536]}\n",
       "spec.securityContext.supplementalGroups[1]", "at most 65535"},
      {"", volume + "emptyDir: {medium: HugePages}}]\n", "spec.volumes[0].emptyDir.medium", "0 sizes"},
      {"", volume + "emptyDir: {medium: HugePages-2Mi}}]\n", "spec.volumes[0].emptyDir.medium",
       "the limit hugepages-2Mi"},
      {"", volume + "emptyDir: {medium: Disk}}]\n", "spec.volumes[0].emptyDir.medium", "HugePages-2Mi"},
      {"", volume + "emptyDir: {mode: 4096}}]\n", "spec.volumes[0].emptyDir.mode", "from 0 to 1023"},
      {"", "  activeDeadlineSeconds: 0\n", "spec.activeDeadlineSeconds", "from 1 to 2147483647"},
      {"", "  runtimeClassName: g_visor\n", "spec.runtimeClassName", "lower case letters"},
      {"", "  os: {name: windows}\n", "spec.os.name", "expected linux"},
      {"", "  nodeSelector: {kubernetes.io/os: windows}\n", "spec.nodeSelector['kubernetes.io/os']", "expected linux"},
      {"", "  nodeSelector: {kubernetes.io/arch: s390x}\n", "spec.nodeSelector['kubernetes.io/arch']",
       "as this machine"},
      {"", "  schedulingGates: [{name: g}, {name: h}, {name: g}]\n", "spec.schedulingGates[2].name", "each gate once"},
      {"", "  schedulingGates: [{name: a b}]\n", "spec.schedulingGates[0].name", "a b"},
      {"", "  schedulingGates: [{}]\n", "spec.schedulingGates[0]", "`name` is missing"},
      {"", "  schedulingGates: [{name: g}]\n  nodeName: here\n", "spec.nodeName", "one of the two"},
      {"    resources: {limits: {nvidia.com/gpu: 1500m}}\n", "",
       "spec.containers[0].resources.limits['nvidia.com/gpu']", "must be an integer"},
      {"    resources: {limits: {nvidia.com/gpu: 1000001u}}\n", "",
       "spec.containers[0].resources.limits['nvidia.com/gpu']", "must be an integer"},
      {"    resources: {limits: {nvidia.com/gpu: -1}}\n", "", "spec.containers[0].resources.limits['nvidia.com/gpu']",
       "must be greater than or equal to 0"},
      {"    resources: {limits: {nvidia.com/gpu: 2}, requests: {nvidia.com/gpu: 1}}\n", "",
       "spec.containers[0].resources.requests['nvidia.com/gpu']", "must be equal to nvidia.com/gpu limit of 2"},
      {"    resources: {requests: {nvidia.com/gpu: 1}}\n", "",
       "spec.containers[0].resources.requests['nvidia.com/gpu']", "Limit must be set for non overcommitable resources"},
      {"    resources: {limits: {kubernetes.io/gpu: 1}}\n", "",
       "spec.containers[0].resources.limits['kubernetes.io/gpu']", "must be a standard resource for containers"},
      {"", "  dnsPolicy: None\n", "spec.dnsPolicy", "nameservers"},
      {"", "  dnsConfig: {nameservers: [a]}\n", "spec.dnsConfig.nameservers[0]", "IP address"},
      {"", "  hostnameOverride: a\n  hostNetwork: true\n", "spec.hostnameOverride", "one of them"},
      {"", "  securityContext: {sysctls: [{name: vm.overcommit_memory, value: \"1\"}]}\n",
       "spec.securityContext.sysctls[0].name", "own namespaces"},
      {"", "  hostNetwork: true\n  securityContext: {sysctls: [{name: net.a, value: \"1\"}]}\n",
       "spec.securityContext.sysctls[0].name", "with hostNetwork"},
      {"", "  securityContext: {appArmorProfile: {type: Localhost}}\n", "spec.securityContext.appArmorProfile.type",
       "a profile that is loaded"},
      {"", "  securityContext: {appArmorProfile: {type: Localhost, localhostProfile: \" p\"}}\n",
       "spec.securityContext.appArmorProfile.localhostProfile", "without blanks around it"},
      {"", "  securityContext: {appArmorProfile: {type: RuntimeDefault, localhostProfile: p}}\n",
       "spec.securityContext.appArmorProfile.localhostProfile", "with type Localhost only"},
      {"    securityContext: {seccompProfile: {type: Localhost}}\n", "",
       "spec.containers[0].securityContext.seccompProfile.type", "the agent's folder of profiles"},
      {"    securityContext: {seccompProfile: {type: Localhost, localhostProfile: ../a}}\n", "",
       "spec.containers[0].securityContext.seccompProfile.localhostProfile", "without \"..\""},
      {"    securityContext: {seccompProfile: {type: Unconfined, localhostProfile: a}}\n", "",
       "spec.containers[0].securityContext.seccompProfile.localhostProfile", "with type Localhost only"},
      {"    securityContext: {seLinuxOptions: {level: s0}}\n", "", "spec.containers[0].securityContext.seLinuxOptions",
       "no SELinux labels"},
      {"    securityContext: {procMount: Unmasked}\n", "", "spec.containers[0].securityContext.procMount",
       "hostUsers: false"},
      {"    securityContext: {runAsNonRoot: true, runAsUser: 0}\n", "", "spec.containers[0].securityContext.runAsUser",
       "runAsNonRoot"},
      {"", volume + "downwardAPI: {items: [{path: a}]}}]\n", "spec.volumes[0].downwardAPI.items[0]", "neither"},
      {"", volume + "downwardAPI: {items: [{path: a, fieldRef: {fieldPath: status.podIP}}]}}]\n",
       "spec.volumes[0].downwardAPI.items[0].fieldRef.fieldPath", "metadata.labels"},
      {"", volume + "downwardAPI: {items: [{path: a, resourceFieldRef: {resource: limits.cpu}}]}}]\n",
       "spec.volumes[0].downwardAPI.items[0].resourceFieldRef", "`containerName` is missing"},
      {"", volume + "downwardAPI: {items: [{path: a, resourceFieldRef: {resource: limits.cpu, containerName: x}}]}}]\n",
       "spec.volumes[0].downwardAPI.items[0].resourceFieldRef.containerName", "of this pod"},
      {"", volume + "projected: {sources: [{}]}}]\n", "spec.volumes[0].projected.sources[0]", "0 sources"},
      {"", volume + "persistentVolumeClaim: {claimName: A_B}}]\n", "spec.volumes[0].persistentVolumeClaim.claimName",
       "lower case"},
      {"", "  restartPolicy: always\n", "spec.restartPolicy", "did you mean `Always`?"},
      {"", "  terminationGracePeriodSeconds: -1\n", "spec.terminationGracePeriodSeconds", "from 0 to"},
      {"", "  terminationGracePeriodSeconds: \"5\"\n", "spec.terminationGracePeriodSeconds", "without quotes"},
      {"", "  hostname: Web_1\n", "spec.hostname", "lower case"},
      {"", "  initContainers: [{name: c, image: i}]\n", "spec.containers[0].name", "stands twice"},
      {"", "  hostPID: true\n  shareProcessNamespace: true\n", "spec.shareProcessNamespace", "together with hostPID"},
      {"", "  tolerations: [{kee: a}]\n", "spec.tolerations[0].kee", "did you mean `key`?"},
      {"    securityContext: {runAsUser: -1}\n", "", "spec.containers[0].securityContext.runAsUser",
       "from 0 to 4294967294"},
      {"    securityContext: {capabilities: {add: [NET_ADMN]}}\n", "",
       "spec.containers[0].securityContext.capabilities.add[0]", "did you mean `NET_ADMIN`?"},
      {"    securityContext: {privileged: true, allowPrivilegeEscalation: false}\n", "",
       "spec.containers[0].securityContext.allowPrivilegeEscalation", "privileged"},
      {"    livenessProbe: {httpGet: {path: /}}\n", "", "spec.containers[0].livenessProbe.httpGet",
       "`port` is missing"},
  };
  for (const auto& bad : cases) {
    const auto documents = read_documents(pod_text(bad.container, bad.spec), "p.yaml");
    EXPECT_TRUE(has(documents.errors, bad.field, bad.part))
        << bad.container << bad.spec << "wanted " << bad.field << ": " << bad.part << "\ngot\n"
        << joined(documents.errors);
    EXPECT_TRUE(documents.pods.empty()) << bad.container << bad.spec;
    // Broken twice by design: the doubled key is found, and its wrong type.
    EXPECT_EQ(documents.errors.size(), 1U) << joined(documents.errors);
  }
}

TEST(PodReader, WhatMustBeThere) {
  const auto documents = read_documents("apiVersion: v1\nkind: Pod\nmetadata: {}\nspec: {containers: []}\n", "p.yaml");
  EXPECT_TRUE(has(documents.errors, "metadata", "`name` is missing")) << joined(documents.errors);
  EXPECT_TRUE(has(documents.errors, "spec.containers", "at least one container"));
  EXPECT_TRUE(has(read_documents("apiVersion: v1\nkind: Pod\n", "").errors, "", "`spec` is missing"));
}

TEST(PodReader, ANameMustFitIntoTheNameOfACgroup) {
  const auto named = [](std::size_t parts) {
    std::string name(60, 'a');
    for (std::size_t i = 1; i < parts; ++i) name += "." + std::string(60, 'a');
    return read_documents(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + "}\nspec: {containers: [{name: c, image: i}]}\n",
        "p.yaml");
  };
  EXPECT_TRUE(named(3).ok()) << joined(named(3).errors);
  EXPECT_TRUE(has(named(4).errors, "metadata.name", "250 characters of namespace and name together"))
      << joined(named(4).errors);
}

TEST(PodReader, BandwidthIsNotLostSilently) {
  const auto read = [](const std::string& bits, const char* spec) {
    return read_documents(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {kubernetes.io/ingress-bandwidth: " + bits +
            "}}\nspec: {containers: [{name: c, image: i}]" + spec + "}\n",
        "p.yaml");
  };
  const std::string field = "metadata.annotations['kubernetes.io/ingress-bandwidth']";
  const auto fine = read("1M", "");
  EXPECT_TRUE(fine.ok() && fine.warnings.empty()) << joined(fine.errors) << joined(fine.warnings);
  for (const char* bits : {"999", "2P", "fast"})
    EXPECT_TRUE(has(read(bits, "").errors, field, "from 1k to 1P")) << bits;
  EXPECT_TRUE(has(read("1M", ", hostNetwork: true").warnings, field, "not acted on with hostNetwork"));
}

TEST(PodReader, VariablesNamedTwiceWarn) {
  const auto documents = read_documents(pod_text("    env: [{name: A, value: x}, {name: A, value: y}]\n"), "p.yaml");
  EXPECT_TRUE(documents.ok());
  EXPECT_TRUE(has(documents.warnings, "spec.containers[0].env[1].name", "the last one wins"));
}

TEST(PodReader, BadNames) {
  for (const std::string name : {"Web", "-a", "a_b", "a..b", "\"\"", "../etc", "\"a b\""}) {
    const auto documents = read_documents(pod_text("", "", name), "p.yaml");
    EXPECT_TRUE(has(documents.errors, "metadata.name", "expected at most 253")) << name << joined(documents.errors);
  }
}

TEST(Pod, HostAliases) {
  const auto read = [](const std::string& spec) { return read_documents(pod_text("", "  " + spec + "\n"), "p.yaml"); };
  const auto right = read("hostAliases: [{ip: 10.0.0.1, hostnames: [db, db.local]}, {ip: \"fd00::1\"}]");
  ASSERT_EQ(right.pods.size(), 1U) << joined(right.errors);
  EXPECT_EQ(right.pods[0].spec.host_aliases,
            (std::vector<HostAlias>{{"10.0.0.1", {"db", "db.local"}}, {"fd00::1", {}}}));
  EXPECT_TRUE(right.warnings.empty()) << joined(right.warnings);
  EXPECT_EQ(right.pods[0].identity_text,
            "spec.hostAliases=[{\"hostnames\":[\"db\",\"db.local\"],\"ip\":\"10.0.0.1\"},{\"ip\":\"fd00::1\"}]\n");
  EXPECT_EQ(read("hostAliases: []").pods.at(0).identity_text, "");
  EXPECT_TRUE(has(read("hostAliases: [{ip: 10.0.0}]").errors, "spec.hostAliases[0].ip", "an IP address"));
  EXPECT_FALSE(read("hostAliases: [{ip: 10.0.0.1, hostnames: [\"a b\"]}]").ok()) << "it would be two names";
  EXPECT_TRUE(has(read("hostNetwork: true\n  hostAliases: [{ip: 10.0.0.1}]").warnings, "spec.hostAliases",
                  "the machine's /etc/hosts"));
}

TEST(PodReader, PublishedPorts) {
  const auto documents = read_documents(
      pod_text(
          "    ports: [{containerPort: 80, hostPort: 8080}, {containerPort: 53, hostPort: 53, protocol: UDP, hostIP: "
          "127.0.0.1}, {containerPort: 81}]\n"),
      "p.yaml");
  EXPECT_TRUE(documents.ok() && documents.warnings.empty()) << joined(documents.errors) << joined(documents.warnings);
  const std::vector<ContainerPort> expected = {
      {80, 8080, Protocol::kTcp, ""}, {53, 53, Protocol::kUdp, "127.0.0.1"}, {81, 0, Protocol::kTcp, ""}};
  EXPECT_EQ(documents.pods.at(0).spec.containers.at(0).ports, expected);
  for (const auto& [ports, part] :
       {std::pair("{containerPort: 80, hostPort: 1}, {containerPort: 81, hostPort: 1}", "a second time"),
        std::pair("{containerPort: 80, hostPort: 1, hostIP: localhost}", "an IP address")}) {
    const auto wrong = read_documents(pod_text("    ports: [" + std::string(ports) + "]\n"), "p.yaml");
    EXPECT_NE(joined(wrong.errors).find(part), std::string::npos) << joined(wrong.errors);
  }
  EXPECT_TRUE(read_documents(pod_text("    ports: [{containerPort: 80, hostPort: 1}, {containerPort: 80, hostPort: 1, "
                                      "protocol: UDP}]\n"),
                             "p.yaml")
                  .ok());
}

}  // namespace
}  // namespace mete::config
