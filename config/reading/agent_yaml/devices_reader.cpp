// SPDX-License-Identifier: Apache-2.0
#include "config/reading/agent_yaml/devices_reader.h"

#include <array>

#include "config/model/diagnostics.h"
#include "config/values/names.h"

namespace mete::config {
namespace {

constexpr std::array kMachineDevicesFields = std::to_array<FieldSpec>({
    {.name = "cdi",
     .type = FieldType::kStringList,
     .doc = "Folders of specifications of the Container Device Interface, of which a later one comes first; /etc/cdi "
            "and /var/run/cdi where none is set"},
    {.name = "disks",
     .type = FieldType::kString,
     .doc = "Folder of links to disks by their ids, for gcePersistentDisk and awsElasticBlockStore; /dev/disk/by-id "
            "where none is set"},
});

}  // namespace

const ObjectSpec kMachineDevicesSpec = {.name = "Devices", .fields = kMachineDevicesFields};

MachineDevices read_machine_devices(const View& view) {
  MachineDevices devices;
  if (view["cdi"]) devices.cdi = view["cdi"].texts();
  for (const auto& item : view["cdi"].items()) item.check(check_absolute_path(item.text()));
  devices.disks = view["disks"].text(devices.disks);
  if (view["disks"]) view["disks"].check(check_absolute_path(devices.disks));
  return devices;
}

}  // namespace mete::config
