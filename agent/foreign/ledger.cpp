// SPDX-License-Identifier: Apache-2.0
#include "agent/foreign/ledger.h"

#include <algorithm>
#include <set>

#include "runtime/cgroup/abilities.h"
#include "runtime/cgroup/freezer.h"
#include "runtime/cgroup/limits/limit_writes.h"
#include "runtime/cgroup/limits/setting.h"
#include "runtime/cgroup/memory/memory.h"
#include "runtime/cgroup/memory/reclaim.h"
#include "runtime/file.h"
#include "runtime/json.h"

namespace mete::agent {
namespace {

using nlohmann::json;
using runtime::cgroup::Group;
using runtime::cgroup::Hierarchies;
using runtime::cgroup::restoring_text;

bool same_file(const Knob& knob, const std::string& path, const std::string& file, const std::string& disk) {
  return knob.path == path && knob.file == file && knob.disk == disk;
}

std::string name_of(const Knob& knob) {
  return knob.path + "\n" + knob.file + "\n" + knob.disk;
}

// Reclaims where the kernel does not: a limit below usage would make it kill.
Status make_room(const Group& group, const Knob& knob, bool reclaim) {
  const auto limit = runtime::cgroup::parse_memory_limit(knob.before);
  auto usage = runtime::cgroup::memory_usage(group);
  const auto fits = [&] { return !limit || !usage || *usage <= *limit; };
  if (fits()) return {};
  if (reclaim && runtime::cgroup::limit_makes_room(group.hierarchies())) return {};
  if (reclaim) {
    runtime::cgroup::ask_to_reclaim(group, *usage - *limit);
    usage = runtime::cgroup::memory_usage(group);
    if (fits()) return {};
  }
  return fail_errno(knob.path + ": " + knob.file + " is not put back to " + knob.before + " while " +
                        std::to_string(usage->count()) + " bytes are in use",
                    runtime::cgroup::kBusy);
}

}  // namespace

std::string to_json(const std::vector<Knob>& knobs) {
  json list = json::array();
  for (const auto& knob : knobs) {
    list.push_back({{"cgroup", knob.path},
                    {"id", knob.cgroup_id},
                    {"controller", knob.controller},
                    {"file", knob.file},
                    {"before", knob.before}});
    if (!knob.disk.empty()) list.back()["disk"] = knob.disk;
  }
  return json{{"version", 1}, {"knobs", std::move(list)}}.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<std::vector<Knob>> parse_knobs(const std::string& text) {
  try {
    const json value = json::parse(text);
    if (value.at("version") != 1) return fail("found version " + value.at("version").dump() + ", expected 1");
    std::vector<Knob> knobs;
    for (const auto& each : value.at("knobs")) {
      knobs.push_back({each.at("cgroup").get<std::string>(), each.at("id").get<std::uint64_t>(),
                       each.at("controller").get<std::string>(), each.at("file").get<std::string>(),
                       each.value("disk", std::string()), each.at("before").get<std::string>()});
    }
    return knobs;
  } catch (const json::exception& error) {
    return fail(error.what());
  }
}

std::string disk_of_write(const runtime::cgroup::ControlWrite& write) {
  if (!runtime::cgroup::has_a_line_for_each_disk(write.file)) return {};
  return write.text.substr(0, write.text.find(' '));
}

Result<Ledger> Ledger::open(std::string file) {
  const auto text = runtime::read_file(AT_FDCWD, file);
  if (!text && text.error().code == ENOENT) return Ledger(std::move(file), {});
  if (!text) return tl::unexpected(text.error());
  auto knobs = parse_knobs(*text);
  if (!knobs)
    return fail(file + ": " + knobs.error().what +
                "; the file lists the values to restore on cgroups of others, so it is not overwritten");
  return Ledger(std::move(file), std::move(*knobs));
}

Status Ledger::save() const {
  return runtime::replace_file(file_, to_json(knobs_));
}

bool Ledger::changed_since(const Knob& knob, const std::string& now) const {
  const auto written = written_.find(name_of(knob));
  return written != written_.end() && !runtime::cgroup::is_freezer(knob.file) && written->second != now;
}

Status Ledger::write(const Group& group, std::uint64_t cgroup_id, const runtime::cgroup::ControlWrite& write) {
  const std::string disk = disk_of_write(write);
  const auto of_it = [&](const Knob& knob) { return same_file(knob, group.path(), write.file, disk); };
  // Drops entries of an earlier group with the same path.
  std::erase_if(knobs_, [&](const Knob& knob) { return of_it(knob) && knob.cgroup_id != cgroup_id; });
  METE_TRY(const std::string shown, group.read(write.controller, write.file));
  const std::string now = restoring_text(write.file, disk, shown);
  const auto known = std::find_if(knobs_.begin(), knobs_.end(), of_it);
  const auto before = knobs_;
  if (known == knobs_.end()) {
    knobs_.push_back({group.path(), cgroup_id, write.controller, write.file, disk, now});
  } else if (changed_since(*known, now)) {
    known->before = now;
  }
  if (knobs_ != before) {
    if (auto saved = save(); !saved) {
      knobs_ = before;
      return saved;
    }
  }
  METE_CHECK(group.write(write.controller, write.file, write.text));
  // The value as rounded by the kernel.
  const auto after = group.read(write.controller, write.file);
  const std::string name = name_of(*std::find_if(knobs_.begin(), knobs_.end(), of_it));
  if (after) {
    written_[name] = restoring_text(write.file, disk, *after);
  } else {
    written_.erase(name);
  }
  return {};
}

// Done: the file is restored, or the group no longer exists.
Result<Ledger::Back> Ledger::put_back(const Knob& knob, const Hierarchies& hierarchies, Usage usage) const {
  METE_TRY(const Group group, Group::at(hierarchies, knob.path));
  const auto id = group.id_anywhere();
  if (!id || *id != knob.cgroup_id) return Back::kDone;
  const auto shown = group.read(knob.controller, knob.file);
  if (shown && changed_since(knob, restoring_text(knob.file, knob.disk, *shown))) return Back::kChangedSince;
  if (runtime::cgroup::is_memory_limit(knob.file)) METE_CHECK(make_room(group, knob, usage == Usage::kReclaim));
  const Status written = group.write(knob.controller, knob.file, knob.before);
  if (!written && !runtime::cgroup::is_gone(written.error())) return tl::unexpected(written.error());
  return Back::kDone;
}

Ledger::Restored Ledger::restore(const std::string& path, const Hierarchies& hierarchies, Usage usage) {
  Restored result;
  std::vector<Knob> seen;
  // Limits that bound each other are rejected in one order and accepted in the other: failed writes are tried once
  // more.
  for (int round = 0; round < 2; ++round) {
    for (auto knob = knobs_.rbegin(); knob != knobs_.rend(); ++knob) {
      if (knob->path != path || std::find(seen.begin(), seen.end(), *knob) != seen.end()) continue;
      const auto done = put_back(*knob, hierarchies, usage);
      if (!done && round == 1) result.errors.push_back(done.error().what);
      if (!done) continue;
      seen.push_back(*knob);
      (*done == Back::kDone ? result.put_back : result.changed_since).push_back(*knob);
    }
  }
  if (seen.empty()) return result;
  for (const auto& knob : seen) written_.erase(name_of(knob));
  std::erase_if(knobs_, [&](const Knob& knob) { return std::find(seen.begin(), seen.end(), knob) != seen.end(); });
  if (const auto saved = save(); !saved) result.errors.push_back(saved.error().what);
  return result;
}

std::optional<Bytes> Ledger::memory_limit_before(const std::string& path) const {
  for (const auto& knob : knobs_) {
    if (knob.path != path || !runtime::cgroup::is_memory_limit(knob.file)) continue;
    if (const auto limit = runtime::cgroup::parse_memory_limit(knob.before)) return limit;
  }
  return std::nullopt;
}

void Ledger::forget(const std::string& path, bool (*which)(std::string_view file)) {
  const auto is_meant = [&](const Knob& knob) { return knob.path == path && which(knob.file); };
  for (const auto& knob : knobs_) {
    if (is_meant(knob)) written_.erase(name_of(knob));
  }
  if (std::erase_if(knobs_, is_meant) > 0) (void)save();
}

Ledger::Restored Ledger::restore_all(const Hierarchies& hierarchies, Usage usage) {
  std::set<std::string> paths;
  for (const auto& knob : knobs_) paths.insert(knob.path);
  Restored all;
  for (const auto& path : paths) {
    auto restored = restore(path, hierarchies, usage);
    const auto append = [](auto& to, auto& from) {
      to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    };
    append(all.put_back, restored.put_back);
    append(all.changed_since, restored.changed_since);
    append(all.errors, restored.errors);
  }
  return all;
}

}  // namespace mete::agent
