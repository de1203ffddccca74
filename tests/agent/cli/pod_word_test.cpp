// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/objects/pod_word.h"

#include <gtest/gtest.h>

namespace mete::agent::cli {
namespace {

TEST(PodWord, IsMetesOrKubectls) {
  EXPECT_EQ(pod_word("web", ""), "web");
  EXPECT_EQ(pod_word("web", "prod"), "prod/web");
  EXPECT_EQ(pod_word("prod/web", ""), "prod/web");
  for (const char* word : {"pod/web", "pods/web", "po/web"}) {
    EXPECT_EQ(pod_word(word, ""), "web") << word;
    EXPECT_EQ(pod_word(word, "prod"), "prod/web") << word;
  }
  EXPECT_EQ(pod_word("pod/prod/web", ""), "prod/web");
  EXPECT_EQ(pod_word("web", "jobs"), "jobs/web") << "a namespace with the name of a kind";
}

TEST(PodWord, WhatIsNoneIsToldOnce) {
  for (const char* word : {"deploy/web", "job/x", "sts/x", "rs/x", "ds/x", "svc/x", "deployment.apps/web"}) {
    const auto refused = pod_word(word, "");
    ASSERT_FALSE(refused) << word;
    EXPECT_NE(refused.error().what.find("expected NAME, NAMESPACE/NAME or pod/NAME"), std::string::npos);
  }
  EXPECT_FALSE(pod_word("prod/web", "dev"));
  EXPECT_FALSE(pod_word("pod/prod/web", "dev"));
  EXPECT_FALSE(pod_word("pod/", ""));
}

TEST(PodWord, MinusNOfLogsIsDockersOrKubectls) {
  EXPECT_EQ(read_logs_n("20")->tail, 20U);
  EXPECT_EQ(read_logs_n("20")->space, "");
  EXPECT_EQ(read_logs_n("0")->tail, 0U);
  EXPECT_EQ(read_logs_n("prod")->space, "prod");
  EXPECT_FALSE(read_logs_n("prod")->tail);
  EXPECT_EQ(read_logs_n("2a")->space, "2a");
  for (const char* bad : {"", "-1", "99999999999999999999999"}) EXPECT_FALSE(read_logs_n(bad)) << bad;
}

}  // namespace
}  // namespace mete::agent::cli
