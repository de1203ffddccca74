// SPDX-License-Identifier: Apache-2.0
#include "agent/export/usage_models.h"
#include "runtime/json.h"

namespace mete::agent {
namespace {

using enforcers::DecayingHistogram;
using enforcers::UsageModel;
using enforcers::WallTime;
using nlohmann::json;
using nlohmann::ordered_json;

std::int64_t count(WallTime at) {
  return at.time_since_epoch().count();
}
WallTime wall_time(const json& value) {
  return WallTime(WallTime::duration(value.get<std::int64_t>()));
}

// Pairs of bucket number and weight, because most buckets are empty.
ordered_json histogram_json(const DecayingHistogram& histogram) {
  ordered_json buckets = ordered_json::array();
  for (std::size_t i = 0; i < histogram.weights().size(); ++i) {
    if (histogram.weights()[i] > 0) buckets.push_back({i, histogram.weights()[i]});
  }
  return {{"reference", count(histogram.reference())}, {"buckets", std::move(buckets)}};
}

void restore(DecayingHistogram& histogram, const json& value) {
  std::vector<double> weights;
  for (const auto& bucket : value.at("buckets")) {
    const auto index = bucket.at(0).get<std::size_t>();
    if (index >= histogram.buckets()) continue;
    weights.resize(std::max(weights.size(), index + 1));
    weights[index] = bucket.at(1).get<double>();
  }
  histogram.restore(weights, wall_time(value.at("reference")));
}

ordered_json list_json(const config::ResourceList& list) {
  ordered_json value = ordered_json::object();
  if (list.cpu) value["milliCpu"] = list.cpu->count();
  if (list.memory) value["memory"] = list.memory->count();
  return value;
}

config::ResourceList list_of(const json& value) {
  config::ResourceList list;
  if (value.contains("milliCpu")) list.cpu = MilliCpu(value.at("milliCpu").get<std::int64_t>());
  if (value.contains("memory")) list.memory = Bytes(value.at("memory").get<std::int64_t>());
  return list;
}

ordered_json sizes_json(const config::Fifo<Bytes>& sizes) {
  ordered_json list = ordered_json::array();
  for (const Bytes each : sizes) list.push_back(each.count());
  return list;
}

config::Fifo<Bytes> sizes_of(const json& value) {
  config::Fifo<Bytes> sizes;
  for (const auto& each : value) sizes.push_back(Bytes(each.get<std::int64_t>()));
  return sizes;
}

}  // namespace

ordered_json to_json(const UsageModel& model, const std::string& container) {
  return {{"version", 1},
          {"container", container},
          {"first", count(model.first)},
          {"last", count(model.last)},
          {"samples", model.samples},
          {"cpu", histogram_json(model.cpu)},
          {"memory", histogram_json(model.memory)},
          {"throttled", histogram_json(model.throttled)},
          {"throttledSeconds", model.throttled_seconds},
          {"ooms", model.ooms},
          {"oomWanted", sizes_json(model.oom_wanted)},
          {"peaks", sizes_json(model.peaks)},
          {"windowEnd", count(model.window_end)},
          {"windowValue", model.window_value.count()},
          {"requests", list_json(model.resources.requests)},
          {"limits", list_json(model.resources.limits)}};
}

Result<NamedModel> parse_usage_model(const std::string& text) {
  try {
    const json value = json::parse(text);
    if (value.at("version") != 1) return fail("found version " + value.at("version").dump() + ", expected 1");
    NamedModel named;
    named.container = value.at("container").get<std::string>();
    auto& model = named.model;
    model.first = wall_time(value.at("first"));
    model.last = wall_time(value.at("last"));
    model.samples = value.at("samples").get<std::uint64_t>();
    restore(model.cpu, value.at("cpu"));
    restore(model.memory, value.at("memory"));
    restore(model.throttled, value.at("throttled"));
    model.throttled_seconds = value.at("throttledSeconds").get<double>();
    model.ooms = value.at("ooms").get<std::uint64_t>();
    model.oom_wanted = sizes_of(value.at("oomWanted"));
    model.peaks = sizes_of(value.at("peaks"));
    model.window_end = wall_time(value.at("windowEnd"));
    model.window_value = Bytes(value.at("windowValue").get<std::int64_t>());
    model.resources = {list_of(value.at("requests")), list_of(value.at("limits"))};
    // Without peaks there is no present window that a peak could be added to.
    if (model.peaks.empty()) model.window_end = {};
    return named;
  } catch (const json::exception& error) {
    return fail(error.what());
  }
}

}  // namespace mete::agent
