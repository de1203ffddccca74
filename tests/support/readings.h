// SPDX-License-Identifier: Apache-2.0
// A reading of one series, for tests of what is rendered.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "collectors/metrics/exposition_stream.h"

namespace mete::collectors {

// `series` gives what is not labels and sample.
inline std::shared_ptr<Reading> reading_of(LabelBlock labels, Sample sample, Series series = {}) {
  auto reading = std::make_shared<Reading>();
  reading->samples.push_back(std::move(sample));
  series.labels = std::make_shared<const LabelBlock>(std::move(labels));
  series.sample = &reading->samples.back();
  reading->series.push_back(std::move(series));
  return reading;
}

}  // namespace mete::collectors
