// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/ledger.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "runtime/cgroup/plan.h"
#include "runtime/cgroup/text.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

using nlohmann::json;
using runtime::cgroup::Group;
using runtime::cgroup::Hierarchies;

bool same_file(const Knob& knob, const std::string& path, const std::string& file, const std::string& disk) {
  return knob.path == path && knob.file == file && knob.disk == disk;
}

// True: it is as it was, or gone.
Status put_back(const Knob& knob, const Hierarchies& hierarchies) {
  METE_TRY(const Group group, Group::at(hierarchies, knob.path));
  const auto id = group.id();
  if (!id || *id != knob.cgroup_id) return {};
  const Status written = group.write(knob.controller, knob.file, knob.before);
  return !written && runtime::cgroup::is_gone(written.error()) ? Status() : written;
}

}  // namespace

std::string to_json(const std::vector<Knob>& knobs) {
  json list = json::array();
  for (const auto& knob : knobs) {
    list.push_back({{"cgroup", knob.path}, {"id", knob.cgroup_id}, {"controller", knob.controller}, {"file", knob.file}, {"before", knob.before}});
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
      knobs.push_back({each.at("cgroup").get<std::string>(), each.at("id").get<std::uint64_t>(), each.at("controller").get<std::string>(),
                       each.at("file").get<std::string>(), each.value("disk", std::string()), each.at("before").get<std::string>()});
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

std::string restoring_text(const std::string& file, const std::string& disk, std::string_view shown) {
  if (!disk.empty()) {
    while (!shown.empty()) {
      const std::string_view line = runtime::cgroup::next_line(shown);
      if (line.starts_with(disk + " ")) return std::string(line);
    }
    return disk + (file == "io.max" ? " rbps=max wbps=max riops=max wiops=max" : file == "io.latency" ? " target=0" : " 0");
  }
  if (file == "memory.oom_control") return std::to_string(runtime::cgroup::value_of(shown, "oom_kill_disable").value_or(0));
  return std::string(runtime::cgroup::trim(shown));
}

Result<Ledger> Ledger::open(std::string file) {
  const auto text = runtime::read_file(AT_FDCWD, file);
  if (!text && text.error().code == ENOENT) return Ledger(std::move(file), {});
  if (!text) return tl::unexpected(text.error());
  auto knobs = parse_knobs(*text);
  if (!knobs) return fail(file + ": " + knobs.error().what + "; it says what is to be put back on cgroups of others, so it is not written over");
  return Ledger(std::move(file), std::move(*knobs));
}

Status Ledger::save() const { return runtime::replace_file(file_, to_json(knobs_)); }

Status Ledger::write(const Group& group, std::uint64_t cgroup_id, const runtime::cgroup::ControlWrite& write) {
  const std::string disk = disk_of_write(write);
  const auto of_it = [&](const Knob& knob) { return same_file(knob, group.path(), write.file, disk); };
  // Of a group that was there before under the same path.
  std::erase_if(knobs_, [&](const Knob& knob) { return of_it(knob) && knob.cgroup_id != cgroup_id; });
  if (std::none_of(knobs_.begin(), knobs_.end(), of_it)) {
    METE_TRY(const std::string shown, group.read(write.controller, write.file));
    knobs_.push_back({group.path(), cgroup_id, write.controller, write.file, disk, restoring_text(write.file, disk, shown)});
    if (auto saved = save(); !saved) {
      knobs_.pop_back();
      return saved;
    }
  }
  return group.write(write.controller, write.file, write.text);
}

std::vector<Knob> Ledger::restore(const std::string& path, const Hierarchies& hierarchies, std::vector<std::string>& errors) {
  std::vector<Knob> restored;
  std::vector<Knob> failed;
  // Limits that bound each other are refused in one order and taken in the other: what fails is tried once more.
  for (int round = 0; round < 2; ++round) {
    failed.clear();
    for (auto knob = knobs_.rbegin(); knob != knobs_.rend(); ++knob) {
      if (knob->path != path || std::find(restored.begin(), restored.end(), *knob) != restored.end()) continue;
      if (const auto done = put_back(*knob, hierarchies)) {
        restored.push_back(*knob);
      } else {
        failed.push_back(*knob);
        if (round == 1) errors.push_back(done.error().what);
      }
    }
  }
  if (restored.empty()) return restored;
  std::erase_if(knobs_, [&](const Knob& knob) { return std::find(restored.begin(), restored.end(), knob) != restored.end(); });
  if (const auto saved = save(); !saved) errors.push_back(saved.error().what);
  return restored;
}

void Ledger::forget(const std::string& path, const std::string& file) {
  if (std::erase_if(knobs_, [&](const Knob& knob) { return knob.path == path && knob.file == file; }) > 0) (void)save();
}

std::vector<Knob> Ledger::restore_all(const Hierarchies& hierarchies, std::vector<std::string>& errors) {
  std::set<std::string> paths;
  for (const auto& knob : knobs_) paths.insert(knob.path);
  std::vector<Knob> all;
  for (const auto& path : paths) {
    auto restored = restore(path, hierarchies, errors);
    all.insert(all.end(), std::make_move_iterator(restored.begin()), std::make_move_iterator(restored.end()));
  }
  return all;
}

}  // namespace mete::agent
