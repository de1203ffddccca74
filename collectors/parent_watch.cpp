// SPDX-License-Identifier: Apache-2.0
#include "collectors/parent_watch.h"

#include <unistd.h>

#include <array>

#include "collectors/kernel/control_path.h"

namespace mete::collectors {
namespace {

// The files of kWaiting that include the groups below. What cpu.stat tells of throttling is in the pressure as well.
bool includes_groups_below(const SourceFile& source) {
  return source.when == When::kWaiting && (source.where == Where::kUnified || source.controller == "blkio");
}

}  // namespace

ParentWatch::ParentWatch(Collection& collection, const runtime::cgroup::Group& parent) : collection_(collection) {
  ControlDirectory directory(parent);
  is_complete_ = true;
  for (const Collection::File& file : collection.files_) {
    if (file.absent || !includes_groups_below(*file.source)) continue;
    runtime::UniqueFd fd = directory.open(*file.source);
    if (!fd.valid()) {
      // A kernel without one pressure file has it in no group, and a group has all of its pressure files or none.
      is_complete_ = is_complete_ && file.source->where == Where::kUnified;
      continue;
    }
    files_.push_back({file.source->parse, std::move(fd)});
  }
  if (!is_complete_) files_.clear();
  collection_.budget_.add_fixed(static_cast<std::ptrdiff_t>(files_.size()));
}

ParentWatch::~ParentWatch() {
  collection_.budget_.add_fixed(-static_cast<std::ptrdiff_t>(files_.size()));
}

bool ParentWatch::read() {
  for (const File& file : files_) {
    std::array<char, 16'384> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): written by the read
    const ssize_t got = ::pread(file.fd.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 || static_cast<std::size_t>(got) == buffer.size()) return false;
    if (!file.parse({buffer.data(), static_cast<std::size_t>(got)}, sample_)) return false;
  }
  return sample_.cpu_pressure.some.has_value();
}

bool ParentWatch::may_have_waited() {
  if (!is_complete_ || !read()) {
    was_read_ = false;
    return true;
  }
  const WaitingNumbers now = waiting_numbers(sample_);
  const bool same = was_read_ && now == last_;
  last_ = now;
  was_read_ = true;
  return !same;
}

}  // namespace mete::collectors
