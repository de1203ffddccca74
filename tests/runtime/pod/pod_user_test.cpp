// SPDX-License-Identifier: Apache-2.0
// As whom a pod's container runs, how the pod is called, and which servers it asks for names.
#include <gtest/gtest.h>

#include "runtime/pod/name_files.h"
#include "runtime/pod/user.h"

namespace mete::runtime::pod {
namespace {

constexpr const char* kPasswd = "root:x:0:0::/root:/bin/sh\napp:x:1000:100::/home/app:/bin/sh\n";
constexpr const char* kGroup = "root:x:0:\nstaff:x:50:app\nweb:x:33:app,other\n";

struct Case {
  config::Pod pod;
  config::Container container;
  ContainerContext context;

  Case() {
    container.name = "main";
    context.passwd = kPasswd;
    context.group = kGroup;
  }
  Result<process::LaunchSpec> run() const {
    process::LaunchSpec launch;
    METE_CHECK(add_identity(pod, container, context, launch));
    return launch;
  }
};

using Groups = std::vector<std::uint32_t>;

TEST(PodUser, TheImagesFilesGiveANumericUserItsGroups) {
  Case it;
  it.container.security.edit().run_as_user = 1000;
  EXPECT_EQ(it.run()->identity.gid, 100U);
  EXPECT_EQ(it.run()->identity.additional_gids, (Groups{100, 33, 50}));
  EXPECT_EQ(it.run()->env, std::vector<std::string>{"HOME=/home/app"});
  it.pod.spec.security.edit().supplemental_groups = {7};
  it.pod.spec.security.edit().fs_group = 8;
  EXPECT_EQ(it.run()->identity.additional_gids, (Groups{100, 33, 50, 7, 8}));
  it.pod.spec.security.edit().groups_policy = config::GroupsPolicy::kStrict;
  EXPECT_EQ(it.run()->identity.additional_gids, (Groups{100, 7, 8})) << "its own group is always one of them";
  it.container.security.edit().run_as_group = 5;
  EXPECT_EQ(it.run()->identity.gid, 5U);
}

TEST(PodUser, AUserWithoutALine) {
  Case it;
  it.container.security.edit().run_as_user = 4711;
  EXPECT_EQ(it.run()->identity.gid, 0U);
  EXPECT_EQ(it.run()->identity.additional_gids, Groups{0});
  EXPECT_EQ(it.run()->env, std::vector<std::string>{"HOME=/"});
}

TEST(PodUser, TheImagesOwnUserKeepsTheGroupThatTheImageNames) {
  Case it;
  it.context.image.uid = 1000;
  it.context.image.gid = 50;
  EXPECT_EQ(it.run()->identity.uid, 1000U);
  EXPECT_EQ(it.run()->identity.gid, 50U);
  EXPECT_EQ(it.run()->env, std::vector<std::string>{"HOME=/home/app"});
}

TEST(PodUser, RootIsRefusedWhereTheManifestSaysSo) {
  Case it;
  it.pod.spec.security.edit().run_as_non_root = true;
  const auto refused = it.run();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("found user 0 of container main"), std::string::npos) << refused.error().what;
  EXPECT_EQ(refused.error().code, kConfigError) << "CreateContainerConfigError, as the kubelet has it";
  EXPECT_TRUE(refused.error().what.starts_with("container has runAsNonRoot and image will run as root"));
  it.container.security.edit().run_as_non_root = false;
  EXPECT_TRUE(it.run()) << "the container's word counts";
  it.container.security.edit().run_as_non_root = true;
  it.context.image.uid = 1000;
  EXPECT_TRUE(it.run());
}

TEST(PodUser, Profiles) {
  Case it;
  it.context.seccomp_filter = "filter";
  EXPECT_EQ(it.run()->identity.seccomp_filter, "filter");
  it.pod.spec.security.edit().seccomp = config::SeccompProfile{config::SeccompProfile::Type::kUnconfined};
  EXPECT_EQ(it.run()->identity.seccomp_filter, "");
  it.container.security.edit().seccomp = config::SeccompProfile{};
  EXPECT_EQ(it.run()->identity.seccomp_filter, "filter");
  it.container.security.edit().privileged = true;
  EXPECT_EQ(it.run()->identity.seccomp_filter, "");
  // A docker client's counts in a privileged container, too.
  it.container.security.edit().seccomp = config::SeccompProfile{config::SeccompProfile::Type::kLocalhost, "own.json"};
  EXPECT_EQ(seccomp_profile(it.pod.spec, it.container).type, config::SeccompProfile::Type::kUnconfined);
  it.container.security.edit().seccomp->file = "docker/own.json";
  EXPECT_EQ(seccomp_profile(it.pod.spec, it.container).file, "docker/own.json");
}

config::Pod named() {
  config::Pod pod;
  pod.metadata.name = "web-1";
  pod.metadata.namespace_ = "shop";
  return pod;
}

TEST(PodNames, HostNames) {
  config::Pod pod = named();
  EXPECT_EQ(hostname_of(pod), "web-1");
  pod.spec.hostname_is_fqdn = true;
  EXPECT_EQ(hostname_of(pod), "web-1") << "without a subdomain there is no longer name";
  pod.spec.subdomain = "inner";
  EXPECT_EQ(hostname_of(pod), "web-1.inner.shop.svc.cluster.local");
  EXPECT_NE(hosts_text(pod, {}).find("\tweb-1.inner.shop.svc.cluster.local\tweb-1\n"), std::string::npos);
  pod.spec.hostname_is_fqdn = false;
  pod.spec.hostname = "front";
  EXPECT_EQ(hostname_of(pod), "front");
  EXPECT_NE(hosts_text(pod, {}).find("\tfront.inner.shop.svc.cluster.local\tfront\n"), std::string::npos);
  pod.spec.hostname_override = "db.example.org";
  EXPECT_EQ(hostname_of(pod), "db.example.org");
}

TEST(PodNames, Resolvers) {
  constexpr std::string_view kMachine =
      "# by hand\nnameserver 10.0.0.1\nnameserver\t10.0.0.2\nsearch old\nsearch a.example b.example\n"
      "options ndots:1 timeout:2\n";
  config::PodSpec spec;
  EXPECT_EQ(resolv_text(spec, kMachine), std::nullopt);
  spec.dns = config::DnsConfig{
      {"10.0.0.2", "1.1.1.1", "9.9.9.9"}, {"c.example", "a.example"}, {{"ndots", "5"}, {"edns0", ""}}};
  EXPECT_EQ(resolv_text(spec, kMachine),
            "search a.example b.example c.example\nnameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 1.1.1.1\n"
            "options timeout:2 ndots:5 edns0\n");
  spec.dns_policy = config::DnsPolicy::kNone;
  EXPECT_EQ(resolv_text(spec, kMachine),
            "search c.example a.example\nnameserver 10.0.0.2\nnameserver 1.1.1.1\nnameserver 9.9.9.9\n"
            "options ndots:5 edns0\n");
}

}  // namespace
}  // namespace mete::runtime::pod
