// SPDX-License-Identifier: Apache-2.0
// Advises requests and limits from the usage of the past. Pure.
//
// Percentiles, margin and confidence are those of the Kubernetes vertical pod autoscaler; every number can be changed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "enforcers/usage_model.h"

namespace mete::enforcers {

struct AdviceOptions {
  double target = 0.90;  // percentile for the request
  double lower = 0.50;
  double upper = 0.95;   // percentile for the limit
  double margin = 0.15;  // share added to both
  MilliCpu least_cpu{10};
  Bytes least_memory{16 << 20};
};

template <class T>
struct Advised {
  T request;
  T limit;
  T lower, upper;  // bounds of a good request; the less is known, the further apart
};

struct Advice {
  Advised<MilliCpu> cpu;
  Advised<Bytes> memory;
  double days = 0;        // of history
  double confidence = 0;  // days, or fewer when samples are missing
  // The effect that the advised values would have had over the same history.
  double throttled_seconds = 0, throttled_avoided = 0;
  std::uint64_t ooms = 0, ooms_avoided = 0;  // of the last UsageModel::kOoms
  // of the present request; negative: the request is too small. Empty: there is no request
  std::optional<MilliCpu> cpu_freed;
  std::optional<Bytes> memory_freed;
  std::vector<std::string> notes;  // one sentence each
};

// An error: the model has no samples yet.
[[nodiscard]] Result<Advice> advise(const UsageModel& model, const AdviceOptions& options);

}  // namespace mete::enforcers
