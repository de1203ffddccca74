// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/loop_device.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "runtime/file.h"

namespace mete::runtime::storage {
namespace {

Result<UniqueFd> open_device(int number, const std::string& path) {
  UniqueFd device(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (device.valid() || errno != ENOENT) return device;
  // A /dev that is no devtmpfs does not get the nodes of new devices.
  constexpr unsigned kLoopMajor = 7;
  if (::mknod(path.c_str(), S_IFBLK | 0660, makedev(kLoopMajor, static_cast<unsigned>(number))) != 0 && errno != EEXIST)
    return fail_errno("make " + path);
  return UniqueFd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
}

}  // namespace

Result<LoopDevice> attach_loop(const std::string& file, LoopUse use) {
  const bool read_only = use == LoopUse::kReadOnly;
  METE_TRY(const UniqueFd backing, open_at(AT_FDCWD, file, read_only ? O_RDONLY : O_RDWR));
  METE_TRY(const UniqueFd control, open_at(AT_FDCWD, "/dev/loop-control", O_RDWR));
  loop_config config{};
  config.fd = static_cast<__u32>(backing.get());
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO | (read_only ? unsigned{LO_FLAGS_READ_ONLY} : 0U);
  // Another process may take the free device first.
  constexpr int kTries = 100;
  for (int tries = 0; tries < kTries; ++tries) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return fail_errno("find a free loop device");
    if (number >= kMostLoopDevices)
      return fail("loop devices: found " + std::to_string(number) + " in use, expected fewer than " +
                  std::to_string(kMostLoopDevices));
    const std::string path = "/dev/loop" + std::to_string(number);
    METE_TRY(UniqueFd device, open_device(number, path));
    if (!device.valid()) return fail_errno("open " + path);
    if (::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) return LoopDevice{path, std::move(device)};
    if (errno != EBUSY) return fail_errno("attach " + file + " to " + path);
  }
  return fail("loop devices: found each free one taken by others " + std::to_string(kTries) +
              " times, expected to get one");
}

}  // namespace mete::runtime::storage
