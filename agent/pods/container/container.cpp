// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/container.h"

#include "agent/pods/container/container_subject.h"
#include "agent/pods/pod.h"

namespace mete::agent {

Container::Container(Pod& pod, std::size_t index)
    : slot_(pod, index),
      subject_(std::make_unique<ContainerSubject>(*this)),
      cgroup_(slot_, *subject_,
              {.wake_shim = [this] { attempt_.wake_shim(); }, .closed = [this] { loans_.stop_lowering(); }}),
      loans_(slot_, cgroup_, [this] { apply_limits(); }),
      attempt_(slot_, cgroup_, *subject_) {}

Container::~Container() {
  slot_.enforcement().cores().release(cgroup_.group().path());
  cgroup_.close();
}

Subject& Container::subject() const {
  return *subject_;
}

void Container::adopt() {
  cgroup_.find_out_whether_gone();
  const bool has_cgroup = record().cgroup_id != 0;
  if (spec() != nullptr) {
    cgroup_.limits().find_facts();
    if (has_cgroup) loans_.reconcile();
    cgroup_.limits().ask_from_scratch();
    attempt_.adopt_image();
  }
  if (has_cgroup) cgroup_.take_over();
  if (is_active()) attempt_.adopt();
}

void Container::apply_limits() {
  if (spec() == nullptr || record().cgroup_id == 0) return;
  cgroup_.limits().find_facts();
  loans_.reconcile();
  cgroup_.apply();
}

Status Container::pause(bool paused) {
  auto done = paused ? cgroup().freeze() : cgroup().thaw();
  cgroup_.watch().forget_freeze();
  return done;
}

void Container::killed_by_policy(const std::string& reason) {
  auto& own = record();
  ++own.policy_kills;
  cgroup_.watch().oom_record().policy_kills();
  own.killed_by_policy = true;
  if (!reason.empty()) own.end_reason = reason;
  slot_.save(runtime::Durability::volatile_);
}

}  // namespace mete::agent
