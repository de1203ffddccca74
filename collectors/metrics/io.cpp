// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string>

#include "collectors/metrics/family.h"

namespace mete::collectors {
namespace {

constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;

template <class Device>
std::string device_label(const Device& device) {
  std::string extra = "device=\"";
  if (device.name.view().empty()) {
    extra += std::to_string(device.major) + ":" + std::to_string(device.minor);
  } else {
    extra += "/dev/";
    append_label_value(extra, device.name.view());
  }
  extra += '"';
  return extra;
}

template <auto kMember>
void devices(Lines& out, const Series& s) {
  for (const DeviceSample& device : s.sample->devices) out.add(device.*kMember, device_label(device));
}

template <auto kMember>
void details(Lines& out, const Series& s) {
  for (const DeviceDetail& device : s.sample->device_details) {
    if (device.*kMember) out.add(device.*kMember, device_label(device));
  }
}

const DeviceDetail* detail_of(const Sample& sample, const DeviceSample& device) {
  for (const DeviceDetail& detail : sample.device_details) {
    if (detail.major == device.major && detail.minor == device.minor) return &detail;
  }
  return nullptr;
}

// cAdvisor's family, with the sums that v1 has; v2 has the three parts only.
void usage(Lines& out, const Series& s) {
  for (const DeviceSample& device : s.sample->devices) {
    const std::string head = device_label(device) + ",major=\"" + std::to_string(device.major) + "\",minor=\"" +
                             std::to_string(device.minor) + "\",operation=\"";
    out.add(device.read_bytes, head + "Read\"");
    out.add(device.write_bytes, head + "Write\"");
    out.add(device.discard_bytes, head + "Discard\"");
    const DeviceDetail* detail = detail_of(*s.sample, device);
    if (detail == nullptr || !detail->sync_bytes || !detail->async_bytes) continue;
    out.add(detail->sync_bytes, head + "Sync\"");
    out.add(detail->async_bytes, head + "Async\"");
    out.add(*detail->sync_bytes + *detail->async_bytes, head + "Total\"");
  }
}

constexpr auto kFamilies = std::to_array<Family>({
    {"io", "container_fs_reads_bytes_total", kCounter, "Bytes read from the device", "device",
     "blkio.throttle.io_service_bytes_recursive Read", "io.stat rbytes", devices<&DeviceSample::read_bytes>},
    {"io", "container_fs_writes_bytes_total", kCounter, "Bytes written to the device", "device",
     "blkio.throttle.io_service_bytes_recursive Write", "io.stat wbytes", devices<&DeviceSample::write_bytes>},
    {"io", "container_fs_reads_total", kCounter, "Reads from the device", "device",
     "blkio.throttle.io_serviced_recursive Read", "io.stat rios", devices<&DeviceSample::reads>},
    {"io", "container_fs_writes_total", kCounter, "Writes to the device", "device",
     "blkio.throttle.io_serviced_recursive Write", "io.stat wios", devices<&DeviceSample::writes>},
    {"io", "mete_container_fs_discards_bytes_total", kCounter, "Bytes discarded", "device",
     "blkio.throttle.io_service_bytes_recursive Discard", "io.stat dbytes", devices<&DeviceSample::discard_bytes>},
    {"io", "mete_container_fs_discards_total", kCounter, "Discards", "device",
     "blkio.throttle.io_serviced_recursive Discard", "io.stat dios", devices<&DeviceSample::discards>},
    {"io", "container_blkio_device_usage_total", kCounter, "Bytes by operation", "device,major,minor,operation",
     "blkio.throttle.io_service_bytes_recursive", "io.stat rbytes, wbytes, dbytes", usage},
    {"io", "container_fs_io_cost_usage_seconds_total", kCounter, "Device time by the cost model of io.cost", "device",
     "", "io.stat cost.usage", details<&DeviceDetail::cost_usage>},
    {"io", "container_fs_io_cost_wait_seconds_total", kCounter, "Time waited for io.cost to let IO through", "device",
     "", "io.stat cost.wait", details<&DeviceDetail::cost_wait>},
    {"io", "container_fs_io_cost_indebt_seconds_total", kCounter, "Time in debt of io.cost", "device", "",
     "io.stat cost.indebt", details<&DeviceDetail::cost_indebt>},
    {"io", "container_fs_io_cost_indelay_seconds_total", kCounter, "Time delayed for debt of io.cost", "device", "",
     "io.stat cost.indelay", details<&DeviceDetail::cost_indelay>},
    {"io", "container_fs_reads_merged_total", kCounter, "Reads merged with others", "device",
     "blkio.bfq.io_merged_recursive or blkio.io_merged_recursive Read", "", details<&DeviceDetail::reads_merged>},
    {"io", "container_fs_writes_merged_total", kCounter, "Writes merged with others", "device",
     "blkio.bfq.io_merged_recursive or blkio.io_merged_recursive Write", "", details<&DeviceDetail::writes_merged>},
    {"io", "container_fs_read_seconds_total", kCounter, "Time reads took in the device", "device",
     "blkio.bfq.io_service_time_recursive or blkio.io_service_time_recursive Read", "",
     details<&DeviceDetail::read_time>},
    {"io", "container_fs_write_seconds_total", kCounter, "Time writes took in the device", "device",
     "blkio.bfq.io_service_time_recursive or blkio.io_service_time_recursive Write", "",
     details<&DeviceDetail::write_time>},
    {"io", "container_fs_io_time_seconds_total", kCounter, "Time all IO took in the device", "device",
     "blkio.bfq.io_service_time_recursive or blkio.io_service_time_recursive Total", "",
     details<&DeviceDetail::io_time>},
    {"io", "container_fs_io_current", kGauge, "IO under way", "device",
     "blkio.bfq.io_queued_recursive or blkio.io_queued_recursive Total", "", details<&DeviceDetail::queued>},
    {"io", "mete_container_fs_sectors_total", kCounter, "Sectors read and written: the kernel does not tell them apart",
     "device", "blkio.bfq.sectors_recursive or blkio.sectors_recursive", "", details<&DeviceDetail::sectors>},
});

}  // namespace

std::span<const Family> io_families() {
  return kFamilies;
}

}  // namespace mete::collectors
