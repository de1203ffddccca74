// SPDX-License-Identifier: Apache-2.0
// Devices of the Container Device Interface: what a container gets with them.
#include "runtime/pod/cdi_edits.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace mete::runtime::pod {
namespace {

config::CdiDeviceNode node(const std::string& path, const std::string& host = {}) {
  config::CdiDeviceNode made;
  made.path = path;
  made.host_path = host;
  made.file = "/etc/cdi/a.yaml";
  return made;
}

TEST(CdiEdits, NodesAreTheMachinesUnlessTheSpecificationSaysMore) {
  config::CdiEdits edits;
  edits.nodes = {node("/dev/thing", "/dev/null"), node("/dev/made")};
  edits.nodes[0].mode = 0640;
  edits.nodes[0].gid = 44;
  edits.nodes[1].type = "b";
  edits.nodes[1].major = 259;
  edits.nodes[1].minor = 7;
  edits.nodes[1].access = "r";
  const auto nodes = find_cdi_nodes(edits);
  ASSERT_TRUE(nodes) << nodes.error().what;
  EXPECT_EQ(nodes->at(0).device, (process::DeviceSpec{"/dev/thing", S_IFCHR | 0640, makedev(1, 3), 0, 44}));
  EXPECT_EQ(nodes->at(0).access, "rwm");
  EXPECT_FALSE(nodes->at(0).own_uid);
  EXPECT_TRUE(nodes->at(0).own_gid);
  EXPECT_EQ(nodes->at(1).device, (process::DeviceSpec{"/dev/made", S_IFBLK | 0666, makedev(259, 7), 0, 0}));
  EXPECT_EQ(nodes->at(1).access, "r");
}

TEST(CdiEdits, ANodeThatIsNotThereNamesTheSpecification) {
  const auto error = [](const config::CdiDeviceNode& of) {
    config::CdiEdits edits;
    edits.nodes = {of};
    const auto nodes = find_cdi_nodes(edits);
    return nodes ? std::string() : nodes.error().what;
  };
  EXPECT_EQ(error(node("/dev/no-such-device")),
            "/etc/cdi/a.yaml: device /dev/no-such-device: /dev/no-such-device: No such file or directory");
  EXPECT_EQ(error(node("/dev/a", "/etc/passwd")),
            "/etc/cdi/a.yaml: device /dev/a: /etc/passwd: found no device there, expected one");
  EXPECT_NE(error(node("/opt/null", "/dev/null")).find("below /dev"), std::string::npos);
  auto pipe = node("/dev/null");
  pipe.type = "p";
  EXPECT_NE(error(pipe).find("a pipe"), std::string::npos);
  pipe.type = "b";
  EXPECT_EQ(error(pipe), "/etc/cdi/a.yaml: device /dev/null: found a device of type \"c\", expected \"b\"");
}

TEST(CdiEdits, ChangeWhatTheContainerHas) {
  config::CdiEdits edits;
  edits.env = {"PATH=/dongle", "NEW=1"};
  edits.mounts = {{"/usr/lib/d", "/lib/d", {"ro", "nosuid", "nodev", "rbind", "rprivate"}, "", "f"},
                  {"tmpfs", "/scratch", {"size=1m", "noexec"}, "tmpfs", "f"}};
  edits.gids = {44, 7};
  edits.nodes = {node("/dev/thing", "/dev/null"), node("/dev/zero")};
  edits.nodes[1].uid = 3;
  process::LaunchSpec launch;
  launch.env = {"PATH=/bin", "A=b"};
  launch.mounts = {{.destination = "/lib/d/below", .type = "bind", .source = "/x"},
                   {.destination = "/lib/d", .type = "bind", .source = "/y"}};
  launch.identity.uid = 1000;
  launch.identity.gid = 100;
  launch.identity.additional_gids = {7};
  const auto nodes = find_cdi_nodes(edits);
  ASSERT_TRUE(nodes) << nodes.error().what;
  for (const auto& each : *nodes) launch.devices.push_back(each.device);
  const auto done = apply_cdi(edits, *nodes, false, launch);
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(launch.env, (std::vector<std::string>{"A=b", "PATH=/dongle", "NEW=1"}));
  EXPECT_EQ(launch.identity.additional_gids, (std::vector<std::uint32_t>{7, 44}));
  ASSERT_EQ(launch.mounts.size(), 3U);
  EXPECT_EQ(launch.mounts[0],
            (process::MountSpec{.destination = "/lib/d",
                                .type = "bind",
                                .source = "/usr/lib/d",
                                .attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
                                .recursive = true}))
      << "in place of the one there, and before what lies below it";
  EXPECT_EQ(launch.mounts[1].destination, "/lib/d/below");
  EXPECT_EQ(launch.mounts[2], (process::MountSpec{.destination = "/scratch",
                                                  .type = "tmpfs",
                                                  .source = "tmpfs",
                                                  .data = "size=1m",
                                                  .attributes = MOUNT_ATTR_NOEXEC}));
  EXPECT_EQ(launch.devices[0].uid, 1000U) << "the container's user owns what nobody is said to own";
  EXPECT_EQ(launch.devices[1].uid, 3U);
  EXPECT_EQ(launch.devices[1].gid, 100U);
}

TEST(CdiEdits, WhatIsNotDoneIsAnErrorThatNamesTheSpecification) {
  process::LaunchSpec launch;
  const auto error = [&](const config::CdiEdits& edits, bool own_users = false) {
    const auto done = apply_cdi(edits, std::vector<CdiNode>(edits.nodes.size()), own_users, launch);
    return done ? std::string() : done.error().what;
  };
  config::CdiEdits edits;
  edits.others = {"/etc/cdi/a.yaml: `netDevices`"};
  EXPECT_TRUE(error(edits).starts_with("/etc/cdi/a.yaml: `netDevices`: found what mete does not do")) << error(edits);
  edits = {};
  edits.mounts = {{"/a", "/b", {"sync"}, "", "/etc/cdi/a.yaml"}};
  EXPECT_EQ(error(edits),
            "/etc/cdi/a.yaml: mount /b: found option \"sync\", expected one of a bind such as ro or nosuid");
  edits.mounts = {{"/a", "/b", {}, "nfs", "/etc/cdi/a.yaml"}};
  EXPECT_EQ(error(edits), "/etc/cdi/a.yaml: mount /b: found type \"nfs\", expected bind or tmpfs");
  edits.mounts = {{"/a", "/", {}, "", "/etc/cdi/a.yaml"}};
  EXPECT_NE(error(edits).find("other than its root"), std::string::npos);
  edits = {};
  edits.nodes = {node("/dev/thing", "/dev/null")};
  EXPECT_NE(error(edits, true).find("with hostUsers: false"), std::string::npos);
  EXPECT_EQ(error(edits), "");
  edits = {};
  edits.hooks = {{"createContainer", "/usr/bin/hook", {}, {}, {}, "/etc/cdi/a.yaml"}};
  const auto hooks = check_no_hooks(edits);
  ASSERT_FALSE(hooks);
  EXPECT_TRUE(hooks.error().what.starts_with("/etc/cdi/a.yaml: found the hook /usr/bin/hook (createContainer)"));
  EXPECT_TRUE(check_no_hooks({}));
}

}  // namespace
}  // namespace mete::runtime::pod
