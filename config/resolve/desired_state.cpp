// SPDX-License-Identifier: Apache-2.0
#include "config/resolve/desired_state.h"

#include <algorithm>
#include <set>
#include <utility>

#include "config/resolve/resolve.h"
#include "config/resolve/runtime_choice.h"

namespace mete::config {
namespace {

Diagnostic said_twice(std::string_view kind, const ObjectMeta& metadata, const Location& here, const Location& first) {
  Diagnostic error;
  error.location = here;
  error.object = std::string(kind) + " " + full_name(metadata);
  error.field = "metadata.name";
  error.message = "this name is taken already, by " + to_string(first);
  error.found = "`" + metadata.name + "` again";
  error.expected = "a name used once";
  return error;
}

// Adds each object under its full name. The first of two is kept, so that a stray copy changes nothing that runs.
template <class T>
void index(const std::vector<T>& objects, std::string_view kind, std::map<std::string, T>& to,
           std::vector<Diagnostic>& errors) {
  for (const auto& object : objects) {
    const auto [place, added] = to.emplace(full_name(object.metadata), object);
    if (!added) errors.push_back(said_twice(kind, object.metadata, object.location, place->second.location));
  }
}

std::size_t specificity(const Policy& policy) {
  return policy.selector.match_labels.size() + policy.selector.match_expressions.size();
}

// The applying policy that selects by the most labels. Two policies with equally many labels are an error of the Pod.
const Policy* choose_policy(const Pod& pod, const std::map<std::string, Policy>& policies,
                            std::vector<Diagnostic>& errors) {
  const Policy* best = nullptr;
  const Policy* rival = nullptr;
  for (const auto& [name, policy] : policies) {
    if (policy.metadata.namespace_ != pod.metadata.namespace_) continue;
    if (!matches(policy.selector, pod.metadata.labels)) continue;
    if (best != nullptr && specificity(policy) == specificity(*best)) {
      rival = &policy;
    } else if (best == nullptr || specificity(policy) > specificity(*best)) {
      best = &policy;
      rival = nullptr;
    }
  }
  if (rival == nullptr) return best;
  Diagnostic error;
  error.location = pod.location;
  error.object = "Pod " + full_name(pod.metadata);
  error.field = "metadata.labels";
  error.found = "two policies of equal weight";
  error.expected = "one that selects by more labels than the other";
  error.message = "the policies `" + best->metadata.name + "` (" + to_string(best->location) + ") and `" +
                  rival->metadata.name + "` (" + to_string(rival->location) +
                  ") both apply and select by equally many labels";
  errors.push_back(std::move(error));
  return nullptr;
}

std::uint64_t fnv1a(std::string_view text, std::uint64_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return hash;
}

// Makes a uid from the name of a Pod without one (RFC 9562 version 8). The uid is the same each time, so that an
// unchanged manifest stays == to the running Pod.
std::string uid_of(const ObjectMeta& metadata) {
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::string_view kPattern = "xxxxxxxx-xxxx-8xxx-axxx-xxxxxxxxxxxx";
  const std::string name = full_name(metadata);
  std::uint64_t bits = fnv1a(name, 0xCBF29CE484222325ULL);
  const std::uint64_t more = fnv1a(name, bits ^ 0x9E3779B97F4A7C15ULL);
  std::string uid(kPattern);
  int used = 0;
  for (char& c : uid) {
    if (c != 'x') continue;
    if (used++ == 15) bits = more;
    c = kHex[bits & 0xFU];
    bits >>= 4U;
  }
  return uid;
}

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

class Assembler {
 public:
  explicit Assembler(const std::vector<KnownFile>& files) : files_(files) {}

