// SPDX-License-Identifier: Apache-2.0
#include "collectors/machine_filesystems.h"

#include <gtest/gtest.h>

namespace mete::collectors {
namespace {

TEST(MachineFilesystems, EachDiskOnce) {
  const auto disks = mounted_disks(
      "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
      "23 22 0:21 / /proc rw - proc proc rw\n"
      "24 22 254:0 /var /mnt/again rw - ext4 /dev/vda rw\n"
      "25 22 254:16 / /srv/with\\040blank rw master:2 - xfs /dev/vdb rw\n"
      "26 22 7:0 / /snap/core ro - squashfs /dev/loop0 ro\n"
      "27 22 7:1 / /var/lib/mete/quota rw - ext4 /dev/loop1 rw\n"
      "28 22 11:0 / /media/cd ro - iso9660 /dev/sr0 ro\n"
      "29 22 0:40 / /far rw - nfs4 server:/export rw\n"
      "30 22 0:41 / /dev/shm rw - tmpfs tmpfs rw\n"
      "31 22 253:2 / /home rw - btrfs /dev/mapper/home rw\n");
  EXPECT_EQ(disks, (std::vector<MountedDisk>{
                       {"/dev/vda", "/"}, {"/dev/vdb", "/srv/with blank"}, {"/dev/mapper/home", "/home"}}));
  EXPECT_TRUE(mounted_disks("").empty());
  EXPECT_TRUE(mounted_disks("1 2 3:4 / ").empty());
}

TEST(MachineFilesystems, HereTheyHaveASize) {
  for (const auto& each : read_machine_filesystems()) {
    EXPECT_GT(each.limit->count(), 0) << each.device;
    EXPECT_LE(*each.usage, *each.limit) << each.device;
  }
}

}  // namespace
}  // namespace mete::collectors
