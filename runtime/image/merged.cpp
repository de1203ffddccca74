// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/merged.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <deque>
#include <memory>

#include "runtime/file.h"

namespace mete::runtime::image {
namespace {

constexpr int kMaxLinks = 40;  // as in the kernel
constexpr std::size_t kMaxText = 1U << 20U;

// One directory of the merged tree: its parts in the layers that have one, topmost first.
using Parts = std::shared_ptr<const std::vector<UniqueFd>>;

struct Found {
  enum class Kind { kNothing, kDirectory, kLink, kFile } kind = Kind::kNothing;
  Parts directory;
  std::string target;
  UniqueFd file;
};

bool is_opaque(int directory) {
  char value = 0;
  return ::fgetxattr(directory, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

Result<Found> what_is_no_directory(int parent, const std::string& name, mode_t mode) {
  Found found;
  if (S_ISLNK(mode)) {
    found.target.resize(4096);
    const ssize_t size = ::readlinkat(parent, name.c_str(), found.target.data(), found.target.size());
    if (size < 0) return fail_errno("read link " + name);
    found.target.resize(static_cast<std::size_t>(size));
    found.kind = Found::Kind::kLink;
  } else if (S_ISREG(mode)) {
    METE_TRY(found.file, open_at(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    found.kind = Found::Kind::kFile;
  }
  return found;  // whiteouts, devices and sockets cannot be read
}

Result<Found> look_up(const Parts& in, const std::string& name) {
  std::vector<UniqueFd> parts;
  for (const UniqueFd& layer : *in) {
    struct stat info {};
    if (::fstatat(layer.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;
      return fail_errno("stat " + name);
    }
    if (!S_ISDIR(info.st_mode)) {
      if (parts.empty()) return what_is_no_directory(layer.get(), name, info.st_mode);
      break;  // hidden by the directories above; hides the layers below
    }
    METE_TRY(UniqueFd part, open_at(layer.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    const bool last = is_opaque(part.get());
    parts.push_back(std::move(part));
    if (last) break;
  }
  Found found;
  if (parts.empty()) return found;
  found.kind = Found::Kind::kDirectory;
  found.directory = std::make_shared<const std::vector<UniqueFd>>(std::move(parts));
  return found;
}

// Inserts the components of `path` before the rest of the walk.
void walk_first(const std::string& path, std::deque<std::string>& rest) {
  std::size_t end = path.size();
  while (true) {
    const std::size_t slash = end == 0 ? std::string::npos : path.rfind('/', end - 1);
    const std::size_t start = slash == std::string::npos ? 0 : slash + 1;
    if (end > start) rest.push_front(path.substr(start, end - start));
    if (slash == std::string::npos) return;
    end = slash;
  }
}

}  // namespace

Result<MergedView> MergedView::open(const std::vector<std::string>& layers) {
  MergedView view;
  for (const std::string& layer : layers) {
    METE_TRY(UniqueFd root, open_at(AT_FDCWD, layer, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    view.roots_.push_back(std::move(root));
  }
  return view;
}

Result<std::optional<UniqueFd>> MergedView::file(const std::string& path) const {
  auto roots = std::make_shared<std::vector<UniqueFd>>();
  for (const UniqueFd& root : roots_) {
    METE_TRY(UniqueFd copy, open_at(root.get(), ".", O_RDONLY | O_DIRECTORY));
    roots->push_back(std::move(copy));
  }
  std::vector<Parts> above = {roots};  // the directories from "/" down to the current one
  std::deque<std::string> rest;
  walk_first(path, rest);
  int links = 0;
  while (!rest.empty()) {
    const std::string name = rest.front();
    rest.pop_front();
    if (name == ".") continue;
    if (name == "..") {
      if (above.size() > 1) above.pop_back();
      continue;
    }
    METE_TRY(Found found, look_up(above.back(), name));
    switch (found.kind) {
      case Found::Kind::kNothing:
        return std::nullopt;
      case Found::Kind::kDirectory:
        above.push_back(std::move(found.directory));
        break;
      case Found::Kind::kLink:
        if (++links > kMaxLinks) return std::nullopt;
        if (found.target.starts_with('/')) above.resize(1);
        walk_first(found.target, rest);
        break;
      case Found::Kind::kFile:
        if (rest.empty()) return std::optional<UniqueFd>(std::move(found.file));
        return std::nullopt;
    }
  }
  return std::nullopt;  // a directory
}

Result<std::string> MergedView::text(const std::string& path) const {
  METE_TRY(const std::optional<UniqueFd> fd, file(path));
  if (!fd) return std::string();
  auto text = read_file(AT_FDCWD, "/proc/self/fd/" + std::to_string(fd->get()), kMaxText);
  if (!text) return fail_in("/" + path + " of the image", text.error());
  return text;
}

}  // namespace mete::runtime::image
