// SPDX-License-Identifier: Apache-2.0
// Labels and annotations of objects, as kube-state-metrics writes them.
#include "agent/export/kube_names.h"

#include <gtest/gtest.h>

#include <set>

namespace mete::agent {
namespace {

using nlohmann::ordered_json;
using Labels = std::vector<std::pair<std::string, std::string>>;

TEST(KubeNames, AreWrittenInLettersThatPrometheusTakes) {
  const std::map<std::string, std::string> own = {
      {"app.kubernetes.io/part-of", "shop"}, {"camelCase", "1"}, {"HTTPPort2X", "2"}};
  EXPECT_EQ(
      prometheus_labels("label", own, {"*"}),
      (Labels{{"label_httpport2_x", "2"}, {"label_app_kubernetes_io_part_of", "shop"}, {"label_camel_case", "1"}}));
}

TEST(KubeNames, AreThoseThatAreAllowed) {
  const std::map<std::string, std::string> own = {{"app", "web"}, {"tier", "front"}};
  EXPECT_EQ(prometheus_labels("label", own, {"tier", "none"}), (Labels{{"label_tier", "front"}}));
  EXPECT_TRUE(prometheus_labels("label", own, {}).empty());
  EXPECT_TRUE(prometheus_labels("label", own, {"ap"}).empty());
}

TEST(KubeNames, ThatBecomeOneAreToldApart) {
  const std::map<std::string, std::string> own = {{"a-b", "1"}, {"a.b", "2"}, {"a_b", "3"}, {"c", "4"}};
  EXPECT_EQ(prometheus_labels("annotation", own, {"*"}), (Labels{{"annotation_a_b_conflict1", "1"},
                                                                 {"annotation_a_b_conflict2", "2"},
                                                                 {"annotation_a_b_conflict3", "3"},
                                                                 {"annotation_c", "4"}}));
}

TEST(KubeNames, EachKindHasItsFamily) {
  const std::vector<ordered_json> objects = {
      ordered_json::parse(R"({"kind": "Service", "metadata": {"name": "web", "namespace": "shop",
          "labels": {"app": "we\"b", "other": "x"}, "annotations": {"example.com/owner": "ann"}}})"),
      ordered_json::parse(R"({"kind": "Service", "metadata": {"name": "bare", "namespace": "shop"}})"),
      ordered_json::parse(
          R"({"kind": "Job", "metadata": {"name": "once", "namespace": "shop", "labels": {"app": "j"}}})")};
  const std::vector<ordered_json> pods = {ordered_json::parse(
      R"({"kind": "Pod", "metadata": {"name": "p", "namespace": "shop", "uid": "u1", "labels": {"app": "p"}}})")};
  config::ExportPolicy policy;
  std::string text;
  write_kube_names(text, {&objects, &pods}, policy, collectors::Format::kText);
  EXPECT_EQ(text, "");
  policy.kube_labels = {{"services", {"app"}}, {"jobs", {"*"}}, {"pods", {"app"}}, {"deployments", {"*"}}};
  policy.kube_annotations = {{"services", {"example.com/owner"}}};
  write_kube_names(text, {&objects, &pods}, policy, collectors::Format::kText);
  for (const std::string line :
       {R"(kube_service_labels{namespace="shop",service="web",label_app="we\"b"} 1)",
        R"(kube_service_labels{namespace="shop",service="bare"} 1)",
        R"(kube_service_annotations{namespace="shop",service="web",annotation_example_com_owner="ann"} 1)",
        R"(kube_job_labels{namespace="shop",job_name="once",label_app="j"} 1)",
        R"(kube_pod_labels{namespace="shop",pod="p",uid="u1",label_app="p"} 1)"})
    EXPECT_NE(("\n" + text).find("\n" + line + "\n"), std::string::npos) << line << "\n" << text;
  EXPECT_EQ(text.find("other"), std::string::npos);
  EXPECT_EQ(text.find("kube_deployment_labels"), std::string::npos);
  EXPECT_EQ(text.find("kube_endpoint"), std::string::npos);
}

TEST(KubeNames, EachFamilyIsThereOnce) {
  std::set<std::string_view> names;
  for (const auto& family : kube_name_families()) EXPECT_TRUE(names.insert(family.name).second) << family.name;
  EXPECT_EQ(names.size(), 2 * config::kKubeResources.size());
}

}  // namespace
}  // namespace mete::agent
