// SPDX-License-Identifier: Apache-2.0
#include "agent/foreign/io_cost_enforcer.h"

#include "enforcers/io_cost.h"
#include "runtime/cgroup/devices/block_device.h"
#include "runtime/cgroup/io.h"

namespace mete::agent {

Status IoCostEnforcer::open() {
  METE_TRY(Ledger ledger, Ledger::open(ledger_file(services_.settings)));
  ledger_.emplace(std::move(ledger));
  release();
  const auto& costs = services_.settings.config.machine.io_cost;
  if (costs.empty()) return {};
  METE_TRY(const auto root, runtime::cgroup::Group::at(services_.hierarchies, "/"));
  if (const Status found = runtime::cgroup::find_io_cost(root); !found) {
    not_enforced(found.error().what);
    return {};
  }
  for (const auto& cost : costs) write(cost, root);
  return {};
}

void IoCostEnforcer::write(const config::IoCost& cost, const runtime::cgroup::Group& root) {
  const auto disk = runtime::cgroup::disk_of(cost.path);
  if (!disk) return not_enforced(disk.error().what);
  const auto id = root.id();
  if (!id) return not_enforced(id.error().what);
  for (const auto& write : enforcers::io_cost_writes(cost, *disk)) {
    const auto done = ledger_->write(root, *id, write);
    services_.instruments.enforcement("io", "cost", done ? "done" : "failed");
    if (!done) return not_enforced(done.error().what);
  }
}

void IoCostEnforcer::not_enforced(const std::string& why) {
  services_.events.add({.severity = Severity::kWarning,
                        .reason = name_of(Reason::kNotEnforced),
                        .message = "machine.ioCost: " + why + "; it is not active"});
}

void IoCostEnforcer::release() {
  if (!ledger_) return;
  const auto restored = ledger_->restore_all(services_.hierarchies, Ledger::Usage::kLeave);
  for (const auto& knob : restored.put_back)
    services_.events.add({.reason = name_of(Reason::kRestored),
                          .message = knob.file + " of the machine is what it was: " + knob.before});
  for (const auto& error : restored.errors)
    services_.events.add({.severity = Severity::kWarning, .reason = name_of(Reason::kRestoreFailed), .message = error});
}

}  // namespace mete::agent
