// SPDX-License-Identifier: Apache-2.0
// Workloads as JSON: what commands have said over a manifest, the objects that a workload makes, and the names of all
// of them in Kubernetes' form. Pure. What is made is read by the same reader as a manifest.
#pragma once

#include <string>
#include <string_view>

#include "agent/workloads/workload_record.h"
#include "config/base/result.h"
#include "config/model/workloads.h"

namespace mete::agent {

inline constexpr const char* kTemplateHash = "pod-template-hash";
inline constexpr const char* kRevisionHash = "controller-revision-hash";
inline constexpr const char* kRestartedAt = "kubectl.kubernetes.io/restartedAt";
inline constexpr const char* kRevisionAnnotation = "deployment.kubernetes.io/revision";
inline constexpr const char* kChangeCause = "kubernetes.io/change-cause";

// The error is that of the first diagnostic. `file` is where the object's places are said to be.
[[nodiscard]] Result<config::Workload> read_workload_text(const std::string& text, const std::string& file);

// The manifest's object with what commands have said of its template. Numbers and `paused` are not in it.
[[nodiscard]] std::string with_overrides(const std::string& text, const Overrides& overrides);
// spec.template, its keys sorted: equal for equal templates.
[[nodiscard]] std::string template_text(const std::string& object);
// The object with another template.
[[nodiscard]] std::string with_template(const std::string& object, const std::string& template_text);
// `field` of spec stands in the text with another value than in `other`.
[[nodiscard]] bool says_otherwise(const std::string& text, const std::string& other, const char* field);

// At most ten characters without vowels, as of pod-template-hash.
[[nodiscard]] std::string hash_of(std::string_view text, int collisions);

// "web-5d9c7b6f4-" and a suffix, cut so that the whole is a label: generateName.
[[nodiscard]] std::string generated_name(std::string base, std::string_view suffix);

// Of a Deployment's template; `deployment` is its JSON with overrides.
[[nodiscard]] std::string replica_set_text(const std::string& deployment, const std::string& name,
                                           const std::string& hash);
// Of a CronJob, due at `at`.
[[nodiscard]] std::string job_text(const std::string& cron_job, const std::string& name, WallTime at);
// A Job started by hand has no time: `kubectl create job --from`.
[[nodiscard]] std::string rfc3339(WallTime at);  // whole seconds, UTC

// The pod of a workload that has this name; `owner` says which of its pods it is.
[[nodiscard]] config::Pod child_pod(const config::Workload& workload, const std::string& name,
                                    const PodWorkload& owner);

}  // namespace mete::agent
