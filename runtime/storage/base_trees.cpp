// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/base_trees.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "runtime/file.h"
#include "runtime/image/sha256.h"
#include "runtime/storage/tree_copy.h"

namespace mete::runtime::storage {
namespace {

std::string lines_of(const std::vector<std::string>& layers) {
  std::string text;
  for (const auto& layer : layers) text += layer + "\n";
  return text;
}

}  // namespace

Result<std::string> BaseTrees::of(const std::vector<std::string>& layers) {
  const std::lock_guard<std::mutex> lock(changes_);
  constexpr std::size_t kIdSize = 24;
  const std::string text = lines_of(layers);
  const std::string folder = directory_ + "/" + image::sha256_hex(text).substr(0, kIdSize);
  const std::string tree = folder + kind_.inside;
  // The list is written last: without it the tree is half.
  if (::access((folder + "/layers").c_str(), F_OK) != 0) {
    METE_CHECK(remove(folder));
    METE_CHECK(make_directories(folder, 0700));
    METE_CHECK(kind_.make(folder));
    METE_CHECK(fill(tree, layers));
    if (kind_.finish) METE_CHECK(kind_.finish(folder));
    METE_CHECK(replace_file(folder + "/layers", text));
  }
  if (kind_.open) METE_CHECK(kind_.open(folder));
  return tree;
}

Status BaseTrees::fill(const std::string& tree, const std::vector<std::string>& layers) const {
  METE_TRY(const UniqueFd root, open_at(AT_FDCWD, tree, O_RDONLY | O_DIRECTORY));
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    METE_TRY(const UniqueFd from, open_at(AT_FDCWD, layers_ + "/" + *layer, O_RDONLY | O_DIRECTORY));
    METE_CHECK(TreeCopy(root.get()).add_directory(from.get(), root.get()));
  }
  // What the tree is known by must not be there before it is.
  return ::syncfs(root.get()) == 0 ? Status() : fail_errno("write " + tree);
}

bool BaseTrees::has_all_layers(const std::string& folder) const {
  const auto text = read_file(AT_FDCWD, folder + "/layers");
  if (!text) return false;
  std::istringstream lines(*text);
  for (std::string layer; std::getline(lines, layer);) {
    if (::access((layers_ + "/" + layer).c_str(), F_OK) != 0) return false;
  }
  return true;
}

Status BaseTrees::remove(const std::string& folder) const {
  METE_CHECK(kind_.remove(folder));
  return remove_tree(folder);
}

std::vector<std::string> BaseTrees::folders() const {
  std::error_code ignored;
  std::vector<std::string> found;
  for (const auto& each : std::filesystem::directory_iterator(directory_, ignored))
    found.push_back(each.path().string());
  return found;
}

Status BaseTrees::prune() {
  const std::lock_guard<std::mutex> lock(changes_);
  for (const auto& folder : folders()) {
    if (!has_all_layers(folder)) METE_CHECK(remove(folder));
  }
  return {};
}

}  // namespace mete::runtime::storage
