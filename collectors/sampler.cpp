// SPDX-License-Identifier: Apache-2.0
#include "collectors/sampler.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "collectors/kernel/control_path.h"
#include "collectors/kernel/parse.h"
#include "runtime/file.h"

namespace mete::collectors {
namespace {

using runtime::UniqueFd;
using std::chrono::steady_clock;

constexpr int kSeldom = 3;                    // times CollectionOptions::settings_for, in a group without tasks
constexpr int kWatchedSeldom = 6;             // the same in a quiet group whose settings are watched
constexpr std::size_t kStackBuffer = 16'384;  // memory.stat of a large machine has 4 to 8 KiB
// The kernel collects the lines of a list file in a page before it returns them (fs/seq_file.c), and no line has this
// size. A first piece that is smaller is the whole file.
constexpr std::size_t kPiece = 2048;

ssize_t read_at(int fd, char* buffer, std::size_t size, std::size_t offset) {
  while (true) {
    const ssize_t got = ::pread(fd, buffer, size, static_cast<off_t>(offset));
    if (got >= 0 || errno != EINTR) return got;
  }
}

}  // namespace

template <class Parse>
CgroupSampler::FileRead CgroupSampler::read_text(int fd, bool whole, Parse parse) {
  char buffer[kStackBuffer];  // NOLINT(modernize-avoid-c-arrays): not cleared before each read
  std::size_t used = 0;
  ssize_t got = read_at(fd, buffer, sizeof buffer, 0);
  // List files arrive in pieces; the others arrive in one read unless they are larger than the buffer.
  while (got > 0) {
    used += static_cast<std::size_t>(got);
    if (used == sizeof buffer || !whole || used < kPiece) break;
    got = read_at(fd, buffer + used, sizeof buffer - used, used);
  }
  if (got < 0) return errno == ENODEV ? FileRead::kGone : FileRead::kFailed;
  if (used < sizeof buffer) return parse({buffer, used}, sample_) ? FileRead::kDone : FileRead::kFailed;
  std::vector<char>& large = collection_->large_;
  large.assign(buffer, buffer + used);
  while (true) {
    large.resize(std::max(large.capacity(), used + kStackBuffer));
    got = read_at(fd, large.data() + used, large.size() - used, used);
    if (got <= 0) break;
    used += static_cast<std::size_t>(got);
    if (large.size() - used < kStackBuffer) large.reserve(large.size() * 2);
  }
  if (got < 0) return errno == ENODEV ? FileRead::kGone : FileRead::kFailed;
  return parse({large.data(), used}, sample_) ? FileRead::kDone : FileRead::kFailed;
}

CgroupSampler::FileRead CgroupSampler::read_file(const Collection::File& file, int fd) {
  CollectionCost& cost = collection_->cost_[file.collector];
  const FileRead read = read_text(fd, false, file.source->parse);
  ++cost.files;
  if (read == FileRead::kFailed) ++cost.errors;
  return read;
}

// Reads the open files of the groups `from` to `to`; the files are sorted by When.
CgroupSampler::Outcome CgroupSampler::read_files(When from, When to) {
  auto begin = steady_clock::now();
  const auto& files = files_.files();
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Collection::File& file = collection_->files_[files[i].index];
    if (file.source->when < from) continue;
    if (file.source->when > to) break;
    if (files[i].fd.valid() && read_file(file, files[i].fd.get()) == FileRead::kGone) return Outcome::kGone;
    const bool last = i + 1 == files.size() || collection_->files_[files[i + 1].index].collector != file.collector;
    if (last) {
      const auto now = steady_clock::now();
      collection_->cost_[file.collector].time += now - begin;
      begin = now;
    }
  }
  return Outcome::kRead;
}

CgroupSampler::Outcome CgroupSampler::read_counters(bool all, bool may_have_waited) {
  if (read_files(When::kEachPass, When::kEachPass) == Outcome::kGone) return Outcome::kGone;
  if (all && open_up_to(When::kRunning) == Outcome::kGone) return Outcome::kGone;
  Quiet quiet = Quiet::kNo;
  if (collection_->options_.back_off) quiet = quiet_.see(sample_, collection_->reclaims_);
  if (quiet != Quiet::kNo && (all || quiet_now_ == Quiet::kNo) && !has_same_processes()) {
    quiet = Quiet::kNo;
    quiet_.forget();
  }
  quiet_now_ = quiet;
  if (quiet == Quiet::kNo) quiet_since_.reset();
  const bool whole = quiet == Quiet::kNo || all;
  if (!whole && (quiet == Quiet::kEmpty || !wants_waiting(may_have_waited))) return Outcome::kRead;
  if (open_up_to(whole ? When::kRunning : When::kWaiting) == Outcome::kGone) return Outcome::kGone;
  if (read_waiting() == Outcome::kGone) return Outcome::kGone;
  return whole ? read_files(When::kRunning, When::kRunning) : Outcome::kRead;
}

CgroupSampler::Outcome CgroupSampler::open_up_to(When to) {
  if (open_to_ >= to) return Outcome::kRead;
  open_to_ = to;
  return open_files_again(to);
}

bool CgroupSampler::wants_waiting(bool may_have_waited) const {
  return may_have_waited && (has_waited_ || sample_.at - waiting_at_ >= collection_->options_.waiting_for);
}

CgroupSampler::Outcome CgroupSampler::read_waiting() {
  const WaitingNumbers before = waiting_numbers(sample_);
  const Outcome outcome = read_files(When::kWaiting, When::kWaiting);
  has_waited_ = waiting_numbers(sample_) != before;
  waiting_at_ = sample_.at;
  return outcome;
}

