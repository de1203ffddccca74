// SPDX-License-Identifier: Apache-2.0
#include "collectors/kernel/process_walk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "collectors/kernel/parse.h"
#include "runtime/fd.h"

namespace mete::collectors {
namespace {

using runtime::UniqueFd;

// "PID/task/TID/stat" without a heap allocation.
class ProcPath {
 public:
  ProcPath& operator<<(std::string_view part) {
    used_ += part.copy(text_.data() + used_, text_.size() - 1 - used_);
    text_[used_] = '\0';
    return *this;
  }
  ProcPath& operator<<(pid_t number) {
    const auto end = std::to_chars(text_.data() + used_, text_.data() + text_.size() - 1, number).ptr;
    used_ = static_cast<std::size_t>(end - text_.data());
    *end = '\0';
    return *this;
  }
  [[nodiscard]] const char* c_str() const { return text_.data(); }

 private:
  std::array<char, 96> text_{};
  std::size_t used_ = 0;
};

// Calls each(name) for the entries of a directory whose names are numbers. opendir is not used because it allocates.
template <class Each>
void for_each_number(int directory, Each each) {
  struct Entry {
    std::uint64_t inode;
    std::int64_t next;
    std::uint16_t size;
    std::uint8_t type;
    char name[1];  // NOLINT(modernize-avoid-c-arrays): the kernel's layout
  };
  alignas(Entry) std::array<char, 8192> buffer;
  while (true) {
    const auto got = ::syscall(SYS_getdents64, directory, buffer.data(), buffer.size());
    if (got <= 0) return;
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      Entry entry{};
      std::memcpy(&entry, buffer.data() + at, offsetof(Entry, name));
      const char* const name = buffer.data() + at + offsetof(Entry, name);
      if (const auto number = parse_u64(name); number && *number <= 0x7fffffff) each(static_cast<pid_t>(*number));
      at += entry.size;
    }
  }
}

std::optional<std::string_view> read_small(int proc, const ProcPath& path, std::array<char, 4096>& buffer) {
  const UniqueFd fd(::openat(proc, path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return std::nullopt;
  const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
  if (got < 0) return std::nullopt;
  return std::string_view(buffer.data(), static_cast<std::size_t>(got));
}

std::optional<TaskState> state_of(char letter) {
  switch (letter) {
    case 'S':
      return TaskState::kSleeping;
    case 'R':
      return TaskState::kRunning;
    case 'T':
    case 't':
      return TaskState::kStopped;
    case 'D':
      return TaskState::kUninterruptible;
    default:
      return std::nullopt;  // dead tasks, and the kernel's idle threads
  }
}

void add_saturated(std::uint64_t& sum, std::uint64_t more) {
  if (__builtin_add_overflow(sum, more, &sum)) sum = std::numeric_limits<std::uint64_t>::max();
}

void add(Schedstat& sum, const Schedstat& more) {
  add_saturated(sum.run, more.run);
  add_saturated(sum.wait, more.wait);
  add_saturated(sum.periods, more.periods);
}

}  // namespace

double decayed(std::optional<double> before, double now, std::chrono::nanoseconds elapsed) {
  if (!before) return now;
  const double kept = std::exp(-std::chrono::duration<double>(elapsed).count() / 10.0);
  return *before * kept + now * (1.0 - kept);
}

char state_of_stat(std::string_view stat) {
  const std::size_t end = stat.rfind(')');  // the command may hold ')' too
  return end == std::string_view::npos || end + 2 >= stat.size() ? '\0' : stat[end + 2];
}

std::optional<std::int64_t> open_files_limit(std::string_view limits) {
  while (!limits.empty()) {
    std::string_view line = next_line(limits);
    if (!line.starts_with("Max open files ")) continue;
    line.remove_prefix(sizeof "Max open files");
    const std::string_view soft = next_word(line);
    return soft == "unlimited" ? -1 : parse_i64(soft);
  }
  return std::nullopt;
}

std::optional<Schedstat> parse_schedstat(std::string_view text) {
  const auto run = parse_u64(next_word(text));
  const auto wait = parse_u64(next_word(text));
  const auto periods = parse_u64(next_word(text));
  if (!run || !wait || !periods) return std::nullopt;
  return Schedstat{*run, *wait, *periods};
}

// Counters that went back belong to a new task with the same number.
void SchedstatSum::seen(pid_t task, const Schedstat& now, std::uint64_t walk) {
  Task& known = tasks_[task];
  if (now.run < known.last.run || now.wait < known.last.wait || now.periods < known.last.periods) {
    add(ended_, known.last);
  }
  known = {now, walk};
}

void SchedstatSum::end_of(std::uint64_t walk) {
  for (auto at = tasks_.begin(); at != tasks_.end();) {
    if (at->second.walk == walk) {
      ++at;
      continue;
    }
    add(ended_, at->second.last);
    at = tasks_.erase(at);
  }
}

Schedstat SchedstatSum::total() const {
  Schedstat sum = ended_;
  for (const auto& [task, known] : tasks_) add(sum, known.last);
  return sum;
}

void ProcessWalk::read_descriptors(int proc, pid_t pid) {
  const ProcPath path = ProcPath() << pid << "/fd";
  // Since Linux 6.2 the directory's size is the number of descriptors; on older kernels the size is 0.
  struct stat status {};
  if (!options_.sockets) {
    ++files_;
    if (::fstatat(proc, path.c_str(), &status, 0) != 0) return;
    if (status.st_size > 0) {
      found_.descriptors += static_cast<std::uint64_t>(status.st_size);
      return;
    }
  }
  const UniqueFd directory(::openat(proc, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return;
  std::size_t here = 0;
  for_each_number(directory.get(), [&](pid_t fd) {
    ++found_.descriptors;
    ++here;
    if (!options_.sockets) return;
    ++files_;
    std::array<char, 16> target;
    const ProcPath name = ProcPath() << fd;
    const ssize_t size = ::readlinkat(directory.get(), name.c_str(), target.data(), target.size());
    if (size >= 7 && std::string_view(target.data(), 7) == "socket:") ++found_.sockets;
  });
  looked_ += here / 8;
}

void ProcessWalk::read_tasks(int proc, pid_t pid) {
  const ProcPath path = ProcPath() << pid << "/task";
  const UniqueFd directory(::openat(proc, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return;
  std::array<char, 4096> buffer;
  for_each_number(directory.get(), [&](pid_t task) {
    ++looked_;
    if (options_.tasks) {
      ++files_;
      const auto text = read_small(directory.get(), ProcPath() << task << "/stat", buffer);
      if (const auto state = text ? state_of(state_of_stat(*text)) : std::nullopt) {
        ++found_.tasks.at(static_cast<std::size_t>(*state));
      }
    }
    if (options_.schedstat) {
      ++files_;
      const auto text = read_small(directory.get(), ProcPath() << task << "/schedstat", buffer);
      if (const auto counters = text ? parse_schedstat(*text) : std::nullopt) schedstat_.seen(task, *counters, walk_);
    }
  });
}

void ProcessWalk::read_process(int proc, pid_t pid) {
  ++looked_;
  if (options_.descriptors && !open_files_) {
    ++files_;
    std::array<char, 4096> buffer;
    if (const auto text = read_small(proc, ProcPath() << pid << "/limits", buffer))
      open_files_ = open_files_limit(*text);
  }
  if (options_.descriptors || options_.sockets) read_descriptors(proc, pid);
  if (options_.tasks || options_.schedstat) read_tasks(proc, pid);
}

void ProcessWalk::complete(Clock::time_point now) {
  told_ = ProcessesSample();
  if (options_.descriptors) told_.descriptors = found_.descriptors;
  if (options_.descriptors) told_.open_files = open_files_;
  if (options_.sockets) told_.sockets = found_.sockets;
  if (options_.tasks) {
    told_.tasks = found_.tasks;
    const auto elapsed = last_ ? now - *last_ : Clock::duration(0);
    const auto thousandths = [&](TaskState state, std::optional<double>& load) {
      load = decayed(load, static_cast<double>(found_.tasks.at(static_cast<std::size_t>(state))), elapsed);
      return static_cast<std::uint64_t>(std::llround(*load * 1000));
    };
    told_.load = thousandths(TaskState::kRunning, load_);
    told_.load_d = thousandths(TaskState::kUninterruptible, load_d_);
  }
  if (options_.schedstat) {
    schedstat_.end_of(walk_);
    const Schedstat total = schedstat_.total();
    told_.run = to_time(total.run, 1);
    told_.run_queue = to_time(total.wait, 1);
    told_.run_periods = total.periods;
  }
  last_ = now;
  complete_ = true;
}

std::uint64_t ProcessWalk::run(int proc, std::string_view pids, Clock::time_point now, Sample& into) {
  files_ = 0;
  looked_ = 0;
  if (next_ >= pids_.size()) {
    pids_.clear();
    for (std::string_view word = next_word(pids); !word.empty(); word = next_word(pids)) {
      if (const auto pid = parse_u64(word); pid && *pid > 0 && *pid <= 0x7fffffff)
        pids_.push_back(static_cast<pid_t>(*pid));
    }
    next_ = 0;
    ++walk_;
    found_ = Found();
    open_files_.reset();
  }
  while (next_ < pids_.size() && looked_ < options_.most) read_process(proc, pids_[next_++]);
  if (next_ >= pids_.size()) complete(now);
  if (complete_) into.processes.make() = told_;
  return files_;
}

}  // namespace mete::collectors
