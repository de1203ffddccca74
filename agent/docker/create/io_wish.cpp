// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/create/io_wish.h"

namespace mete::agent::docker {
namespace {

// [{"Path": "/dev/sda", "Rate": 1048576}]; `set` puts the rate of one into its limit.
template <class Set>
Status take_rates(const Json& host_config, const char* name, config::IoPolicy& io, Set set) {
  const Json& list = field(host_config, name);
  for (const auto& each : list.is_array() ? list : Json::array()) {
    config::IoDeviceLimit limit;
    limit.path = text_of(each, "Path");
    const std::int64_t rate = number_of(each, "Rate");
    if (!limit.path.starts_with('/'))
      return fail(std::string("HostConfig.") + name + ": found path \"" + limit.path.substr(0, 80) +
                  "\", expected an absolute one");
    if (rate <= 0)
      return fail(std::string("HostConfig.") + name + ": found rate " + std::to_string(rate) +
                  ", expected more than 0");
    set(limit, rate);
    io.devices.push_back(std::move(limit));
  }
  return {};
}

}  // namespace

Result<config::IoPolicy> io_wish(const Json& host_config) {
  config::IoPolicy io;
  const std::int64_t weight = number_of(host_config, "BlkioWeight");
  if (weight != 0 && (weight < 10 || weight > 1000)) return fail("range of blkio weight is from 10 to 1000");
  if (weight != 0) io.weight = weight;
  const Json& weights = field(host_config, "BlkioWeightDevice");
  for (const auto& each : weights.is_array() ? weights : Json::array()) {
    const config::IoDeviceWeight wish{text_of(each, "Path"), number_of(each, "Weight")};
    const std::string found = wish.path.substr(0, 80) + ":" + std::to_string(wish.weight);
    if (!wish.path.starts_with('/')) return fail("bad format for device path: " + found);
    if (wish.weight < 10 || wish.weight > 1000) return fail("invalid weight for device: " + found);
    io.device_weights.push_back(wish);
  }
  METE_CHECK(take_rates(host_config, "BlkioDeviceReadBps", io,
                        [](auto& limit, std::int64_t rate) { limit.read_per_second = Bytes(rate); }));
  METE_CHECK(take_rates(host_config, "BlkioDeviceWriteBps", io,
                        [](auto& limit, std::int64_t rate) { limit.write_per_second = Bytes(rate); }));
  METE_CHECK(take_rates(host_config, "BlkioDeviceReadIOps", io,
                        [](auto& limit, std::int64_t rate) { limit.read_operations_per_second = rate; }));
  METE_CHECK(take_rates(host_config, "BlkioDeviceWriteIOps", io,
                        [](auto& limit, std::int64_t rate) { limit.write_operations_per_second = rate; }));
  return io;
}

}  // namespace mete::agent::docker
