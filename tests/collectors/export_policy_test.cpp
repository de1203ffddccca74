// SPDX-License-Identifier: Apache-2.0
#include "collectors/discovery/export_policy.h"

#include <gtest/gtest.h>

namespace mete::collectors {
namespace {

Identity identity_of(CgroupKind kind) {
  Identity who;
  who.kind = kind;
  return who;
}

TEST(Matches, StarsAndQuestionMarks) {
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("*", "/a/b"));
  EXPECT_TRUE(matches("/a/*/c", "/a/b/b/c"));
  EXPECT_TRUE(matches("*.service", "/x/y.service"));
  EXPECT_TRUE(matches("a?c*", "abc"));
  EXPECT_TRUE(matches("**a**", "a"));
  EXPECT_TRUE(matches("*ab*ab", "xabyabzab"));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_FALSE(matches("a", ""));
  EXPECT_FALSE(matches("a?", "a"));
  EXPECT_FALSE(matches("/a/*", "/b/a/"));
  EXPECT_FALSE(matches("com.docker", "com-docker"));
  // A pattern that would take years if the match tried all ways to divide the text.
  EXPECT_FALSE(matches("*a*a*a*a*a*a*a*a*b", std::string(20'000, 'a')));
}

TEST(IsExported, DefaultsLeaveOutWhatPeopleMakeByHand) {
  const ExportPolicy policy;
  for (const CgroupKind kind : {CgroupKind::kRoot, CgroupKind::kPod, CgroupKind::kContainer, CgroupKind::kSlice,
                                CgroupKind::kService, CgroupKind::kScope}) {
    EXPECT_TRUE(is_exported(policy, identity_of(kind), "/x")) << to_string(kind);
  }
  EXPECT_FALSE(is_exported(policy, identity_of(CgroupKind::kOther), "/docker/abc/nested"));
}

TEST(IsExported, EachKindHasItsSwitch) {
  ExportPolicy policy;
  policy.containers = policy.slices = policy.services = false;
  policy.other = true;
  for (const CgroupKind kind :
       {CgroupKind::kPod, CgroupKind::kContainer, CgroupKind::kSlice, CgroupKind::kService, CgroupKind::kScope}) {
    EXPECT_FALSE(is_exported(policy, identity_of(kind), "/x")) << to_string(kind);
  }
  EXPECT_TRUE(is_exported(policy, identity_of(CgroupKind::kRoot), "/"));
  EXPECT_TRUE(is_exported(policy, identity_of(CgroupKind::kOther), "/x"));
}

TEST(IsExported, ExcludeBeatsIncludeBeatsKind) {
  ExportPolicy policy;
  policy.include = {"/hand/*"};
  policy.exclude = {"/hand/secret*", "/docker/*"};
  EXPECT_TRUE(is_exported(policy, identity_of(CgroupKind::kOther), "/hand/made"));
  EXPECT_FALSE(is_exported(policy, identity_of(CgroupKind::kOther), "/hand/secret/x"));
  EXPECT_FALSE(is_exported(policy, identity_of(CgroupKind::kContainer), "/docker/abc"));
  policy.exclude = {"/"};
  EXPECT_FALSE(is_exported(policy, identity_of(CgroupKind::kRoot), "/"));
}

TEST(LabelName, IsAPrometheusNameWhateverTheKey) {
  EXPECT_EQ(label_name("com.docker.compose/project-x"), "container_label_com_docker_compose_project_x");
  EXPECT_EQ(label_name("9"), "container_label_9");
  EXPECT_EQ(label_name("a\"\n\xff\xc3\xa9"), "container_label_a_____");
  EXPECT_EQ(label_name(""), "container_label_");
}

Identity container() {
  Identity who = identity_of(CgroupKind::kContainer);
  who.name = "web";
  who.image = "nginx:1";
  who.labels = {{"com.docker.compose.project", "shop"}, {"secret", "token"}};
  return who;
}

TEST(ExportedLabels, OfAContainer) {
  EXPECT_EQ(
      exported_labels({}, container(), "/docker/abc").text(),
      R"(id="/docker/abc",name="web",image="nginx:1",namespace="",pod="",container="web",container_label_com_docker_compose_project="shop")");
  ExportPolicy policy;
  policy.id_label = false;
  policy.labels.clear();
  EXPECT_EQ(exported_labels(policy, container(), "/docker/abc").text(),
            R"(name="web",image="nginx:1",namespace="",pod="",container="web")");
}

TEST(ExportedLabels, OfAPodAndItsOwnContainer) {
  Identity pause = container();
  pause.namespace_ = "shop";
  pause.pod = "web-0";
  pause.infrastructure = true;
  EXPECT_NE(exported_labels({}, pause, "/x").text().find(R"(namespace="shop",pod="web-0",container="",)"),
            std::string::npos)
      << "sums over containers leave it out";
  Identity pod = identity_of(CgroupKind::kPod);
  pod.name = "not shown";
  pod.namespace_ = "shop";
  pod.pod = "web-0";
  EXPECT_EQ(exported_labels({}, pod, "/x").text(),
            R"(id="/x",name="",image="",namespace="shop",pod="web-0",container="")");
}

TEST(ExportedLabels, OfAUnitHaveNoNames) {
  Identity unit = identity_of(CgroupKind::kService);
  unit.name = "ssh.service";
  EXPECT_EQ(exported_labels({}, unit, "/s").text(), R"(id="/s",name="",image="",namespace="",pod="",container="")");
}

TEST(ExportedLabels, TwoKeysOfOneNameAreOneLabel) {
  Identity who = container();
  who.labels = {{"a.b", "1"}, {"a/b", "2"}, {"a-b", "3"}};
  ExportPolicy policy;
  policy.labels = {"*"};
  const std::string text = exported_labels(policy, who, "/x").text();
  EXPECT_NE(text.find(R"(container_label_a_b="1")"), std::string::npos) << text;
  EXPECT_EQ(text.find("container_label_a_b", text.find("container_label_a_b") + 1), std::string::npos) << text;
}

TEST(ExportedLabels, HostileNamesStayOneLabelEach) {
  Identity who = container();
  who.name = "a\"b\\c\nd\xff\xfe";
  EXPECT_NE(exported_labels({}, who, "/x").text().find("name=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\xef\xbf\xbd\","),
            std::string::npos);
}

TEST(ExportedLabels, AreBounded) {
  Identity who = container();
  who.name = std::string(4096, 'n');
  EXPECT_NE(exported_labels({}, who, "/x").text().find("name=\"" + who.name + "\""), std::string::npos)
      << "4,096 characters survive";
  std::string snowmen;
  for (int i = 0; i < 2'000; ++i) snowmen += "\xe2\x98\x83";
  who.name = snowmen;
  const std::string text = exported_labels({}, who, "/x").text();
  EXPECT_NE(text.find("name=\"" + snowmen.substr(0, 4095) + "\""), std::string::npos) << "cut before a character";
  who.labels.clear();
  for (int i = 0; i < 1'000; ++i) who.labels.emplace_back("key" + std::to_string(i), std::string(10'000, 'v'));
  who.labels.emplace_back(std::string(1'000, 'k'), "v");
  ExportPolicy policy;
  policy.labels = {"*"};
  EXPECT_LT(exported_labels(policy, who, "/x").text().size(), 64U * 4'200 + 3 * 4'200);
}

}  // namespace
}  // namespace mete::collectors
