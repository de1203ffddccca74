// SPDX-License-Identifier: Apache-2.0
// The schemas that ship are those of the tables the reader uses. After a change of the tables:
//   METE_UPDATE_SCHEMA=1 build/dev/bin/config_test --gtest_filter='JsonSchema.*'
#include "config/reading/schema/json_schema.h"

#include <cstdlib>

#include "tests/config/support.h"

namespace mete::config {
namespace {

void compare(const std::string& path, const std::string& schema) {
  if (std::getenv("METE_UPDATE_SCHEMA") != nullptr) std::ofstream(std::string(METE_SOURCE_DIR) + "/" + path) << schema;
  EXPECT_EQ(read_source(path), schema) << "see the top of this file";
}

TEST(JsonSchema, PodIsCurrent) {
  compare("config/schema/pod.schema.json", pod_schema());
}
TEST(JsonSchema, WorkloadIsCurrent) {
  compare("config/schema/workload.schema.json", workload_schema());
  compare("config/schema/service.schema.json", service_schema());
}
TEST(JsonSchema, PolicyIsCurrent) {
  compare("config/schema/policy.schema.json", policy_schema());
}
TEST(JsonSchema, AgentIsCurrent) {
  compare("config/schema/agent.schema.json", agent_schema());
}

// Every manifest is YAML, and so is JSON: the reader of manifests can at least tell that the text is well-formed.
TEST(JsonSchema, IsWellFormed) {
  for (const auto& schema : {pod_schema(), workload_schema(), service_schema(), policy_schema(), agent_schema()}) {
    const auto documents = read_documents(schema, "schema");
    ASSERT_EQ(documents.errors.size(), 1U);
    EXPECT_EQ(documents.errors[0].message, "`kind` is missing");
  }
}

}  // namespace
}  // namespace mete::config
