// SPDX-License-Identifier: Apache-2.0
// Where COPY and ADD take files from: the context with its .dockerignore, or the files of a stage or an image. The tree
// is a stranger's: the kernel resolves every name with the tree's root as "/", so that no link leads out of it.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/build/language/ignore.h"
#include "runtime/fd.h"
#include "runtime/image/layer_writer.h"

namespace mete::runtime::build {

struct SourceItem {
  std::string path;  // in the tree, links resolved; "" is the root
  std::string name;  // its last component as it was asked for
  bool is_directory = false;
};

// One file, folder or link below an item. `fd` is open for reading where the entry is a file, else -1.
using OnEntry = std::function<Status(image::Entry entry, int fd)>;

class SourceTree {
 public:
  [[nodiscard]] static Result<SourceTree> open(const std::string& directory, IgnoreRules rules);

  // What a source of COPY names; with wildcards all that match, by name. Empty: nothing of that name is there, or it
  // is ignored. Error: it leads out of the tree.
  [[nodiscard]] Result<std::vector<SourceItem>> find(const std::string& source) const;

  // Visits the item and all below it. Paths of entries are relative to the item's place: "" is the item itself. Names
  // of one file are hard links to the first of them. Sockets and devices are left out. `exclude` is relative to the
  // item, too.
  [[nodiscard]] Status visit(const SourceItem& item, const IgnoreRules& exclude, const OnEntry& on_entry) const;

  // A file of the tree, opened for reading.
  [[nodiscard]] Result<UniqueFd> file(const SourceItem& item) const;
  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] const IgnoreRules& rules() const { return rules_; }

 private:
  SourceTree(std::string directory, UniqueFd root, IgnoreRules rules)
      : directory_(std::move(directory)), root_(std::move(root)), rules_(std::move(rules)) {}
  [[nodiscard]] Result<std::optional<SourceItem>> look_up(const std::string& path) const;
  [[nodiscard]] Status match(const std::string& folder, const std::vector<std::string>& parts, std::size_t at,
                             std::vector<SourceItem>& found) const;

  std::string directory_;
  UniqueFd root_;
  IgnoreRules rules_;
};

}  // namespace mete::runtime::build
