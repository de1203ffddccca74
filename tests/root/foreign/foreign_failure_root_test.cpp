// SPDX-License-Identifier: Apache-2.0
// Shims that are killed, and runtimes that fail or hang.
#include "tests/root/foreign/foreign_support.h"

namespace mete::runtime::foreign {
namespace {

TEST_F(ForeignRootTest, AKilledShimLeavesNothingButTheGroup) {
  for (const auto& runtime : runtimes()) {
    SCOPED_TRACE(runtime.name);
    for (const int milliseconds : {0, 20, 60, 150, 1000}) {
      prepare(spec("exec sleep 1000"), request(runtime));
      const pid_t shim = begin_shim();
      std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
      ::kill(shim, SIGKILL);
      ::waitpid(shim, nullptr, 0);
      // What the agent does then.
      EXPECT_TRUE(wait_for([&] {
        (void)group_->kill_all();
        const auto populated = group_->populated();
        return populated && !*populated;
      }));
      // The runtime's program ends with the shim.
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      const auto populated = group_->populated();
      EXPECT_TRUE(populated && !*populated) << milliseconds;
      ASSERT_TRUE(remove_tree(attempt()));
    }
  }
}

// A runtime of a few lines: `$call`, `$pid_file` and `$log` are what it was called with.
Runtime scripted(const std::string& path, const std::string& text) {
  std::ofstream(path)
      << "#!/bin/sh\nwhile [ $# -gt 0 ]; do case $1 in --root|--log-format|--bundle) shift;; --log) log=$2; "
         "shift;; --pid-file) pid_file=$2; shift;; create|start|delete) call=$1;; esac; shift; done\n"
      << "echo $call >> " << path << ".calls\n"
      << text << "\n";
  ::chmod(path.c_str(), 0755);
  return {"scripted", path, {}};
}

TEST_F(ForeignRootTest, ARuntimeThatFailsIsToldAndCleanedUpAfter) {
  struct Case {
    const char* text;
    const char* error;
  };
  const Case cases[] = {
      {"echo '{\"level\":\"error\",\"msg\":\"the moon is full\"}' > $log; exit 1", "create: the moon is full"},
      {"exit 3", "it ended with exit code 3 and said nothing"},
      {"kill -9 $$", "it ended with signal 9"},
      {"test $call != create || echo 1 > $pid_file", "found \"1\" in "},
      {"test $call != create || echo x > $pid_file", "found \"x\" in "},
      {"exit 0", "runtime.pid"},
      {"if [ $call = create ]; then sleep 1000 & echo $! > $pid_file; exit 0; fi; test $call = delete",
       "start: it ended with exit code 1"}};
  for (const auto& each : cases) {
    SCOPED_TRACE(each.text);
    const std::string path = dir_ / "runtime";
    const auto seen = run(spec("true"), scripted(path, each.text));
    EXPECT_EQ(seen.exit.code, 128);
    EXPECT_TRUE(has(seen.exit.start_error, each.error)) << seen.exit.start_error;
    const std::string calls = read_file(AT_FDCWD, path + ".calls").value_or("");
    EXPECT_TRUE(calls.ends_with("delete\n")) << calls;
    expect_clean();
  }
}

TEST_F(ForeignRootTest, ARuntimeThatHangsIsGivenUp) {
  const auto began = std::chrono::steady_clock::now();
  const auto seen = run(spec("true"), scripted(dir_ / "runtime", "test $call != create || sleep 1000"));
  EXPECT_TRUE(has(seen.exit.start_error, "found that it does not end")) << seen.exit.start_error;
  EXPECT_LT(std::chrono::steady_clock::now() - began, kPatience);
  expect_clean();
}

}  // namespace
}  // namespace mete::runtime::foreign
