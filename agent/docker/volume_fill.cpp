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

#include "agent/docker/container/detached_overlay.h"
#include "runtime/build/source_tree.h"
#include "runtime/file.h"
#include "runtime/image/layer_writer.h"

namespace mete::agent::docker {
namespace {

namespace image = runtime::image;

// Beside "_data" while it is being filled: what is there then is not whole.
constexpr const char* kFilling = "/filling";

// One layer needs no mount, and overlayfs wants two.
Result<runtime::UniqueFd> open_layers(const std::vector<std::string>& layers, const std::string& place) {
  if (layers.size() == 1) return runtime::open_at(AT_FDCWD, layers.front(), O_RDONLY | O_DIRECTORY);
  return open_overlay({layers, {}, {}}, place);
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
