// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/mapper/device_mapper.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "runtime/file.h"

namespace mete::runtime::storage {
namespace {

constexpr const char* kControl = "/dev/mapper/control";

// udev is told (libdevmapper.h: DM_UDEV_DISABLE_..._RULES_FLAG) to leave these devices alone: thousands of file systems
// with one UUID are nobody's disks, and what udev has open cannot be removed.
constexpr std::uint32_t kLeaveAlone = (0x0002U | 0x0004U | 0x0008U) << 16U;

// A /dev that is no devtmpfs has no node of it.
void make_control_node() {
  std::ifstream devices("/proc/misc");
  unsigned number = 0;
  for (std::string name; devices >> number >> name;) {
    if (name != "device-mapper") continue;
    constexpr unsigned kMiscMajor = 10;
    (void)make_directories("/dev/mapper");
    (void)::mknod(kControl, S_IFCHR | 0600, makedev(kMiscMajor, number));
  }
}

}  // namespace

// The buffer of one call.
class DeviceMapper::Call {
 public:
  Call(const std::string& name, unsigned flags, std::size_t room = 4096) : words_((sizeof(dm_ioctl) + room) / 8 + 1) {
    auto& head = this->head();
    head.version[0] = DM_VERSION_MAJOR;
    head.data_size = static_cast<__u32>(words_.size() * 8);
    head.data_start = sizeof(dm_ioctl);
    head.flags = flags;
    std::memcpy(head.name, name.c_str(), std::min(name.size(), sizeof head.name - 1));
  }

  dm_ioctl& head() { return *reinterpret_cast<dm_ioctl*>(words_.data()); }
  char* data() { return reinterpret_cast<char*>(words_.data()) + sizeof(dm_ioctl); }
  [[nodiscard]] std::size_t room() const { return words_.size() * 8 - sizeof(dm_ioctl); }

  bool run(int control, unsigned long request) { return ::ioctl(control, request, words_.data()) == 0; }

 private:
  std::vector<std::uint64_t> words_;
};

std::string text_of_device(dev_t number) {
  return std::to_string(major(number)) + ":" + std::to_string(minor(number));
}

Result<std::string> node_of(dev_t number) {
  std::string path = "/dev/dm-" + std::to_string(minor(number));
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && S_ISBLK(info.st_mode) && info.st_rdev == number) return path;
  (void)::unlink(path.c_str());  // of a device that is gone
  if (::mknod(path.c_str(), S_IFBLK | 0600, number) != 0 && errno != EEXIST) return fail_errno("make " + path);
  return path;
}

Result<DeviceMapper> DeviceMapper::open() {
  UniqueFd control(::open(kControl, O_RDWR | O_CLOEXEC));
  if (!control.valid()) {
    make_control_node();
    control = UniqueFd(::open(kControl, O_RDWR | O_CLOEXEC));
  }
  if (!control.valid())
    return fail_errno(std::string("found no device mapper in the kernel (CONFIG_BLK_DEV_DM): open ") + kControl);
  return DeviceMapper(std::move(control));
}

bool DeviceMapper::has_target(const std::string& target) const {
  Call call(target, 0);
  return call.run(control_.get(), DM_GET_TARGET_VERSION);
}

Result<std::optional<MappedDevice>> DeviceMapper::find(const std::string& name) const {
  Call call(name, 0);
  if (!call.run(control_.get(), DM_DEV_STATUS)) {
    if (errno == ENXIO) return std::optional<MappedDevice>();
    return fail_errno("look for the device " + name);
  }
  const auto& head = call.head();
  return MappedDevice{static_cast<dev_t>(head.dev), static_cast<std::uint32_t>(head.open_count),
                      (head.flags & DM_READONLY_FLAG) != 0};
}

