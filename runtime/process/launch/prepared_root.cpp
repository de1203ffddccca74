// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/launch/prepared_root.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/descriptor_passing.h"
#include "runtime/file.h"
#include "runtime/process/launch/id_mappings.h"

namespace mete::runtime::process {
namespace {

// What the forked process says: what it tried, and the errno; 0: the mount comes with it.
struct Word {
  int error = 0;
  char tried[64] = {};
};

Result<std::vector<UniqueFd>> mapped_layers(const OverlayRoot& overlay) {
  METE_TRY(const UniqueFd owners, open_id_map(overlay.owners));
  METE_TRY(const UniqueFd directory, open_at(AT_FDCWD, overlay.layers_dir, O_PATH | O_DIRECTORY));
  std::vector<UniqueFd> layers;
  for (const auto& name : overlay.lowers) {
    UniqueFd layer(::open_tree(directory.get(), name.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
    if (!layer.valid()) return fail_errno("open layer " + name);
    struct mount_attr change {};
    change.attr_set = MOUNT_ATTR_IDMAP;
    change.userns_fd = static_cast<std::uint64_t>(owners.get());
    if (::mount_setattr(layer.get(), "", AT_EMPTY_PATH, &change, sizeof change) != 0) {
      if (errno != EINVAL) return fail_errno("map the owners of layer " + name);
      return fail("map the owners of " + overlay.layers_dir +
                  ": found a file system or kernel without idmapped mounts, expected both");
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

// The id of root outside, as the files of the upper directory have it.
std::uint32_t outside_root(const std::vector<IdMapping>& mappings) {
  for (const auto& each : mappings) {
    if (each.inside == 0) return each.outside;
  }
  return 0;
}

class Mounter {
 public:
  Mounter(const MountRoot& op, const std::vector<UniqueFd>& layers) : op_(op), layers_(layers) {}

  // In a process of its own. overlayfs takes no layers outside the caller's mount namespace before Linux 6.15, so each
  // has a place in one that goes with this process; the overlay holds its own copies. A place's name is short: mount(2)
  // takes a page of options.
  [[noreturn]] void run(int socket) {
    const int tree = mount();
    (void)(tree >= 0 ? send_with_descriptor(socket, &word_, sizeof word_, tree)
                     : ::send(socket, &word_, sizeof word_, MSG_NOSIGNAL));
    ::_exit(0);
  }

 private:
  [[nodiscard]] int failed(const char* tried) {
    word_.error = errno;
    std::strncpy(word_.tried, tried, sizeof word_.tried - 1);
    return -1;
  }

  int mount() {
    if (::unshare(CLONE_NEWNS) != 0) return failed("make a mount namespace");
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return failed("make mounts private");
    const char* place = op_.target.c_str();
    if (::mount("tmpfs", place, "tmpfs", 0, "mode=700") != 0 || ::chdir(place) != 0) return failed("mount a tmpfs");
    std::string options = "lowerdir=";
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const std::string name = std::to_string(i);
      if (::mkdir(name.c_str(), 0700) != 0) return failed("make a directory");
      if (::move_mount(layers_[i].get(), "", AT_FDCWD, name.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
        return failed("place a layer");
      options += (i > 0 ? ":" : "") + name;
    }
    options += ",upperdir=" + op_.prepared->upper + ",workdir=" + op_.prepared->work;
    if (::mkdir("root", 0700) != 0) return failed("make a directory");
    if (::mount("overlay", "root", "overlay", 0, options.c_str()) != 0) return failed("mount overlay");
    const int tree = ::open_tree(AT_FDCWD, "root", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    return tree >= 0 ? tree : failed("copy the overlay's mount");
  }

  const MountRoot& op_;
  const std::vector<UniqueFd>& layers_;
  Word word_;
};

}  // namespace

Result<UniqueFd> prepare_root(const MountRoot& op) {
  const OverlayRoot& overlay = *op.prepared;
  METE_TRY(const auto layers, mapped_layers(overlay));
  const std::uint32_t uid = outside_root(overlay.owners.uids);
  if (::chown(overlay.upper.c_str(), uid, outside_root(overlay.owners.gids)) != 0)
    return fail_errno("give away " + overlay.upper);
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) return fail_errno("socketpair");
  const UniqueFd ours(sockets[0]);
  UniqueFd theirs(sockets[1]);
  const pid_t helper = ::fork();
  if (helper < 0) return fail_errno("fork");
  if (helper == 0) Mounter(op, layers).run(theirs.get());
  theirs.reset();
  Word word;
  UniqueFd tree;
  const ssize_t got = receive_with_descriptor(ours.get(), &word, sizeof word, tree);
  while (::waitpid(helper, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (got != static_cast<ssize_t>(sizeof word)) return fail("the process that was to mount the root was ended");
  word.tried[sizeof word.tried - 1] = '\0';
  if (word.error != 0) return fail_errno(std::string("root with mapped owners: ") + word.tried, word.error);
  if (!tree.valid()) return fail("root with mapped owners: the mount was lost on its way");
  return tree;
}

}  // namespace mete::runtime::process
