// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/limits/kept_settings.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "runtime/file.h"
#include "tests/support/temp_dir.h"

namespace mete::runtime::cgroup {
namespace {

TEST(KeptSettings, AreWrittenBackWhereTheyDiffer) {
  const mete::testing::TempDir folder;
  Hierarchies hierarchies;
  hierarchies.v1 = {{"memory", folder / "memory"}, {"pids", folder / "pids"}};
  const auto put = [&](const std::string& file, const std::string& text) { std::ofstream(folder / file) << text; };
  std::filesystem::create_directories(folder / "memory/g");
  std::filesystem::create_directories(folder / "pids/g");
  put("memory/g/memory.limit_in_bytes", "67108864\n");
  put("memory/g/memory.usage_in_bytes", "1000\n");
  put("pids/g/pids.max", "50\n");
  const Group group = Group::at(hierarchies, "/g").value();
  const auto kept = KeptSettings::of(group);
  EXPECT_TRUE(kept.put_back());
  put("memory/g/memory.limit_in_bytes", "99999999\n");
  put("memory/g/memory.usage_in_bytes", "2000\n");
  ASSERT_TRUE(kept.put_back());
  EXPECT_EQ(read_file(AT_FDCWD, folder / "memory/g/memory.limit_in_bytes").value(), "67108864\n");
  EXPECT_EQ(read_file(AT_FDCWD, folder / "memory/g/memory.usage_in_bytes").value(), "2000\n") << "no setting";
  ::unlink((folder / "pids/g/pids.max").c_str());
  const auto failed = kept.put_back();
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().what.find("pids.max"), std::string::npos) << failed.error().what;
}

}  // namespace
}  // namespace mete::runtime::cgroup
