// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/limits/undo.h"

#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/internal.h"
#include "runtime/cgroup/limits/setting.h"
#include "runtime/cgroup/text.h"

namespace mete::runtime::cgroup {

std::string line_key(std::string_view file, std::string_view text) {
  const bool weight = file == "io.weight" || file == "io.bfq.weight";
  const bool others = file == "rdma.max" || file == "misc.max" || file == "net_prio.ifpriomap";
  if (!weight && !others && !has_a_line_for_each_disk(file)) return {};
  const std::string_view word = next_word(text);
  // A number alone is the weight of all disks that have none of their own.
  return std::string(weight && word.find(':') == std::string_view::npos ? "default" : word);
}

void UndoLog::note(const std::string& controller, const std::string& file, const std::string& key) {
  const auto text = group_.read(controller, file);
  if (text) before_.push_back({controller, file, restoring_text(file, key, *text)});
}

Status UndoLog::write(const ControlWrite& write) {
  const std::size_t known = before_.size();
  // The kernel forgets the weight of a group that becomes idle.
  const auto idle = write.file == "cpu.idle" ? group_.read("cpu", write.file) : Result<std::string>("1");
  if (idle && trim(*idle) == "0") note("cpu", group_.hierarchies().on_v1("cpu") ? "cpu.shares" : "cpu.weight", {});
  note(write.controller, write.file, line_key(write.file, write.text));
  auto done = internal::write_limit(group_, write);
  if (done) {
    written_.push_back(write);
  } else {
    before_.resize(known);
  }
  return done;
}

Error UndoLog::undo(Error why) {
  while (!before_.empty()) {
    const ControlWrite last = std::move(before_.back());
    before_.pop_back();
    const auto done = group_.write(last.controller, last.file, last.text);
    if (!done && !is_gone(done.error())) why.what += "; " + last.file + " could not be put back: " + done.error().what;
  }
  written_.clear();
  return why;
}

}  // namespace mete::runtime::cgroup