  DesiredState run() {
    for (const auto& each : files_) {
      const Documents& file = *each.documents;
      append(state_.errors, file.errors);
      append(state_.warnings, file.warnings);
      index(file.config_maps, "ConfigMap", around_->config_maps, state_.errors);
      index(file.secrets, "Secret", around_->secrets, state_.errors);
      index(file.policies, "Policy", around_->policies, state_.errors);
      for (const auto& runtime_class : file.runtime_classes)
        around_->runtime_classes.emplace(runtime_class.metadata.name, runtime_class);
      for (const auto& bundle : file.trust_bundles) {
        const auto [place, added] = around_->trust_bundles.emplace(bundle.metadata.name, bundle);
        if (!added)
          state_.errors.push_back(
              said_twice("ClusterTrustBundle", bundle.metadata, bundle.location, place->second.location));
      }
    }
    std::map<std::string, Service> services;
    for (const auto& file : files_) index(file.documents->services, "Service", services, state_.errors);
    for (auto& [name, service] : services) state_.services.push_back(std::move(service));
    std::map<std::string, TrafficPolicy> traffic;
    for (const auto& file : files_) index(file.documents->traffic_policies, "NetworkPolicy", traffic, state_.errors);
    for (auto& [name, policy] : traffic) state_.traffic_policies.push_back(std::move(policy));
    for (const auto& [name, policy] : around_->policies) state_.policies.push_back(policy);
    for (const auto& file : files_) {
      for (const auto& workload : file.documents->workloads) add(workload);
    }
    for (const auto& file : files_) {
      // The first of a name has it, and what is planned was the first.
      for (const auto& plan : *file.planned) add(plan->pod, plan);
      for (const auto& pod : file.documents->pods) add(pod, nullptr);
    }
    std::sort(state_.pods.begin(), state_.pods.end(), [](const auto& a, const auto& b) {
      return std::tie(a->pod.metadata.namespace_, a->pod.metadata.name) <
             std::tie(b->pod.metadata.namespace_, b->pod.metadata.name);
    });
    state_.surroundings = std::move(around_);
    return std::move(state_);
  }

 private:
  void add(const Workload& workload) {
    const std::string kind(to_string(workload.kind()));
    const auto [place, added] = workloads_.emplace(kind + " " + full_name(workload.metadata), &workload);
    if (added) return state_.workloads.push_back(workload);
    state_.errors.push_back(said_twice(kind, workload.metadata, workload.location, place->second->location));
  }

  // `known`: an earlier plan of this very Pod, which is kept where the new one is equal to it.
  void add(const Pod& pod, const SharedPlan& known) {
    std::vector<Diagnostic> errors;
    const auto [place, added] = pods_.emplace(full_name(pod.metadata), &pod);
    if (!added) {
      errors.push_back(said_twice("Pod", pod.metadata, pod.location, place->second->location));
      return reject(pod, std::move(errors));
    }
    auto plan = plan_pod(pod, *around_, &state_.warnings);
    if (!plan) return reject(pod, std::move(plan.error()));
    const bool same = known && *known == *plan;
    state_.pods.push_back(same ? known : std::make_shared<const PodPlan>(std::move(*plan)));
  }

  void reject(const Pod& pod, std::vector<Diagnostic> errors) {
    append(state_.errors, errors);
    state_.rejected.push_back({pod, std::move(errors)});
  }

  const std::vector<KnownFile>& files_;
  std::shared_ptr<Surroundings> around_ = std::make_shared<Surroundings>();
  std::map<std::string, const Pod*> pods_;
  std::map<std::string, const Workload*> workloads_;
  DesiredState state_;
};

}  // namespace

tl::expected<PodPlan, std::vector<Diagnostic>> plan_pod(const Pod& pod, const Surroundings& around,
                                                        std::vector<Diagnostic>* warnings) {
  std::vector<Diagnostic> errors;
  std::vector<Diagnostic> waits;
  PodPlan plan;
  plan.pod = pod;
  if (plan.pod.metadata.uid.empty()) plan.pod.metadata.uid = uid_of(pod.metadata);
  if (const Policy* policy = choose_policy(pod, around.policies, errors)) plan.policy = *policy;
  plan.runtime = runtime_of(pod, around.runtime_classes, errors);
  resolve(plan, around, {errors, waits});
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  if (warnings != nullptr) append(*warnings, waits);
  return plan;
}

std::vector<Diagnostic> template_warnings(const Workload& workload, const Surroundings& around) {
  Pod pod = template_of(workload);
  pod.metadata.namespace_ = workload.metadata.namespace_;
  pod.metadata.name = workload.metadata.name;
  std::vector<Diagnostic> found;
  if (const auto plan = plan_pod(pod, around, &found); !plan) append(found, plan.error());
  const std::string object = std::string(to_string(workload.kind())) + " " + full_name(workload.metadata);
  const std::string path =
      workload.kind() == WorkloadKind::kCronJob ? "spec.jobTemplate.spec.template." : "spec.template.";
  for (Diagnostic& each : found) {
    each.object = object;
    each.field = path + each.field;
    if (each.location.line == 0) each.location = workload.location;
  }
  return found;
}

DesiredState assemble(const std::vector<KnownFile>& files) {
  return Assembler(files).run();
}

DesiredState assemble(const std::vector<Documents>& files) {
  const std::vector<SharedPlan> none;
  std::vector<KnownFile> all;
  all.reserve(files.size());
  for (const auto& file : files) all.push_back({&file, &none});
  DesiredState state = assemble(all);
  for (const auto& workload : state.workloads) append(state.warnings, template_warnings(workload, *state.surroundings));
  return state;
}

}  // namespace mete::config
