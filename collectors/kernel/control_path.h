// SPDX-License-Identifier: Apache-2.0
// Paths of control files for callers that open thousands of them.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "collectors/kernel/collector.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/fd.h"

namespace mete::collectors {

// mount + group + "/" + file, or a file alone, without a heap allocation. A path that does not fit is cut, and opening
// it then fails.
class ControlPath {
 public:
  ControlPath(const runtime::cgroup::Group& group, const SourceFile& source, std::string_view file) {
    const runtime::cgroup::Hierarchies& all = group.hierarchies();
    add(source.where == Where::kUnified ? std::string_view(all.v2_mount) : all.mount_of(source.controller));
    if (group.path() != "/") add(group.path());
    add("/");
    add(file);
    text_[used_] = '\0';
  }
  explicit ControlPath(std::string_view file) {
    add(file);
    text_[used_] = '\0';
  }
  [[nodiscard]] const char* c_str() const { return text_.data(); }

 private:
  void add(std::string_view part) { used_ += part.copy(text_.data() + used_, text_.size() - 1 - used_); }
  std::array<char, 4096> text_;
  std::size_t used_ = 0;
};

// Opens the files of a group one after the other. The files of a controller stand together in the tables, so the
// directory is looked up once for all of them.
class ControlDirectory {
 public:
  explicit ControlDirectory(const runtime::cgroup::Group& group) : group_(group) {}
  // Opens one file. An invalid descriptor: errno says why.
  [[nodiscard]] runtime::UniqueFd open(const SourceFile& source) {
    if (at_ == nullptr || at_->where != source.where || at_->controller != source.controller) {
      at_ = &source;
      directory_ = runtime::UniqueFd(::open(ControlPath(group_, source, "").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      error_ = errno;
    }
    if (!directory_.valid()) {
      errno = error_;
      return {};
    }
    return runtime::UniqueFd(::openat(directory_.get(), ControlPath(source.file).c_str(), O_RDONLY | O_CLOEXEC));
  }
  // True: the directory of the last file was opened and still exists.
  [[nodiscard]] bool exists() const {
    return directory_.valid() && ::access(ControlPath(group_, *at_, "").c_str(), F_OK) == 0;
  }

 private:
  const runtime::cgroup::Group& group_;
  const SourceFile* at_ = nullptr;
  runtime::UniqueFd directory_;
  int error_ = 0;  // errno of opening the directory
};

}  // namespace mete::collectors
