// SPDX-License-Identifier: Apache-2.0
#include "enforcers/advice.h"

#include <algorithm>
#include <cmath>

namespace mete::enforcers {
namespace {

constexpr double kSamplesADay = 24.0 * 60;
constexpr std::int64_t kMiB = 1 << 20;

MilliCpu cpu_of(double cores, MilliCpu least) {
  // Subtracts a thousandth of a millicore, so that a rounding error does not round up.
  return std::max(least, MilliCpu(static_cast<std::int64_t>(std::ceil(cores * 1000 - 1e-3))));
}

Bytes memory_of(double bytes, Bytes least) {
  const auto mebibytes = static_cast<std::int64_t>(std::ceil(bytes / static_cast<double>(kMiB) - 1e-6));
  return std::max(least, Bytes(mebibytes * kMiB));
}

}  // namespace

Result<Advice> advise(const UsageModel& model, const AdviceOptions& options) {
  if (model.samples == 0 || model.cpu.empty()) return fail("nothing was measured yet");
  Advice advice;
  advice.days =
      std::chrono::duration<double>(model.last - model.first) / std::chrono::duration<double>(std::chrono::hours(24));
  advice.confidence = std::min(advice.days, static_cast<double>(model.samples) / kSamplesADay);
  const double confidence = std::max(advice.confidence, 1e-4);
  const double margin = 1 + options.margin;
  const double upper = 1 + 1 / confidence;
  const double lower = std::pow(1 + 0.001 / confidence, -2);
  const auto fill = [&](const DecayingHistogram& histogram, auto& advised, auto round, auto least) {
    advised.request = round(histogram.percentile(options.target) * margin, least);
    advised.limit = std::max(advised.request, round(histogram.percentile(options.upper) * margin, least));
    advised.lower = std::min(advised.request, round(histogram.percentile(options.lower) * margin * lower, least));
    advised.upper = std::max(advised.request, round(histogram.percentile(options.upper) * margin * upper, least));
  };
  fill(model.cpu, advice.cpu, cpu_of, options.least_cpu);
  fill(model.memory, advice.memory, memory_of, options.least_memory);
  // Too little CPU time slows a container down; too little memory kills it. So the limit is not below the peak seen.
  advice.memory.limit = std::max(advice.memory.limit,
                                 memory_of(static_cast<double>(model.peak().count()) * margin, options.least_memory));

  advice.throttled_seconds = model.throttled_seconds;
  const double limit = static_cast<double>(advice.cpu.limit.count()) / 1000;
  advice.throttled_avoided = model.throttled_seconds * model.throttled.share_below(limit);
  advice.ooms = model.oom_wanted.size();
  advice.ooms_avoided = static_cast<std::uint64_t>(std::count_if(
      model.oom_wanted.begin(), model.oom_wanted.end(), [&](Bytes wanted) { return wanted <= advice.memory.limit; }));
  const auto& requests = model.resources.requests;
  if (requests.cpu) advice.cpu_freed = *requests.cpu - advice.cpu.request;
  if (requests.memory) advice.memory_freed = *requests.memory - advice.memory.request;
  if (advice.confidence < 1) advice.notes.emplace_back("less than a day of history: wait before you take it");
  if (model.ooms > 0) advice.notes.emplace_back("it ran out of memory: what it really needs is an estimate");
  if (model.resources.limits.cpu && model.throttled_seconds > 0)
    advice.notes.emplace_back("it was throttled: what it waited for counts as wanted");
  return advice;
}

}  // namespace mete::enforcers
