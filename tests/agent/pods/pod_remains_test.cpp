// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/record/pod_remains.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "runtime/file.h"

namespace mete::agent {
namespace {

namespace fs = std::filesystem;

class PodRemainsTest : public testing::Test {
 protected:
  PodRemainsTest() {
    root_ = fs::temp_directory_path() / ("pod-remains-" + std::to_string(::getpid()));
    settings_.state = root_ + "/state";
    settings_.run = root_ + "/run";
    settings_.cgroup_parent = "/nowhere";
  }
  ~PodRemainsTest() override {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }

  PodPaths made(const std::string& uid, const std::string& name) {
    PodPaths paths(settings_, {.uid = uid, .namespace_ = "default", .name = name});
    for (const auto& file : {paths.record(), paths.attempt("main", 1) + "/diff/etc/hosts", paths.sandbox() + "/plan",
                             paths.volumes().disk + "/data/file", paths.etc() + "/hosts", paths.log("main")}) {
      fs::create_directories(fs::path(file).parent_path());
      std::ofstream(file) << "x";
    }
    return paths;
  }

  std::string root_;
  Settings settings_;
};

TEST_F(PodRemainsTest, AllOfAPodGoesAndNothingOfAnother) {
  const PodPaths one = made("u-1", "one");
  const PodPaths two = made("u-2", "two");
  EXPECT_TRUE(remove({{}, one}));
  for (const auto& path : {one.directory(), one.run_directory(), one.logs()}) EXPECT_FALSE(fs::exists(path)) << path;
  for (const auto& path : {two.record(), two.etc() + "/hosts", two.log("main")}) EXPECT_TRUE(fs::exists(path)) << path;
  EXPECT_TRUE(remove({{}, one})) << "what is gone already is no error";
}

TEST_F(PodRemainsTest, TheRecordStaysUntilTheRestHasGone) {
  const PodPaths paths = made("u-1", "one");
  fs::rename(settings_.state + "/logs", root_ + "/logs");
  std::ofstream(settings_.state + "/logs") << "no directory";
  const auto failed = remove({{}, paths});
  ASSERT_FALSE(failed);
  EXPECT_FALSE(runtime::cgroup::is_busy(failed.error())) << "that is said of cgroups alone";
  EXPECT_TRUE(fs::exists(paths.record()));
  fs::remove(settings_.state + "/logs");
  fs::rename(root_ + "/logs", settings_.state + "/logs");
  EXPECT_TRUE(remove({{}, paths}));
  EXPECT_FALSE(fs::exists(paths.directory()));
  EXPECT_FALSE(fs::exists(paths.logs()));
}

}  // namespace
}  // namespace mete::agent
