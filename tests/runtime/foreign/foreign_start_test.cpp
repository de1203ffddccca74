// SPDX-License-Identifier: Apache-2.0
// The runs of another runtime's program, and how its program is found.
#include "runtime/foreign/foreign_start.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "runtime/foreign/runtime_program.h"
#include "runtime/json.h"
#include "runtime/process/plan/defaults.h"
#include "runtime/process/plan/plan.h"
#include "runtime/process/plan/wire.h"
#include "tests/support/temp_dir.h"

namespace mete::runtime::foreign {
namespace {

using process::LaunchSpec;
using process::NamespaceKind;

LaunchSpec launch() {
  LaunchSpec spec;
  spec.namespaces = {{NamespaceKind::mount, ""}, {NamespaceKind::pid, ""}, {NamespaceKind::network, "/proc/self/fd/6"}};
  spec.overlay = process::OverlayRoot{"/layers", {"a", "b"}, "/up", "/work", {}};
  spec.rootfs = "/attempt/root";
  spec.root_attributes = 4;
  spec.mounts = process::default_mounts(true);
  spec.mounts.push_back({.destination = "/v", .type = "bind", .source = "/volume", .recursive = true});
  spec.mounts.push_back({.destination = "/w",
                         .type = "bind",
                         .source = "/volume",
                         .sub_path = "a/b",
                         .attributes = 1,
                         .recursive = true});
  spec.args = {"/run"};
  spec.oom_score_adj = 10;
  return spec;
}

Request request() {
  return {.runtime = {"runc", "/usr/sbin/runc", {"--debug"}},
          .attempt = "/attempt",
          .id = "id-1",
          .cgroup = "/mete/web/c",
          .hierarchies = {"/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified"},
          .device_rules = {{}},
          .keep_devices = true,
          .seccomp = {},
          .capabilities = 0xff};
}

std::vector<std::string> steps(const process::Plan& plan) {
  std::vector<std::string> all;
  for (const auto& op : plan.ops) all.push_back(process::describe(op));
  return all;
}

using Words = std::vector<std::string>;

TEST(ForeignStart, TheProgramIsCalledAsOtherClientsCallIt) {
  const auto start = make_start(launch(), request());
  ASSERT_TRUE(start) << start.error().what;
  const auto& plans = start->plans;
  EXPECT_EQ(plans.create.args, (Words{"/usr/sbin/runc", "--debug", "--root", "/attempt/runtime", "--log",
                                      "/attempt/runtime.log", "--log-format", "json", "create", "--bundle",
                                      "/attempt/bundle", "--pid-file", "/attempt/runtime.pid", "id-1"}));
  EXPECT_EQ(Words(plans.start.args.end() - 2, plans.start.args.end()), (Words{"start", "id-1"}));
  EXPECT_EQ(Words(plans.remove.args.end() - 3, plans.remove.args.end()), (Words{"delete", "--force", "id-1"}));
  EXPECT_EQ(plans.create.identity.capabilities.permitted, 0xffU);
  EXPECT_EQ(plans.device_rules.size(), 1U);
}

TEST(ForeignStart, TheRuntimeSeesTheRootAndPartsOfVolumesAsMounts) {
  const auto start = make_start(launch(), request());
  ASSERT_TRUE(start);
  EXPECT_EQ(steps(start->plans.create),
            (Words{"end with the launcher", "make mounts private", "mount root /attempt/root", "open root /",
                   "bind /proc/self/fd/6 on /attempt/bundle/network", "bind /volume/a/b on /attempt/bundle/volume-0",
                   "wait for the cgroups"}));
  EXPECT_EQ(start->plans.create.clone_flags, static_cast<std::uint64_t>(CLONE_NEWNS));
  const auto config = nlohmann::json::parse(start->config);
  EXPECT_EQ(config["root"]["path"], "/attempt/root");
  EXPECT_EQ(config["linux"]["namespaces"][2]["path"], "/attempt/bundle/network");
  const auto& mounts = config["mounts"];
  EXPECT_EQ(mounts[mounts.size() - 2]["source"], "/volume");
  EXPECT_EQ(mounts[mounts.size() - 1]["source"], "/attempt/bundle/volume-0");
  EXPECT_EQ(mounts[mounts.size() - 1]["options"], (nlohmann::json{"rbind", "ro", "rro"}));
  EXPECT_FALSE(config["process"].contains("oomScoreAdj")) << "the shim writes it";
}

TEST(ForeignStart, ItsDeleteFindsNoCgroupOfTheContainer) {
  const auto start = make_start(launch(), request());
  ASSERT_TRUE(start);
  EXPECT_EQ(steps(start->plans.remove),
            (Words{"end with the launcher", "make mounts private", "open root /",
                   "bind /sys/fs/cgroup/memory/mete/web/c on /sys/fs/cgroup/memory",
                   "bind /sys/fs/cgroup/unified/mete/web/c on /sys/fs/cgroup/unified", "wait for the cgroups"}));
}

TEST(ForeignStart, WhatCannotBeDoneNamesTheRuntime) {
  auto spec = launch();
  spec.init = true;
  const auto start = make_start(spec, request());
  ASSERT_FALSE(start);
  EXPECT_EQ(start.error().what.rfind("runtime runc: found an init process", 0), 0U) << start.error().what;
  auto bad = launch();
  bad.cwd = "relative";
  EXPECT_FALSE(make_start(bad, request()));
}

TEST(ForeignStart, TheRunsAreReadAsTheyWereWritten) {
  auto made = request();
  made.device_rules = {{true, 'c', 1, std::nullopt, "rw"}, {}};
  const auto start = make_start(launch(), made);
  ASSERT_TRUE(start);
  const std::string bytes = process::encode(start->plans);
  const auto read = process::decode_foreign_plans(bytes);
  ASSERT_TRUE(read);
  EXPECT_TRUE(*read == start->plans);
  for (std::size_t size = 0; size < bytes.size(); size += 7)
    EXPECT_FALSE(process::decode_foreign_plans(std::string_view(bytes).substr(0, size)));
}

TEST(RuntimeProgram, IsTheConfiguredOneOrThatOfTheName) {
  const mete::testing::TempDir folder;
  const std::string program = folder.path() + "/other";
  std::ofstream(program) << "#!/bin/sh\n";
  const std::vector<config::RuntimeProgram> configured = {{"named", program, {"--x"}}, {"bare", "", {"--y"}}};
  const auto error_of = [&](const std::string& handler) {
    const auto found = find_runtime(handler, configured, {"/nowhere", folder.path()});
    return found ? std::string() : found.error().what;
  };
  EXPECT_NE(error_of("named").find("agent.yaml names " + program), std::string::npos) << error_of("named");
  EXPECT_NE(error_of("other").find("in /nowhere, " + folder.path()), std::string::npos) << error_of("other");
  ::chmod(program.c_str(), 0755);
  EXPECT_EQ(error_of("named"), "");
  EXPECT_EQ(find_runtime("named", configured, {})->args, (Words{"--x"}));
  EXPECT_EQ(find_runtime("other", configured, {"/nowhere", folder.path()})->program, program);
  EXPECT_FALSE(find_runtime("bare", configured, {folder.path()}));
  ::rename(program.c_str(), (folder.path() + "/bare").c_str());
  EXPECT_EQ(find_runtime("bare", configured, {folder.path()})->args, (Words{"--y"}));
  ::mkdir((folder.path() + "/dir").c_str(), 0755);
  EXPECT_FALSE(find_runtime("dir", configured, {folder.path()})) << "a folder is no program";
}

}  // namespace
}  // namespace mete::runtime::foreign
