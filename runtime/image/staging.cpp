// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/staging.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <utility>
#include <vector>

#include "runtime/file.h"
#include "runtime/image/image_record.h"
#include "runtime/image/layer_note.h"
#include "runtime/image/sha256.h"
#include "runtime/image/tree.h"

namespace mete::runtime::image {
namespace {

std::string layer_place(const std::string& store, const std::string& name) {
  return store + "/layers/" + name;
}

std::string document_place(const std::string& store, const std::string& sum) {
  return store + "/documents/" + sum + ".json";
}

Status sync_file_system(const std::string& directory) {
  METE_TRY(const UniqueFd fd, open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY));
  return ::syncfs(fd.get()) == 0 ? Status() : fail_errno("sync " + directory);
}

Status remove_left(const std::string& directory) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    METE_CHECK(remove_tree(at->path()));
  }
  if (error) return fail_errno("read directory " + directory, error.value());
  return {};
}

// Files that become visible together, in the order in which they were staged.
class StagedFiles {
 public:
  explicit StagedFiles(Durability durability) : durability_(durability) {}
  StagedFiles(const StagedFiles&) = delete;
  StagedFiles& operator=(const StagedFiles&) = delete;
  ~StagedFiles() {
    for (const std::string& path : paths_) unstage_file(path);
  }
  Status stage(const std::string& path, const std::string& text) {
    METE_CHECK(stage_file(path, text, 0644, durability_));
    paths_.push_back(path);
    return {};
  }
  Status commit() {
    for (const std::string& path : std::exchange(paths_, {})) METE_CHECK(commit_file(path, durability_));
    return {};
  }

 private:
  const Durability durability_;
  std::vector<std::string> paths_;
};

}  // namespace

Result<Staging> Staging::begin(const std::string& store, Wait wait) {
  METE_TRY(UniqueFd lock, open_at(AT_FDCWD, store + "/lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  while (::flock(lock.get(), LOCK_EX | (wait == Wait::kNo ? LOCK_NB : 0)) != 0) {
    if (errno != EINTR) return fail_errno("lock " + store + "/lock");
  }
  METE_CHECK(remove_left(store + "/tmp"));
  METE_TRY(Budget budget, Budget::of(store));
  return Staging(store, std::move(lock), std::move(budget));
}

Staging::~Staging() {
  if (lock_.valid()) (void)remove_left(store_ + "/tmp");
}

bool Staging::has_layer(const std::string& name) const {
  struct stat info {};
  return ::lstat(layer_path(name).c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string Staging::layer_path(const std::string& name) const {
  const auto added = added_.find(name);
  return added == added_.end() ? layer_place(store_, name) : added->second;
}

Result<std::int64_t> Staging::layer_size(const std::string& name) {
  if (added_.contains(name)) {
    METE_TRY(const std::int64_t size, tree_size(layer_path(name)));
    notes_[name].size = size;
    return size;
  }
  LayerNote note = read_note(store_, name);
  if (note.size) return *note.size;
  METE_TRY(note.size, tree_size(layer_path(name)));
  (void)write_note(store_, name, note);  // saves the next image this walk
  return *note.size;
}

Result<std::string> Staging::make_directory() {
  std::string path = store_ + "/tmp/" + std::to_string(::getpid()) + "." + std::to_string(++made_);
  // The users of an image's processes may read its files; tmp/ itself is for root only.
  if (::mkdir(path.c_str(), 0755) != 0 || ::chmod(path.c_str(), 0755) != 0) return fail_errno("mkdir " + path);
  return path;
}

Status Staging::add_layer(const std::string& directory, const std::string& name) {
  if (has_layer(name)) return remove_tree(directory);
  added_[name] = directory;
  return {};
}

std::string Staging::add_document(const std::string& text) {
  const std::string sum = sha256_hex(text);
  documents_[sum] = text;
  return "sha256:" + sum;
}

Status Staging::show_layers() const {
  for (const auto& [name, directory] : added_) {
    const std::string layer = layer_place(store_, name);
    if (::rename(directory.c_str(), layer.c_str()) != 0) return fail_errno("rename to " + layer);
  }
  for (const auto& [name, note] : notes_) {
    if (added_.count(name) != 0 && read_note(store_, name).blobs.empty()) METE_CHECK(write_note(store_, name, note));
  }
  return {};
}

// With new layers the disk is waited for twice: once for all content that is not visible yet, once for all names. The
// file systems that can hold a store (ext4, XFS, btrfs) bring renames to disk in the order in which they were made, so
// that no power cut leaves the record of an image without its layers. Without new layers each file is waited for by
// itself: syncfs() would wait for everything that others write, too.
Status Staging::commit(const Image& image) {
  const bool grows = !added_.empty();
  StagedFiles files(grows ? Durability::volatile_ : Durability::durable);
  for (const auto& [sum, text] : documents_) {
    // One that is there is whole and on disk.
    if (const std::string place = document_place(store_, sum); ::access(place.c_str(), F_OK) != 0)
      METE_CHECK(files.stage(place, text));
  }
  const std::string record = store_ + "/images/" + record_file(image.name);
  if (const std::string text = to_record(image); read_file(AT_FDCWD, record) != text)
    METE_CHECK(files.stage(record, text));
  if (grows) METE_CHECK(sync_file_system(store_));
  METE_CHECK(show_layers());
  METE_CHECK(files.commit());
  if (grows) METE_CHECK(sync_file_system(store_));
  added_.clear();
  if (!is_nameless(image)) (void)::unlink((store_ + "/images/" + record_file(nameless(image.id))).c_str());
  return {};
}

Result<bool> Staging::has_name(const std::string& id) const {
  METE_TRY(const UniqueFd directory, open_at(AT_FDCWD, store_ + "/images", O_RDONLY | O_DIRECTORY));
  METE_TRY(const auto files, sorted_names(directory.get(), store_ + "/images"));
  for (const std::string& file : files) {
    if (!file.ends_with(".json")) continue;
    const auto text = read_file(directory.get(), file);
    const auto image = text ? from_record(*text) : tl::unexpected(text.error());
    if (image && image->id == id && !is_nameless(*image)) return true;
  }
  return false;
}

Status Staging::discard_layer(const std::string& name) {
  const std::string layer = layer_place(store_, name);
  const std::string away = store_ + "/tmp/" + name;
  if (::rename(layer.c_str(), away.c_str()) != 0) return errno == ENOENT ? Status{} : fail_errno("rename " + layer);
  (void)::unlink((store_ + "/notes/" + name + ".json").c_str());
  return remove_tree(away);
}

}  // namespace mete::runtime::image
