// SPDX-License-Identifier: Apache-2.0
// Paths of control files, for what opens thousands of them.
#pragma once

#include <array>
#include <string_view>

#include "collectors/collector.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::collectors {

// mount + group + "/" + file, or a file alone, without a heap allocation. A path that does not fit is cut and then not
// found.
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

}  // namespace mete::collectors
