// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/volume_fill.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <mutex>

#include "runtime/build/source_tree.h"
#include "runtime/file.h"
#include "runtime/image/layer_writer.h"

namespace mete::agent::docker {
namespace {

namespace image = runtime::image;

// Beside "_data" while it is being filled: what is there then is not whole.
constexpr const char* kFilling = "/filling";

// The layers as one tree that no path leads to, which is gone with its descriptor (fsopen(2), fsmount(2)).
Result<runtime::UniqueFd> mount_detached(const std::vector<std::string>& layers) {
  runtime::UniqueFd context(static_cast<int>(::syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC)));
  if (!context.valid()) return fail_errno("fsopen overlay");
  const auto set = [&](unsigned command, const char* key, const char* value) {
    return ::syscall(SYS_fsconfig, context.get(), command, key, value, 0) == 0;
  };
  for (const auto& layer : layers) {
    if (!set(FSCONFIG_SET_STRING, "lowerdir+", layer.c_str())) return fail_errno("use the layer " + layer);
  }
  if (!set(FSCONFIG_CMD_CREATE, nullptr, nullptr)) return fail_errno("join the layers of an image");
  runtime::UniqueFd tree(static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC,
                                                    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID)));
  if (!tree.valid()) return fail_errno("mount the layers of an image");
  return tree;
}

// The same for kernels before 6.5, whose fsconfig(2) takes no list of layers: mounted at `place`, and taken away at
// once.
Result<runtime::UniqueFd> mount_and_detach(const std::vector<std::string>& layers, const std::string& place) {
  std::string options = "lowerdir=";
  for (const auto& layer : layers) options.append(&layer == &layers.front() ? "" : ":").append(layer);
  METE_CHECK(runtime::make_directories(place, 0700));
  (void)::umount2(place.c_str(), MNT_DETACH);  // of an agent that was killed here
  if (::mount("overlay", place.c_str(), "overlay", MS_RDONLY | MS_NODEV | MS_NOSUID, options.c_str()) != 0)
    return fail_errno("mount the layers of an image");
  auto tree = runtime::open_at(AT_FDCWD, place, O_RDONLY | O_DIRECTORY);
  (void)::umount2(place.c_str(), MNT_DETACH);
  (void)::rmdir(place.c_str());
  return tree;
}

// One layer needs no mount, and overlayfs wants two.
Result<runtime::UniqueFd> open_layers(const std::vector<std::string>& layers, const std::string& place) {
  if (layers.size() == 1) return runtime::open_at(AT_FDCWD, layers.front(), O_RDONLY | O_DIRECTORY);
  auto tree = mount_detached(layers);
  return tree ? std::move(tree) : mount_and_detach(layers, place);
}

Status copy_content(int from, int to) {
  std::string buffer(256U << 10U, '\0');
  while (true) {
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read a file of the image");
    if (got == 0) return {};
    METE_CHECK(runtime::write_all(to, std::string_view(buffer.data(), static_cast<std::size_t>(got))));
  }
}

Status fill_one(const runtime::build::SourceTree& tree, const VolumeFill& fill) {
  const std::string data = fill.volume + "/_data";
  const std::string mark = fill.volume + kFilling;
  std::error_code ignored;
  const bool again = std::filesystem::exists(mark, ignored);
  if (!again && !std::filesystem::is_empty(data, ignored)) return {};
  METE_TRY(const auto found, tree.find(fill.target.substr(1)));
  if (found.size() != 1 || !found.front().is_directory) return {};
  METE_CHECK(runtime::replace_file(mark, "", 0600, runtime::Durability::volatile_));
  METE_TRY(runtime::UniqueFd directory, runtime::open_at(AT_FDCWD, data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  METE_TRY(auto budget, image::Budget::of(data));
  METE_TRY(auto writer, image::LayerWriter::in(std::move(directory)));
  const auto copy = [&](const image::Entry& entry, int fd) -> Status {
    if (fd < 0) return writer.add(entry);
    struct stat info {};
    if (::fstat(fd, &info) != 0) return fail_errno("stat a file of the image");
    METE_CHECK(budget.take(static_cast<std::uint64_t>(info.st_size)));
    return writer.add(entry, [fd](int to) { return copy_content(fd, to); });
  };
  METE_CHECK(tree.visit(found.front(), {}, copy));
  METE_CHECK(writer.finish());
  if (::unlink(mark.c_str()) != 0) return fail_errno("remove " + mark);
  return {};
}

}  // namespace

Status fill_volumes(const std::vector<std::string>& layers, const std::vector<VolumeFill>& fills) {
  static std::mutex one_at_a_time;  // two containers may want one volume
  const std::lock_guard<std::mutex> turn(one_at_a_time);
  if (layers.empty() || fills.empty()) return {};
  METE_TRY(const auto root, open_layers(layers, fills.front().volume + "/layers"));
  METE_TRY(const auto tree, runtime::build::SourceTree::open("/proc/self/fd/" + std::to_string(root.get()), {}));
  for (const auto& fill : fills) METE_CHECK(fill_one(tree, fill));
  return {};
}

}  // namespace mete::agent::docker
