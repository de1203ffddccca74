// SPDX-License-Identifier: Apache-2.0
// Programs that stand for plugins: what they are given, and those that hang, flood or die.
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "runtime/network/cni/plugin_program.h"
#include "tests/support/temp_dir.h"

namespace mete::runtime::network::cni {
namespace {

class CniProgram : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& script) {
    const std::string path = folder_.path() + "/" + name;
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }
  Result<PluginAnswer> run(const std::string& script, ProgramLimits limits = {}) {
    write("plugin", script);
    limits.folders = {"/nonexistent", folder_.path()};
    return run_program({"plugin", {"CNI_COMMAND=ADD"}, R"({"name":"n"})"}, limits);
  }
  testing::TempDir folder_;
};

TEST_F(CniProgram, GetsItsInputAndItsEnvironmentAlone) {
  const auto answer = run("cat; cat /dev/stdin; env | grep -v ^PWD | sort; echo err >&2; exit 3");
  ASSERT_TRUE(answer.has_value()) << answer.error().what;
  EXPECT_EQ(answer->code, 3);
  EXPECT_EQ(answer->errors, "err\n");
  EXPECT_EQ(answer->output.find(R"({"name":"n"}{"name":"n"}CNI_COMMAND=ADD)"), 0U) << answer->output;
  EXPECT_NE(answer->output.find("PATH=/usr/local/sbin"), std::string::npos);
  EXPECT_EQ(answer->output.find("HOME="), std::string::npos);
}

TEST_F(CniProgram, HasNoDescriptorsOfOurs) {
  const auto answer = run("ls /proc/self/fd | wc -l");
  // Its three streams, and the folder that ls reads.
  EXPECT_EQ(answer.value().output, "4\n");
}

TEST_F(CniProgram, OneThatHangsIsKilledWithItsChildren) {
  ProgramLimits limits;
  limits.timeout = std::chrono::milliseconds(300);
  const auto answer = run("sleep 1000 & echo $! > " + folder_.path() + "/child; trap '' TERM; wait", limits);
  ASSERT_FALSE(answer.has_value());
  EXPECT_NE(answer.error().what.find("killed"), std::string::npos) << answer.error().what;
  pid_t child = 0;
  std::ifstream(folder_.path() + "/child") >> child;
  ASSERT_GT(child, 0);
  const auto is_gone = [&] {
    std::ifstream status("/proc/" + std::to_string(child) + "/stat");
    std::string text;
    std::getline(status, text);
    return text.empty() || text.find(") Z") != std::string::npos;
  };
  while (!is_gone()) ::usleep(1000);  // the test's own limit ends it
}

TEST_F(CniProgram, OneThatFloodsIsKilled) {
  ProgramLimits limits;
  limits.most_output = 100000;
  for (const char* script : {"yes", "yes >&2"}) {
    const auto answer = run(script, limits);
    ASSERT_FALSE(answer.has_value());
    EXPECT_NE(answer.error().what.find("more than 100000 bytes"), std::string::npos) << answer.error().what;
  }
}

TEST_F(CniProgram, OneThatEndsWhileAChildHoldsItsOutputIsNotWaitedFor) {
  const auto answer = run("sleep 1000 & echo $! > " + folder_.path() + "/child; echo done");
  EXPECT_EQ(answer.value().output, "done\n");
  pid_t child = 0;
  std::ifstream(folder_.path() + "/child") >> child;
  EXPECT_EQ(::kill(child, SIGKILL), 0) << "a service that a plugin has started goes on";
}

TEST_F(CniProgram, OneThatIsKilledOrMissingIsAnError) {
  EXPECT_NE(run("kill -9 $$").error().what.find("signal 9"), std::string::npos);
  ProgramLimits limits;
  limits.folders = {"/nonexistent", folder_.path()};
  const auto none = run_program({"none", {}, ""}, limits);
  EXPECT_EQ(none.error().what, "found no program none in /nonexistent, " + folder_.path());
}

TEST_F(CniProgram, AllAreKilledWhenTheAgentEnds) {
  const UniqueFd stop(::eventfd(1, EFD_CLOEXEC));
  ProgramLimits limits;
  limits.stop = stop.get();
  EXPECT_NE(run("sleep 1000", limits).error().what.find("the agent ends"), std::string::npos);
}

TEST_F(CniProgram, AListIsFoundByItsNameWhateverOthersAre) {
  const auto put = [&](const std::string& file, const std::string& text) {
    std::ofstream(folder_.path() + "/" + file) << text;
  };
  put("10-broken.conflist", "{");
  put("20-one.conf", R"({"cniVersion": "1.0.0", "name": "one", "type": "t", "n": 1})");
  put("30-one.conf", R"({"cniVersion": "1.0.0", "name": "one", "type": "t", "n": 2})");
  put("40-two.txt", R"({"cniVersion": "1.0.0", "name": "two", "type": "t"})");
  const std::vector<std::string> folders = {"/nonexistent", folder_.path()};
  EXPECT_NE(find_list(folders, "one").value().find("\"n\": 1"), std::string::npos);
  const auto none = find_list(folders, "two");
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().what, "network configuration two: found none of that name in /nonexistent, " + folder_.path() +
                                   "; " + folder_.path() + "/10-broken.conflist: found \"{\", expected JSON");
}

}  // namespace
}  // namespace mete::runtime::network::cni