Status DeviceMapper::load(const std::string& name, const MapperTable& table, MapperAccess access) const {
  Call call(name, access == MapperAccess::kReadOnly ? unsigned{DM_READONLY_FLAG} : 0U);
  dm_target_spec target{};
  if (table.target.size() >= sizeof target.target_type || sizeof target + table.parameters.size() + 1 > call.room())
    return fail(name + ": found a table that is too long, expected a shorter one");
  target.length = table.sectors;
  target.next = static_cast<__u32>(sizeof target + table.parameters.size() + 1);
  std::memcpy(target.target_type, table.target.c_str(), table.target.size() + 1);
  std::memcpy(call.data(), &target, sizeof target);
  std::memcpy(call.data() + sizeof target, table.parameters.c_str(), table.parameters.size() + 1);
  call.head().target_count = 1;
  if (!call.run(control_.get(), DM_TABLE_LOAD))
    return fail_errno("load the table \"" + table.target + " " + table.parameters + "\" of " + name);
  return {};
}

Status DeviceMapper::suspend(const std::string& name, bool suspended) const {
  Call call(name, suspended ? unsigned{DM_SUSPEND_FLAG} : 0U);
  call.head().event_nr = suspended ? 0U : kLeaveAlone;
  if (!call.run(control_.get(), DM_DEV_SUSPEND)) return fail_errno((suspended ? "suspend " : "resume ") + name);
  return {};
}

Result<MappedDevice> DeviceMapper::create(const std::string& name, const MapperTable& table,
                                          MapperAccess access) const {
  if (Call call(name, 0); !call.run(control_.get(), DM_DEV_CREATE)) return fail_errno("make the device " + name);
  auto loaded = load(name, table, access);
  if (loaded) loaded = suspend(name, false);  // which takes the table
  if (!loaded) {
    (void)remove(name);
    return tl::unexpected(std::move(loaded.error()));
  }
  METE_TRY(const auto found, find(name));
  if (!found) return fail(name + ": found it removed by others, expected the device that was just made");
  return *found;
}

Status DeviceMapper::reload(const std::string& name, const MapperTable& table) const {
  METE_CHECK(load(name, table, MapperAccess::kReadWrite));
  METE_CHECK(suspend(name, true));
  return suspend(name, false);
}

Status DeviceMapper::remove(const std::string& name) const {
  Call call(name, 0);
  call.head().event_nr = kLeaveAlone;
  if (!call.run(control_.get(), DM_DEV_REMOVE) && errno != ENXIO) return fail_errno("remove the device " + name);
  return {};
}

Result<MapperTable> DeviceMapper::ask(const std::string& name, unsigned flags, const char* what) const {
  Call call(name, flags);
  if (!call.run(control_.get(), DM_TABLE_STATUS)) return fail_errno(std::string("read the ") + what + " of " + name);
  if (call.head().target_count != 1 || (call.head().flags & DM_BUFFER_FULL_FLAG) != 0)
    return fail(name + ": found " + std::to_string(call.head().target_count) + " targets, expected one");
  dm_target_spec target{};
  const char* const answer = reinterpret_cast<const char*>(&call.head()) + call.head().data_start;
  std::memcpy(&target, answer, sizeof target);
  return MapperTable{target.target_type, answer + sizeof target, target.length};
}

Result<MapperTable> DeviceMapper::table(const std::string& name) const {
  return ask(name, DM_STATUS_TABLE_FLAG, "table");
}

Result<std::string> DeviceMapper::status(const std::string& name) const {
  METE_TRY(const MapperTable found, ask(name, DM_NOFLUSH_FLAG, "status"));
  return found.parameters;
}

Status DeviceMapper::message(const std::string& name, const std::string& text) const {
  Call call(name, 0);
  dm_target_msg head{};  // for the target at sector 0
  std::memcpy(call.data(), &head, sizeof head);
  std::memcpy(call.data() + sizeof head, text.c_str(), text.size() + 1);
  if (!call.run(control_.get(), DM_TARGET_MSG)) return fail_errno("tell " + name + " \"" + text + "\"");
  return {};
}

}  // namespace mete::runtime::storage