void CgroupSampler::close_long_quiet() {
  if (quiet_now_ == Quiet::kNo || !settings_watched_ || open_to_ == When::kEachPass) return;
  if (!quiet_since_) quiet_since_ = sample_.at;
  if (sample_.at - *quiet_since_ < collection_->options_.close_after) return;
  for (auto& file : files_.files()) {
    if (collection_->files_[file.index].source->when != When::kEachPass) file.fd.reset();
  }
  open_to_ = When::kEachPass;
}

std::chrono::nanoseconds CgroupSampler::settings_period() const {
  const auto period = collection_->options_.settings_for;
  if (quiet_now_ == Quiet::kNo) return period;
  // The limits of a group without tasks affect no process.
  if (settings_watched_) return period * kWatchedSeldom;
  return quiet_now_ == Quiet::kEmpty ? period * kSeldom : period;
}

void CgroupSampler::read_settings() {
  auto begin = steady_clock::now();
  ControlDirectory directory(group_);
  for (std::size_t i = 0; i < settings_.size(); ++i) {
    Collection::File& file = collection_->files_[settings_[i]];
    CollectionCost& cost = collection_->cost_[file.collector];
    if (!file.absent) {
      const UniqueFd fd = directory.open(*file.source);
      if (fd.valid()) {
        read_file(file, fd.get());
      } else if (errno == ENOENT) {
        file.absent = group_.path() != "/" && directory.exists();
      } else {
        ++cost.errors;
      }
    }
    if (i + 1 < settings_.size() && collection_->files_[settings_[i + 1]].collector == file.collector) continue;
    const auto now = steady_clock::now();
    cost.time += now - begin;
    begin = now;
  }
}

void CgroupSampler::read_network() {
  CollectionCost& cost = collection_->cost_[collection_->network_cost_];
  auto begin = steady_clock::now();
  ++cost.files;
  if (read_text(network_.dev.get(), true, parse_net_dev) != FileRead::kDone) ++cost.errors;
  auto now = steady_clock::now();
  cost.time += now - begin;
  // A namespace with nothing but loopback has no counters to show.
  if (sample_.interfaces.empty() && collection_->net_files_.empty() && network_id_ != 0) network_ = Network();
  if (!network_.directory.valid()) return;
  for (const Collection::NetFile& file : collection_->net_files_) {
    begin = now;
    CollectionCost& own = collection_->cost_[file.collector];
    // Once the process has exited its directory is empty: the last values stay.
    const UniqueFd fd(::openat(network_.directory.get(), ControlPath(file.name).c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.valid()) {
      ++own.files;
      if (read_text(fd.get(), true, file.parse) != FileRead::kDone) ++own.errors;
    }
    now = steady_clock::now();
    own.time += now - begin;
  }
}

void CgroupSampler::read_processes() {
  CollectionCost& cost = collection_->cost_[collection_->processes_cost_];
  const auto begin = steady_clock::now();
  const UniqueFd fd(
      ::open(ControlPath(group_, collection_->procs_, collection_->procs_.file).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return;
  ++cost.files;
  const auto read = read_text(fd.get(), true, [&](std::string_view pids, Sample& into) {
    if (collection_->count_processes_) {
      into.pids.processes = static_cast<std::uint64_t>(std::count(pids.begin(), pids.end(), '\n'));
    }
    cost.files += walk_->run(collection_->proc_.get(), pids, begin, into);
    return true;
  });
  // The kernel lists the processes of a threaded cgroup only at the top of its tree (EOPNOTSUPP).
  if (read == FileRead::kFailed && errno != EOPNOTSUPP) ++cost.errors;
  cost.time += steady_clock::now() - begin;
}

CgroupSampler::Outcome CgroupSampler::read(bool may_have_waited) {
  const auto at = steady_clock::now();
  const auto wall_time = std::chrono::system_clock::now();
  const auto before = sample_.at;
  const Quiet was = quiet_now_;
  bool settings_due = !settings_at_ || at - *settings_at_ >= settings_period();
  if (!files_.kept()) {
    // Files that are not read in a quiet group are not opened for it either.
    open_to_ = quiet_now_ != Quiet::kNo ? When::kEachPass : When::kRunning;
    if (open_files_again(open_to_) == Outcome::kGone) return Outcome::kGone;
  }
  sample_.at = at;
  const Outcome outcome = read_counters(settings_due, may_have_waited);
  close_long_quiet();
  collection_->budget_.use(files_, at);
  if (outcome == Outcome::kGone) {
    sample_.at = before;
    return Outcome::kGone;
  }
  sample_.wall_time = wall_time;
  collection_->devices_.name(sample_.devices);
  collection_->devices_.name(sample_.device_details);
  if (network_.dev.valid()) read_network();
  // Settings are read after the counters, whose open files fail when another group has taken this one's path.
  // A group that has begun to run reads what it could not have changed before.
  settings_due = settings_due || (was == Quiet::kEmpty && quiet_now_ != Quiet::kEmpty) ||
                 (was != Quiet::kNo && at - *settings_at_ >= settings_period());
  if (settings_due) {
    read_settings();
    open_network_again();
    settings_at_ = at;
  }
  if (collection_->processes_.any()) {
    if (!walk_) walk_ = std::make_unique<ProcessWalk>(collection_->processes_);
    read_processes();
  }
  return Outcome::kRead;
}

}  // namespace mete::collectors
