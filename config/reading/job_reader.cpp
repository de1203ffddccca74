// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>

#include "config/reading/fields/workload_fields.h"
#include "config/reading/readers.h"
#include "config/values/cron_schedule.h"

namespace mete::config {
namespace {

constexpr int kMostIndexes = 100'000;

std::optional<int> read_number(const View& view) {
  const auto value = view.integer();
  if (!value) return std::nullopt;
  return static_cast<int>(*value);  // the shape check has checked the range
}

void read_exit_codes(const View& codes, FailureRule& rule) {
  for (const auto& item : codes["values"].items()) {
    const auto value = item.integer();
    if (!value) continue;
    if (value == 0 && !rule.not_in) item.error(mismatch("0", "codes of failure, as 0 is success"));
    if (!rule.values.empty() && *value <= *rule.values.rbegin())
      item.error(mismatch(std::to_string(*value) + " after " + std::to_string(*rule.values.rbegin()),
                          "each code once, in rising order"));
    rule.values.insert(static_cast<int>(*value));
  }
  if (codes && rule.values.empty()) codes["values"].error(mismatch("no value", "at least one"));
}

// A rule has one of the two kinds of requirement.
FailureRule read_rule(const View& view, const PodTemplate& pod) {
  FailureRule rule;
  rule.action = read_enum(view["action"], kFailureActionNames, FailureAction::kCount);
  const View codes = view["onExitCodes"];
  const View conditions = view["onPodConditions"];
  rule.exit_codes = static_cast<bool>(codes);
  if (rule.exit_codes == static_cast<bool>(conditions))
    view.error(mismatch(rule.exit_codes ? "both" : "nothing", "either onExitCodes or onPodConditions"));
  rule.container = codes["containerName"].text();
  const auto has_name = [&](const Container& each) { return each.name == rule.container; };
  const auto& spec = pod.spec;
  if (!rule.container.empty() && std::none_of(spec.containers.begin(), spec.containers.end(), has_name) &&
      std::none_of(spec.init_containers.begin(), spec.init_containers.end(), has_name)) {
    codes["containerName"].error(mismatch(describe(codes["containerName"].node()), "a container of the template"));
  }
  rule.not_in = codes["operator"].text() == "NotIn";
  read_exit_codes(codes, rule);
  for (const auto& item : conditions.items()) {
    if (item["status"].text("True") == "True") rule.conditions.push_back(item["type"].text());
  }
  return rule;
}

void check_failure_policy(const View& spec, const JobSpec& job) {
  const View policy = spec["podFailurePolicy"];
  if (!policy) return;
  if (job.pod.spec.restart_policy != RestartPolicy::kNever)
    policy.error(mismatch("`podFailurePolicy` without restartPolicy Never", "restartPolicy: Never in the template"));
  for (const auto& rule : policy["rules"].items()) {
    if (rule["action"].text() == "FailIndex" && !job.backoff_limit_per_index)
      rule["action"].error(mismatch("FailIndex without backoffLimitPerIndex", "both"));
  }
}

// "0,2-4"; empty: it is none.
std::optional<std::set<int>> parse_indexes(std::string_view text, int completions) {
  std::set<int> indexes;
  int last = -1;  // in rising order, as Kubernetes wants them
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    const auto dash = part.find('-');
    const auto number = [&](std::string_view digits) {
      int value = -1;
      const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      return parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size() ? value : -1;
    };
    const int from = number(part.substr(0, dash));
    const int to = dash == std::string_view::npos ? from : number(part.substr(dash + 1));
    if (from <= last || to < from || to >= completions) return std::nullopt;
    for (int index = from; index <= to; ++index) indexes.insert(index);
    last = to;
  }
  if (indexes.empty()) return std::nullopt;
  return indexes;
}

SuccessRule read_success_rule(const View& view, int completions) {
  SuccessRule rule;
  rule.count = read_number(view["succeededCount"]);
  const View indexes = view["succeededIndexes"];
  if (indexes) {
    rule.indexes = parse_indexes(indexes.text(), completions);
    if (!rule.indexes)
      indexes.error(mismatch(describe(indexes.node()), "rising indexes below `completions`, such as \"0,2-4\""));
  } else if (!rule.count) {
    view.error(mismatch("nothing", "succeededIndexes, succeededCount or both"));
  }
  const int most = rule.indexes ? static_cast<int>(rule.indexes->size()) : completions;
  if (rule.count && *rule.count > most)
    view["succeededCount"].error(mismatch(std::to_string(*rule.count), "at most " + std::to_string(most)));
  return rule;
}

void read_success_policy(const View& policy, JobSpec& job) {
  constexpr std::size_t kMostRules = 20;
  if (!policy) return;
  if (!job.indexed) policy.error(mismatch("`successPolicy` without completionMode Indexed", "both"));
  const auto rules = policy["rules"].items();
  if (rules.empty() || rules.size() > kMostRules)
    policy["rules"].error(mismatch(std::to_string(rules.size()) + " rules", "1 to 20"));
  for (const auto& rule : rules) job.success_rules.push_back(read_success_rule(rule, job.completions.value_or(0)));
}

void check_indexes(const View& spec, const JobSpec& job) {
  if (job.indexed && !job.completions)
    spec["completionMode"].error(mismatch("Indexed without `completions`", "the number of indexes"));
  if (job.completions.value_or(0) > kMostIndexes)
    spec["completions"].error(mismatch(describe(spec["completions"].node()), "at most 100000"));
  if (job.backoff_limit_per_index && !job.indexed)
    spec["backoffLimitPerIndex"].error(mismatch("`backoffLimitPerIndex` without completionMode Indexed", "both"));
  if (job.backoff_limit_per_index && job.pod.spec.restart_policy != RestartPolicy::kNever)
    spec["backoffLimitPerIndex"].error(
        mismatch("`backoffLimitPerIndex` without restartPolicy Never", "restartPolicy: Never in the template"));
  if (job.max_failed_indexes && !job.backoff_limit_per_index)
    spec["maxFailedIndexes"].error(mismatch("`maxFailedIndexes` without backoffLimitPerIndex", "both"));
  if (job.max_failed_indexes && job.completions && *job.max_failed_indexes > *job.completions)
    spec["maxFailedIndexes"].error(mismatch(std::to_string(*job.max_failed_indexes),
                                            "at most `completions`, " + std::to_string(*job.completions)));
}

// A selector is the Job's own matter, unless manualSelector says otherwise. One that was read from a cluster has the
// labels that were made there.
void check_own_selector(const View& spec, const JobSpec& job) {
  const View selector = spec["selector"];
  if (!selector) return;
  if (spec["manualSelector"].boolean()) return check_selector(selector, job.pod);
  constexpr std::array kGenerated = std::to_array<std::string_view>(
      {"controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"});
  bool generated = selector["matchExpressions"].items().empty();
  for (const auto& [key, value] : selector["matchLabels"].entries())
    generated = generated && std::find(kGenerated.begin(), kGenerated.end(), key) != kGenerated.end();
  if (!generated)
    selector.error(
        mismatch("a selector without manualSelector", "none, as the Job makes its own; or manualSelector: true"));
}

}  // namespace

