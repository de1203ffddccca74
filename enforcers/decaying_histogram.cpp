// SPDX-License-Identifier: Apache-2.0
#include "enforcers/decaying_histogram.h"

#include <algorithm>
#include <cmath>

namespace mete::enforcers {
namespace {

// Weights are scaled down after this many doublings, long before a double overflows.
constexpr double kMostDoublings = 100;

}  // namespace

DecayingHistogram::DecayingHistogram(const HistogramShape& shape) : shape_(shape) {}

std::size_t DecayingHistogram::bucket_of(double value) const {
  value = std::min(value, shape_.most);
  if (!(value >= shape_.first)) return 0;
  return static_cast<std::size_t>(std::log(value * (shape_.ratio - 1) / shape_.first + 1) / std::log(shape_.ratio));
}

double DecayingHistogram::start_of(std::size_t bucket) const {
  return shape_.first * (std::pow(shape_.ratio, static_cast<double>(bucket)) - 1) / (shape_.ratio - 1);
}

double DecayingHistogram::factor(WallTime at) {
  if (shape_.half_life.count() == 0) return 1;
  if (reference_ == WallTime()) reference_ = at;
  const auto doublings = [&](WallTime to) {
    return std::chrono::duration<double>(to - reference_) / std::chrono::duration<double>(shape_.half_life);
  };
  if (doublings(at) > kMostDoublings) {
    const double scale = std::exp2(-doublings(at));
    for (auto& weight : weights_) weight *= scale;
    total_ *= scale;
    reference_ = at;
  }
  return std::exp2(doublings(at));
}

void DecayingHistogram::add(double value, double weight, WallTime at) {
  if (!std::isfinite(value) || !std::isfinite(weight)) return;
  const std::size_t index = std::min(bucket_of(std::max(value, 0.0)), buckets() - 1);
  if (index >= weights_.size()) weights_.resize(index + 1);
  auto& bucket = weights_[index];
  const double before = bucket;
  bucket = std::max(0.0, bucket + weight * factor(at));
  total_ = std::max(0.0, total_ + bucket - before);
}

double DecayingHistogram::percentile(double share) const {
  if (empty()) return 0;
  double sum = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i] <= kLeast) continue;
    last = i;
    sum += weights_[i];
    if (sum >= share * total_) break;
  }
  return start_of(std::min(last + 1, buckets() - 1));
}

double DecayingHistogram::share_below(double value) const {
  if (empty()) return 0;
  double sum = 0;
  for (std::size_t i = 0; i < weights_.size() && start_of(i + 1) <= value; ++i) sum += weights_[i];
  return std::min(1.0, sum / total_);
}

void DecayingHistogram::restore(const std::vector<double>& weights, WallTime reference) {
  weights_.assign(std::min(weights.size(), buckets()), 0.0);
  total_ = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (!std::isfinite(weights[i]) || weights[i] < 0) continue;
    weights_[i] = weights[i];
    total_ += weights[i];
  }
  reference_ = reference;
}

}  // namespace mete::enforcers
