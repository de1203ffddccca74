// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/memory/oom.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "runtime/cgroup/internal.h"
#include "runtime/cgroup/memory/memory.h"
#include "runtime/cgroup/memory/oom_kills.h"
#include "runtime/cgroup/text.h"
#include "runtime/file.h"

namespace mete::runtime::cgroup {
namespace {

constexpr const char* kControl = "memory.oom_control";
constexpr const char* kEvents = "memory.events";
constexpr const char* kLocalEvents = "memory.events.local";  // kernel 5.2

// Ties an eventfd to a v1 file: "<eventfd> <fd of the file> <arguments>" into cgroup.event_control. The kernel keeps
// what it needs of the file, so only the eventfd stays open.
Result<UniqueFd> event_in(const std::string& directory, const std::string& file, const std::string& arguments) {
  UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event.valid()) return fail_errno("eventfd");
  auto watched = open_at(AT_FDCWD, directory + "/" + file, O_RDONLY);
  if (!watched) return tl::unexpected<Error>(internal::control_error(std::move(watched.error()), directory, file));
  std::string line = std::to_string(event.get()) + " " + std::to_string(watched->get());
  if (!arguments.empty()) line += " " + arguments;
  METE_CHECK(internal::write_control(directory, "cgroup.event_control", line));
  return event;
}

Result<UniqueFd> event_on(const Group& group, const std::string& file, const std::string& arguments) {
  if (!group.hierarchies().on_v1("memory")) {
    return fail_errno(group.path() + ": eventfd on " + file + ": the memory controller is not on cgroup v1",
                      EOPNOTSUPP);
  }
  return event_in(group.directory("memory"), file, arguments);
}

OomEvents events_of(std::string_view text) {
  return {value_of(text, "oom").value_or(0), value_of(text, "oom_kill").value_or(0),
          value_of(text, "oom_group_kill").value_or(0)};
}

// A directory has a link for each one in it: most have none, and need not be read.
bool has_directories(const std::string& directory) {
  struct stat info {};
  return ::stat(directory.c_str(), &info) == 0 && info.st_nlink > 2;
}

// A group below may end while it is looked at.
template <class Each>
void for_each_below(const std::string& directory, const std::string& path, const std::string& file, const Each& each) {
  if (!has_directories(directory)) return;
  for (const std::string& name : internal::children(directory).value_or(std::vector<std::string>())) {
    const std::string below = directory + "/" + name;
    if (const auto text = internal::read_control(below, file)) each(path + "/" + name, *text);
    for_each_below(below, path + "/" + name, file, each);
  }
}

// v1: with swap accounting the limit of memory and swap together refuses charges, too.
void add_refused(const Group& group, std::map<std::string, std::uint64_t>& refused) {
  for (const char* const file : {"memory.failcnt", "memory.memsw.failcnt"}) {
    if (const auto text = group.read("memory", file)) refused[group.path()] += parse_u64(trim(*text)).value_or(0);
  }
}

std::string parent_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

bool says_local_events(std::string_view mountinfo) {
  while (!mountinfo.empty()) {
    const std::string_view line = next_line(mountinfo);
    // The short lines of Hierarchies::mounts name the option of a cgroup2 alone.
    const bool may = line.find(" - ") == std::string_view::npos || line.find(" - cgroup2 ") != std::string_view::npos;
    if (may && line.find("memory_localevents") != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

bool events_are_local() {
  static const bool kLocal = says_local_events(read_file(AT_FDCWD, "/proc/self/mountinfo").value_or(std::string()));
  return kLocal;
}

Result<UniqueFd> Group::oom_eventfd() const {
  return event_on(*this, kControl, "");
}

Result<UniqueFd> Group::usage_eventfd(Bytes threshold) const {
  return event_on(*this, "memory.usage_in_bytes", std::to_string(threshold.count()));
}

Result<UniqueFd> Group::pressure_eventfd(std::string_view level) const {
  return event_on(*this, "memory.pressure_level", std::string(level));
}

Result<bool> Group::under_oom() const {
  if (!hierarchies_->on_v1("memory")) return false;
  return under_oom_in(directory("memory"));
}

std::string Group::memory_events_file() const {
  if (hierarchies_->on_v1("memory") || !hierarchies_->on_v2("memory")) return {};
  return unified_directory() + "/" + kEvents;
}

Result<OomCounters> read_oom_counters(const Group& group) {
  OomCounters counters;
  const bool v1 = group.hierarchies().on_v1("memory");
  const std::string file = v1 ? kControl : kEvents;
  METE_TRY(const std::string text, group.read("memory", file));
  const auto kills = value_of(text, "oom_kill");
  if (!kills)
    return fail_errno(group.path() + ": found no oom_kill in " + file + ", expected it (kernel 4.13)", EOPNOTSUPP);
  counters.all = events_of(text);
  if (v1) {
    for_each_below(group.directory("memory"), group.path(), file, [&](const std::string& path, const std::string& its) {
      counters.nested.emplace(path, value_of(its, "oom_kill").value_or(0));
    });
  } else if (group.hierarchies().mounts.empty() ? events_are_local() : says_local_events(group.hierarchies().mounts)) {
    for_each_below(group.directory("memory"), group.path(), file, [&](const std::string& path, const std::string& its) {
      counters.below.emplace(path, events_of(its));
    });
  }
  return counters;
}

void read_oom_path(const Group& group, OomCounters& counters) {
  const auto& machine = group.hierarchies();
  if (machine.on_v1("memory")) {
    auto& refused = counters.refused.emplace();
    for (const auto& [path, kills] : counters.nested) {
      if (const auto below = Group::at(machine, path)) add_refused(*below, refused);
    }
    for (std::string path = group.path(); !path.empty(); path = parent_of(path)) {
      if (const auto each = Group::at(machine, path)) add_refused(*each, refused);
    }
    return;
  }
  if (const auto text = group.read("memory", kLocalEvents)) counters.own = events_of(*text);
  for (std::string path = parent_of(group.path()); !path.empty(); path = parent_of(path)) {
    const auto ancestor = Group::at(machine, path);
    const auto text = ancestor ? ancestor->read("memory", kLocalEvents) : Result<std::string>(fail("no path"));
    if (!text) continue;
    const OomEvents own = events_of(*text);
    counters.above.push_back({path, own.ooms, own.groups});
  }
}

Result<std::uint64_t> Group::oom_kill_count() const {
  METE_TRY(OomCounters counters, read_oom_counters(*this));
  read_oom_path(*this, counters);
  return oom_kills_between({}, counters, {}).kills.size();
}

bool has_groups_below(const Group& group) {
  return has_directories(group.directory("memory"));
}

bool oom_kill_disabled(const Group& group) {
  if (!group.hierarchies().on_v1("memory")) return false;
  const auto text = group.read("memory", kControl);
  return text && value_of(*text, "oom_kill_disable").value_or(0) != 0;
}

ControlWrite enable_oom_kill() {
  return {"memory", kControl, "0"};
}

ControlWrite leave_oom_to_kernel(const Hierarchies& machine) {
  return machine.on_v1("memory") ? enable_oom_kill() : no_memory_high();
}

Result<UniqueFd> oom_signal(const Group& group) {
  if (group.hierarchies().on_v1("memory")) return group.oom_eventfd();
  UniqueFd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!watch.valid()) return fail_errno("inotify_init");
  const std::string file = group.memory_events_file();
  if (!file.empty() && ::inotify_add_watch(watch.get(), file.c_str(), IN_MODIFY) < 0)
    return fail_errno("watch " + file);
  return watch;
}

Result<UniqueFd> oom_eventfd_of(const std::string& memory_directory) {
  return event_in(memory_directory, kControl, "");
}

Result<bool> under_oom_in(const std::string& memory_directory) {
  METE_TRY(const std::string text, internal::read_control(memory_directory, kControl));
  return value_of(text, "under_oom").value_or(0) == 1;
}

}  // namespace mete::runtime::cgroup