JobSpec read_job(const View& spec, const ObjectMeta& owner) {
  JobSpec job;
  job.completions = read_number(spec["completions"]);
  job.parallelism = read_number(spec["parallelism"]);
  if (!job.completions && !job.parallelism) job.completions = 1;
  job.indexed = spec["completionMode"].text() == "Indexed";
  job.backoff_limit_per_index = read_number(spec["backoffLimitPerIndex"]);
  // With a limit for each index there is none for all, unless it is said.
  const int all = job.backoff_limit_per_index ? static_cast<int>(kMostSeconds) : job.backoff_limit;
  job.backoff_limit = read_number(spec["backoffLimit"]).value_or(all);
  job.max_failed_indexes = read_number(spec["maxFailedIndexes"]);
  job.active_deadline_seconds = spec["activeDeadlineSeconds"].integer();
  job.ttl_seconds_after_finished = read_number(spec["ttlSecondsAfterFinished"]);
  job.suspend = spec["suspend"].boolean();
  job.pod = read_template(spec["template"], owner);
  for (const auto& rule : spec["podFailurePolicy"]["rules"].items())
    job.failure_rules.push_back(read_rule(rule, job.pod));
  read_success_policy(spec["successPolicy"], job);
  job.replace_failed_only = spec["podReplacementPolicy"].text(job.failure_rules.empty() ? "" : "Failed") == "Failed";
  if (spec["podFailurePolicy"] && !job.replace_failed_only)
    spec["podReplacementPolicy"].error(mismatch("TerminatingOrFailed with podFailurePolicy", "Failed"));
  check_restart_policy(spec["template"], true);
  check_failure_policy(spec, job);
  check_indexes(spec, job);
  check_own_selector(spec, job);
  return job;
}

CronJobSpec read_cron_job(const View& spec, const ObjectMeta& owner) {
  CronJobSpec cron;
  cron.schedule = spec["schedule"].text();
  if (spec["schedule"]) {
    if (const auto parsed = parse_cron_schedule(cron.schedule); !parsed)
      spec["schedule"].check(tl::unexpected(parsed.error()));
  }
  cron.time_zone = spec["timeZone"].text();
  const View zone = spec["timeZone"];
  if (zone && (cron.time_zone.empty() || cron.time_zone.front() == '/' || cron.time_zone == "Local" ||
               cron.time_zone.find("..") != std::string::npos)) {
    zone.error(mismatch(describe(zone.node()), "a name such as Europe/Berlin"));
  }
  cron.concurrency = read_enum(spec["concurrencyPolicy"], kConcurrencyNames, ConcurrencyPolicy::kAllow);
  cron.starting_deadline_seconds = spec["startingDeadlineSeconds"].integer();
  cron.suspend = spec["suspend"].boolean();
  cron.successful_limit = read_number(spec["successfulJobsHistoryLimit"]).value_or(cron.successful_limit);
  cron.failed_limit = read_number(spec["failedJobsHistoryLimit"]).value_or(cron.failed_limit);
  const View job = spec["jobTemplate"];
  cron.job_labels = read_labels(job["metadata"]["labels"]);
  cron.job_annotations = read_annotations(job["metadata"]["annotations"]);
  cron.job = read_job(job["spec"], owner);
  return cron;
}

}  // namespace mete::config
