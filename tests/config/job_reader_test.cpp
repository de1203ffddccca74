// SPDX-License-Identifier: Apache-2.0
// What a Job may not say.
#include <gtest/gtest.h>

#include "config/reading/yaml/yaml_reader.h"
#include "tests/config/support.h"

namespace mete::config {
namespace {

std::vector<Diagnostic> job_errors(const std::string& spec) {
  return read_documents("apiVersion: batch/v1\nkind: Job\nmetadata: {name: work}\nspec:\n" + spec +
                            "  template:\n    metadata: {labels: {app: work}}\n    spec:\n      restartPolicy: Never\n"
                            "      containers: [{name: c, image: i}]\n",
                        "j.yaml")
      .errors;
}

TEST(JobReader, ExitCodesRise) {
  const auto with_values = [](const std::string& values) {
    return job_errors("  podFailurePolicy: {rules: [{action: Ignore, onExitCodes: {operator: In, values: " + values +
                      "}}]}\n");
  };
  EXPECT_TRUE(with_values("[1, 42, 137]").empty());
  const std::string place = "spec.podFailurePolicy.rules[0].onExitCodes.values[1]";
  EXPECT_TRUE(has(with_values("[42, 1]"), place, "1 after 42")) << joined(with_values("[42, 1]"));
  EXPECT_TRUE(has(with_values("[42, 42]"), place, "rising order"));
}

TEST(JobReader, NoMoreIndexesMayFailThanThereAre) {
  const std::string indexed = "  completions: 4\n  completionMode: Indexed\n  backoffLimitPerIndex: 1\n";
  EXPECT_TRUE(job_errors(indexed + "  maxFailedIndexes: 4\n").empty());
  EXPECT_TRUE(
      has(job_errors(indexed + "  maxFailedIndexes: 5\n"), "spec.maxFailedIndexes", "at most `completions`, 4"));
}

TEST(JobReader, ASelectorIsTheJobsOwnUnlessItIsSaidOtherwise) {
  const std::string of_template = "  selector: {matchLabels: {app: work}}\n";
  EXPECT_TRUE(has(job_errors(of_template), "spec.selector", "manualSelector: true"));
  EXPECT_TRUE(has(job_errors("  selector: {matchExpressions: [{key: app, operator: Exists}]}\n"), "spec.selector",
                  "manualSelector: true"));
  EXPECT_TRUE(job_errors("  manualSelector: true\n" + of_template).empty());
  EXPECT_TRUE(has(job_errors("  manualSelector: true\n  selector: {matchLabels: {app: other}}\n"), "spec.selector",
                  "does not select"));
  // As a cluster has written it.
  EXPECT_TRUE(job_errors("  selector: {matchLabels: {batch.kubernetes.io/controller-uid: 1f-2a}}\n").empty());
}

}  // namespace
}  // namespace mete::config
