// SPDX-License-Identifier: Apache-2.0
#include "config/resolve/desired_state.h"

#include "tests/config/support.h"

namespace mete::config {
namespace {

DesiredState assemble_texts(const std::vector<std::string>& texts) {
  std::vector<Documents> files;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    files.push_back(read_documents(texts[i], std::string(1, static_cast<char>('a' + i)) + ".yaml"));
    EXPECT_TRUE(files.back().ok()) << joined(files.back().errors);
  }
  return assemble(files);
}

std::string policy(const std::string& name, const std::string& labels, const std::string& where = "default") {
  return "{apiVersion: mete/v1, kind: Policy, metadata: {name: " + name + ", namespace: " + where +
         "}, spec: {selector: {matchLabels: {" + labels + "}}}}\n";
}

std::string labelled(const std::string& labels) {
  return "{apiVersion: v1, kind: Pod, metadata: {name: p, labels: {" + labels +
         "}}, spec: {containers: [{name: c, image: i}]}}\n";
}

// As of a Pod, but no error: Kubernetes takes a Deployment whose pods cannot be made.
TEST(DesiredState, ATemplateIsLookedAtAsItsPodsWillBe) {
  const auto deployment = [](const std::string& name, const std::string& more) {
    return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name +
           "}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec:\n      "
           "containers:\n"
           "      - name: c\n        image: i\n" +
           more;
  };
  const auto state = assemble_texts({deployment("waits", "        envFrom: [{configMapRef: {name: gone}}]\n"),
                                     deployment("never", "      runtimeClassName: none-such\n")});
  EXPECT_TRUE(state.ok());
  EXPECT_EQ(state.workloads.size(), 2U);
  ASSERT_EQ(state.warnings.size(), 2U) << joined(state.warnings);
  EXPECT_EQ(state.warnings[0].object, "Deployment default/waits");
  EXPECT_TRUE(has(state.warnings, "spec.template.spec.containers[0].envFrom[0]",
                  "ConfigMap `gone` does not exist in namespace `default`; the pod waits for it"));
  EXPECT_EQ(state.warnings[1].object, "Deployment default/never");
  EXPECT_EQ(state.warnings[1].field, "spec.template.spec.runtimeClassName");
  for (const auto& warning : state.warnings) EXPECT_GT(warning.location.line, 0);
  // The agent, which assembles at each change of a folder, asks for one template where it tells a person.
  const auto documents = read_documents(deployment("never", "      runtimeClassName: none-such\n"), "a.yaml");
  const std::vector<SharedPlan> none;
  const auto assembled = assemble({KnownFile{&documents, &none}});
  EXPECT_TRUE(assembled.warnings.empty()) << joined(assembled.warnings);
  EXPECT_EQ(template_warnings(assembled.workloads.at(0), *assembled.surroundings).size(), 1U);
}

TEST(DesiredState, OneWrongPodDoesNotStopTheOthers) {
  const std::string wrong = "    volumeMounts: [{name: v, mountPath: /v, subPathExpr: $(NONE)}]\n";
  const auto state = assemble_texts({pod_text(wrong, "  volumes: [{name: v, emptyDir: {}}]\n", "bad"),
                                     pod_text("", "", "good"), pod_text("", "", "also")});
  ASSERT_EQ(state.pods.size(), 2U);
  EXPECT_EQ(state.pods[0]->pod.metadata.name, "also");
  ASSERT_EQ(state.rejected.size(), 1U);
  EXPECT_FALSE(state.ok());
  EXPECT_TRUE(has(state.errors, "spec.containers[0].volumeMounts[0].subPathExpr", "found no variable `NONE`"));
  EXPECT_EQ(state.errors[0].location.file, "a.yaml");
  EXPECT_EQ(state.errors[0].object, "Pod default/bad");
}

TEST(DesiredState, TheSecondOfTwoNamesIsRefusedAndBothAreNamed) {
  const auto state = assemble_texts({pod_text(""), "# second\n" + pod_text("    tty: true\n")});
  ASSERT_EQ(state.pods.size(), 1U);
  EXPECT_FALSE(state.pods[0]->pod.spec.containers[0].tty);
  ASSERT_EQ(state.errors.size(), 1U);
  EXPECT_EQ(to_string(state.errors[0]),
            "b.yaml:2:1: Pod default/p: metadata.name: this name is taken already, by a.yaml:1:1");
}

TEST(DesiredState, EnvironmentIsResolvedInOrder) {
  const std::string objects =
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {A: from-map, B: \"$(A)\"}}\n---\n"
      "{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {KEY: hidden}}\n";
  const auto state = assemble_texts({objects, pod_text(R"yaml(    command: [run, "$(A)", "$$(A)", "$(NONE)"]
    args: ["$(LAST)"]
    envFrom:
    - configMapRef: {name: m}
    - {prefix: P_, secretRef: {name: s}}
    - configMapRef: {name: gone, optional: true}
    env:
    - {name: EARLY, value: "$(LATE)"}
    - {name: LATE, value: "$(A)-$(P_KEY)"}
    - {name: A, value: own}
    - {name: REF, valueFrom: {secretKeyRef: {name: s, key: KEY}}}
    - {name: SKIPPED, valueFrom: {configMapKeyRef: {name: m, key: none, optional: true}}}
    - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: LAST, value: "$(A)/$(POD)"}
)yaml")});
  ASSERT_TRUE(state.ok()) << joined(state.errors);
  const ContainerPlan& plan = state.pods.at(0)->containers.at(0);
  const std::vector<EnvValue> expected = {
      {"A", "own"},      {"B", "$(A)"}, {"P_KEY", "hidden"}, {"EARLY", "$(LATE)"}, {"LATE", "from-map-hidden"},
      {"REF", "hidden"}, {"POD", "p"},  {"LAST", "own/p"}};
  EXPECT_EQ(plan.env, expected);
  EXPECT_EQ(plan.command, (std::vector<std::string>{"run", "own", "$(A)", "$(NONE)"}));
  EXPECT_EQ(plan.args, std::vector<std::string>{"own/p"});
}

TEST(DesiredState, VolumesBecomeFiles) {
  const std::string objects =
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: A, b: B}, binaryData: {c: AA==}}\n";
  const auto state = assemble_texts({objects, pod_text("", R"(  volumes:
  - {name: all, configMap: {name: m, defaultMode: 0600}}
  - {name: some, configMap: {name: m, items: [{key: a, path: x/y, mode: 0400}]}}
  - {name: gone, secret: {secretName: none, optional: true}}
)")});
  ASSERT_TRUE(state.ok()) << joined(state.errors);
  const auto& files = state.pods.at(0)->volume_files;
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[0].files,
            (std::vector<VolumeFile>{{"a", "A", 0600}, {"b", "B", 0600}, {"c", std::string(1, '\0'), 0600}}));
  EXPECT_EQ(files[1].files, (std::vector<VolumeFile>{{"x/y", "A", 0400}}));
  EXPECT_TRUE(files[2].files.empty());
  EXPECT_TRUE(files[2].secret);
}

// As on a cluster, and in the kubelet's words.
TEST(DesiredState, APodWaitsForWhatItRefersTo) {
  const std::string objects = "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: A}}\n";
  const auto state =
      assemble_texts({objects, pod_text("    env: [{name: A, valueFrom: {configMapKeyRef: {name: m, key: none}}},"
                                        " {name: B, valueFrom: {secretKeyRef: {name: m, key: a}}}]\n",
                                        "  volumes: [{name: v, configMap: {name: m, items: [{key: z, path: z}]}},"
                                        " {name: w, secret: {secretName: none}}]\n")});
  EXPECT_TRUE(state.ok()) << joined(state.errors);
  EXPECT_EQ(state.warnings.size(), 4U) << joined(state.warnings);
  EXPECT_TRUE(has(state.warnings, "spec.containers[0].env[0].valueFrom", "ConfigMap `m` has no key `none`"));
  EXPECT_TRUE(has(state.warnings, "spec.containers[0].env[1].valueFrom", "Secret `m` does not exist"));
  EXPECT_TRUE(has(state.warnings, "spec.volumes[0].configMap", "has no key `z`"));
  EXPECT_TRUE(has(state.warnings, "spec.volumes[1].secret", "Secret `none` does not exist"));
  const PodPlan& plan = *state.pods.at(0);
  EXPECT_EQ(plan.containers.at(0).missing, "couldn't find key none in ConfigMap default/m");
  EXPECT_EQ(plan.volume_files.at(0).missing, "references non-existent config key: z");
  EXPECT_EQ(plan.volume_files.at(1).missing, "secret \"none\" not found");
}

TEST(DesiredState, ByNameAPlanStaysTheSameWhenTheValuesChange) {
  const std::string pod = pod_text(
      "    env: [{name: A, valueFrom: {configMapKeyRef: {name: m, key: a}}}, {name: B, value: \"$(A)!\"}]\n"
      "    envFrom: [{secretRef: {name: s}}]\n    args: [\"$(A)\"]\n",
      "  volumes: [{name: v, configMap: {name: m}}, {name: w, secret: {secretName: s, items: [{key: k, path: p}]}}]\n");
  const auto plan_with = [&](const std::string& value) {
    return *assemble_texts(
                {"{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: " + value +
                     "}}\n---\n{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {k: " + value + "}}\n",
                 pod})
                .pods.at(0);
  };
  const PodPlan one = plan_with("one");
  const PodPlan two = plan_with("two");
  ASSERT_TRUE(one.by_name);
  EXPECT_EQ(one.by_name, two.by_name);
  EXPECT_NE(one.containers, two.containers);
  EXPECT_NE(one.volume_files, two.volume_files);
  EXPECT_EQ(assemble_texts({pod}).pods.at(0)->by_name, one.by_name) << "nor when there are no values";
  EXPECT_FALSE(assemble_texts({pod_text("    env: [{name: A, value: b}]\n")}).pods.at(0)->by_name);
}

TEST(DesiredState, WhatIsOfLabelsAndAnnotationsIsNamedWhereItIsToLast) {
  const auto plan_with = [](const std::string& value) {
    return *assemble_texts({"{apiVersion: v1, kind: Pod, metadata: {name: p, labels: {l: " + value +
                            "}, annotations: {a: " + value +
                            "}}, spec: {containers: [{name: c, image: i, args: [$(A)], env: [{name: A, valueFrom: "
                            "{fieldRef: {fieldPath: \"metadata.annotations['a']\"}}}]}], volumes: [{name: v, "
                            "downwardAPI: {items: [{path: l, fieldRef: {fieldPath: metadata.labels}}]}}]}}\n"})
                .pods.at(0);
  };
  const PodPlan one = plan_with("one");
  const PodPlan two = plan_with("two");
  EXPECT_FALSE(one.by_name) << "no ConfigMap and no Secret";
  ASSERT_TRUE(one.lasting);
  EXPECT_EQ(one.lasting, two.lasting);
  EXPECT_NE(one.containers, two.containers);
  EXPECT_NE(one.volume_files, two.volume_files);
  EXPECT_EQ(one.containers.at(0).args, std::vector<std::string>{"one"});
  EXPECT_FALSE(assemble_texts({pod_text("    env: [{name: A, value: b}]\n")}).pods.at(0)->lasting);
}

TEST(DesiredState, APlanIsKeptWhileItIsTheSame) {
  const auto map = [](const std::string& value) {
    return read_documents("{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: " + value + "}}\n",
                          "m.yaml");
  };
  const std::string env = "    env: [{name: A, valueFrom: {configMapKeyRef: {name: m, key: a}}}]\n";
  // The second of a name stays an error, whatever is planned already.
  auto pods = read_documents(pod_text(env) + "---\n" + pod_text(env), "p.yaml");
  const auto one = assemble({map("one"), pods});
  ASSERT_EQ(one.pods.size(), 1U);
  ASSERT_EQ(one.errors.size(), 1U);
  pods.pods.erase(pods.pods.begin());
  const std::vector<SharedPlan> none;
  const auto again_with = [&](const Documents& values) {
    return assemble({KnownFile{&values, &none}, KnownFile{&pods, &one.pods}});
  };
  const auto same = again_with(map("one"));
  ASSERT_EQ(same.pods.size(), 1U);
  EXPECT_EQ(same.pods[0], one.pods[0]) << "the very plan";
  ASSERT_EQ(same.errors.size(), 1U);
  EXPECT_EQ(to_string(same.errors[0]), to_string(one.errors[0]));
  const auto other = again_with(map("two"));
  ASSERT_EQ(other.pods.size(), 1U);
  EXPECT_NE(other.pods[0], one.pods[0]);
  EXPECT_EQ(other.pods[0]->containers[0].env[0].value, "two");
}

TEST(DesiredState, NamespacesAreApart) {
  const std::string map = "{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: other}}\n";
  const auto state = assemble_texts({map, pod_text("    envFrom: [{configMapRef: {name: m}}]\n")});
  EXPECT_TRUE(has(state.warnings, "spec.containers[0].envFrom[0]", "in namespace `default`"));
}

TEST(DesiredState, TheMostSpecificPolicyApplies) {
  const auto chosen = [](const std::vector<std::string>& texts) {
    const auto state = assemble_texts(texts);
    EXPECT_TRUE(state.ok()) << joined(state.errors);
    return state.pods.at(0)->policy ? state.pods[0]->policy->metadata.name : "none";
  };
  const std::string pod = labelled("app: web, tier: front");
  EXPECT_EQ(chosen({pod, policy("one", "app: web"), policy("two", "app: web, tier: front")}), "two");
  EXPECT_EQ(chosen({pod, policy("one", "app: db")}), "none");
  EXPECT_EQ(chosen({pod, policy("one", "app: web", "other")}), "none");
  EXPECT_EQ(chosen({pod, policy("a", "app: web"), policy("b", "tier: front"), policy("c", "app: web, tier: front")}),
            "c");
}

TEST(DesiredState, EquallySpecificPoliciesAreAnErrorThatNamesBoth) {
  const auto state =
      assemble_texts({labelled("app: web, tier: front"), policy("one", "app: web"), policy("two", "tier: front")});
  ASSERT_EQ(state.rejected.size(), 1U);
  EXPECT_EQ(state.errors[0].message,
            "the policies `one` (b.yaml:1:1) and `two` (c.yaml:1:1) both apply and select by equally many labels");
}

TEST(DesiredState, APodWithoutUidHasALastingOne) {
  const auto first = assemble_texts({pod_text("")});
  const auto second = assemble_texts({pod_text("    tty: true\n")});
  const auto other = assemble_texts({pod_text("", "", "q")});
  const std::string uid = first.pods[0]->pod.metadata.uid;
  EXPECT_EQ(uid.size(), 36U);
  EXPECT_EQ(uid, second.pods[0]->pod.metadata.uid);
  EXPECT_NE(uid, other.pods[0]->pod.metadata.uid);
}

TEST(DesiredState, TheExamplesRunTogether) {
  std::vector<std::string> texts;
  for (const std::string name : {"web", "throttled", "oom", "policy"}) {
    texts.push_back(read_source("config/examples/" + name + ".yaml"));
  }
  const auto state = assemble_texts(texts);
  ASSERT_TRUE(state.ok()) << joined(state.errors);
  ASSERT_EQ(state.pods.size(), 3U);
  EXPECT_EQ(state.pods[0]->pod.metadata.name, "oom");
  EXPECT_EQ(state.pods[0]->pod.spec.containers[0].resources.limits.memory, Bytes(104960000));
  EXPECT_EQ(state.pods[0]->policy->memory.on_oom, OnOom::kKillContainer);
  EXPECT_FALSE(state.pods[1]->policy.has_value());
  EXPECT_EQ(state.pods[2]->volume_files[0].files[0].path, "index.html");
}

}  // namespace
}  // namespace mete::config
