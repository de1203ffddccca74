// SPDX-License-Identifier: Apache-2.0
// What other runtimes say in their logs.
#include "runtime/shim/runtime_log.h"

#include <gtest/gtest.h>

namespace mete::runtime::shim {
namespace {

TEST(RuntimeLog, TheLastErrorCounts) {
  EXPECT_EQ(last_error(""), "");
  EXPECT_EQ(last_error("not json\n\n{\"level\":\"info\",\"msg\":\"x\"}\n"), "");
  // runc's order of members, then crun's.
  EXPECT_EQ(last_error("{\"level\":\"error\",\"msg\":\"first\",\"time\":\"t\"}\n"
                       "{\"msg\" : \"say \\\"no\\\"\\n\\u00e9\", \"level\" : \"error\", \"time\" : \"t\"}\n"
                       "{\"level\":\"warning\",\"msg\":\"later\"}\n"),
            "say \"no\"\n\xc3\xa9");
  EXPECT_EQ(last_error("{\"level\":\"fatal\",\"msg\":\"no newline\"}"), "no newline");
  EXPECT_EQ(last_error("{\"level\":\"error\",\"msg\":\"cut of"), "");
  EXPECT_EQ(last_error("{\"msg\":\"level\",\"level\":\"error\"}"), "level") << "a value is no name";
  EXPECT_EQ(last_error("{\"level\":\"error\",\"msg\":\"\\u12\"}\n{\"level\":\"error\",\"msg\":\"\\"), "");
}

TEST(RuntimeLog, TheCodeIsDockers) {
  // As runc 1.1 and crun 1.8 say it.
  EXPECT_EQ(code_of_runtime_error("exec: \"nope\": executable file not found in $PATH", "nope"), 127);
  EXPECT_EQ(code_of_runtime_error("exec: \"/bin/nope\": stat /bin/nope: no such file or directory", "/bin/nope"), 127);
  EXPECT_EQ(code_of_runtime_error("executable file `nope` not found in $PATH: No such file or directory", "nope"), 127);
  EXPECT_EQ(code_of_runtime_error("exec: \"/etc/passwd\": permission denied", "/etc/passwd"), 126);
  EXPECT_EQ(code_of_runtime_error("open `/etc`: Is a directory", "/etc"), 126);
  EXPECT_EQ(code_of_runtime_error("open executable: Permission denied", "/v/file"), 126) << "crun 1.8 does not name it";
  EXPECT_EQ(code_of_runtime_error("mount /v: no such file or directory", "sleep"), 128) << "not of the command";
  EXPECT_EQ(code_of_runtime_error("out of memory", "sleep"), 128);
}

}  // namespace
}  // namespace mete::runtime::shim
