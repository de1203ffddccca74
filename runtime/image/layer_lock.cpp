// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/layer_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "runtime/file.h"

namespace mete::runtime::image {
namespace {

std::string incoming(const std::string& store, const std::string& layer) {
  return store + "/incoming/" + layer;
}

bool layer_is_there(const std::string& store, const std::string& layer) {
  struct stat info {};
  return ::lstat((store + "/layers/" + layer).c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// 0, or errno.
int lock(int fd, int operation) {
  while (::flock(fd, operation) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

// The file may have been removed by the one who held its lock before.
bool still_named(int fd, const std::string& path) {
  struct stat own {};
  struct stat named {};
  return ::fstat(fd, &own) == 0 && ::lstat(path.c_str(), &named) == 0 && own.st_dev == named.st_dev &&
         own.st_ino == named.st_ino;
}

Result<UniqueFd> open_lock(const std::string& path) {
  return open_at(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
}

}  // namespace

Result<LayerLock> LayerLock::acquire(const std::string& store, const std::string& layer) {
  const std::string path = incoming(store, layer) + ".lock";
  while (true) {
    METE_TRY(UniqueFd fd, open_lock(path));
    if (!layer_is_there(store, layer)) {
      const int alone = lock(fd.get(), LOCK_EX | LOCK_NB);
      if (alone != 0 && alone != EWOULDBLOCK) return fail_errno("lock " + path, alone);
      if (alone == 0 && still_named(fd.get(), path) && !layer_is_there(store, layer))
        return LayerLock(store, layer, std::move(fd), true);
    }
    // Waits for who makes it, and takes part in it afterwards.
    if (const int error = lock(fd.get(), LOCK_SH); error != 0) return fail_errno("lock " + path, error);
    if (still_named(fd.get(), path) && layer_is_there(store, layer))
      return LayerLock(store, layer, std::move(fd), false);
  }
}

Result<LayerLock> LayerLock::try_alone(const std::string& store, const std::string& layer) {
  const std::string path = incoming(store, layer) + ".lock";
  METE_TRY(UniqueFd fd, open_lock(path));
  const int error = lock(fd.get(), LOCK_EX | LOCK_NB);
  if (error != 0 && error != EWOULDBLOCK) return fail_errno("lock " + path, error);
  if (error != 0 || !still_named(fd.get(), path)) fd.reset();
  return LayerLock(store, layer, std::move(fd), false);
}

LayerLock::~LayerLock() {
  // The last one removes the file.
  if (!fd_.valid() || lock(fd_.get(), LOCK_EX | LOCK_NB) != 0) return;
  const std::string path = incoming(store_, layer_);
  if (!still_named(fd_.get(), path + ".lock")) return;
  (void)remove_tree(path);
  (void)::unlink((path + ".lock").c_str());
}

Result<std::string> LayerLock::make_directory() const {
  const std::string path = incoming(store_, layer_);
  METE_CHECK(remove_tree(path));
  if (::mkdir(path.c_str(), 0755) != 0 || ::chmod(path.c_str(), 0755) != 0) return fail_errno("mkdir " + path);
  return path;
}

Status LayerLock::made(const std::string& directory) {
  return made({{this, directory}});
}

Status LayerLock::made(const std::vector<Made>& layers) {
  if (layers.empty()) return {};
  const std::string visible = layers.front().lock->store_ + "/layers";
  METE_TRY(const UniqueFd folder, open_at(AT_FDCWD, visible, O_RDONLY | O_DIRECTORY));
  if (::syncfs(folder.get()) != 0) return fail_errno("sync " + visible);
  for (const auto& [own, directory] : layers) {
    const std::string layer = visible + "/" + own->layer_;
    if (::rename(directory.c_str(), layer.c_str()) != 0) return fail_errno("rename to " + layer);
    own->must_make_ = false;
  }
  if (::fsync(folder.get()) != 0) return fail_errno("fsync " + visible);
  for (const auto& each : layers) {
    if (const int error = lock(each.lock->fd_.get(), LOCK_SH); error != 0)
      return fail_errno("lock " + visible + "/" + each.lock->layer_, error);
  }
  return {};
}

Status remove_left_layers(const std::string& store) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(store + "/incoming", error), end; !error && at != end;
       at.increment(error)) {
    std::string name = at->path().filename();
    if (name.ends_with(".lock")) name.erase(name.size() - 5);
    // The destructor of a lock that is held alone removes all that is there.
    METE_TRY([[maybe_unused]] const LayerLock lock, LayerLock::try_alone(store, name));
  }
  if (error) return fail_errno("read directory " + store + "/incoming", error.value());
  return {};
}

}  // namespace mete::runtime::image
