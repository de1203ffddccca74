// SPDX-License-Identifier: Apache-2.0
#include "collectors/sampler.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "collectors/control_path.h"
#include "collectors/parse.h"
#include "runtime/file.h"

namespace mete::collectors {
namespace {

using runtime::UniqueFd;
using runtime::cgroup::Group;
using runtime::cgroup::Hierarchies;
using std::chrono::steady_clock;

constexpr std::size_t kStackBuffer = 16'384;  // memory.stat of a large machine has 4 to 8 KiB

ssize_t read_at(int fd, char* buffer, std::size_t size, std::size_t offset) {
  while (true) {
    const ssize_t got = ::pread(fd, buffer, size, static_cast<off_t>(offset));
    if (got >= 0 || errno != EINTR) return got;
  }
}

// The inode by any of its directories: on hybrid a group that somebody else made is not in cgroup2.
Result<std::uint64_t> id_of(const Group& group) {
  if (const auto id = group.id()) return *id;
  for (const std::string& mount : group.hierarchies().v1_mounts()) {
    struct stat status {};
    if (::stat((mount + group.path()).c_str(), &status) == 0) return static_cast<std::uint64_t>(status.st_ino);
  }
  return fail_errno(group.path() + ": the cgroup is gone", runtime::cgroup::kGone);
}

}  // namespace

CgroupSampler::Network::Network(FileBudget& budget, UniqueFd dev_file, UniqueFd net_directory)
    : budget_(&budget), dev(std::move(dev_file)), directory(std::move(net_directory)) {
  budget.add_fixed(static_cast<std::ptrdiff_t>(open()));
}

CgroupSampler::Network& CgroupSampler::Network::operator=(Network&& other) noexcept {
  std::swap(budget_, other.budget_);
  std::swap(dev, other.dev);
  std::swap(directory, other.directory);
  return *this;
}

CgroupSampler::Network::~Network() {
  if (budget_ != nullptr) budget_->add_fixed(-static_cast<std::ptrdiff_t>(open()));
}

Result<CgroupSampler> CgroupSampler::open(Collection& collection, const Group& group) {
  CgroupSampler sampler(collection, group);
  METE_TRY(sampler.id_, id_of(group));
  std::vector<std::string> v2_controllers;
  if (!group.hierarchies().v2_mount.empty()) {
    // On v2 a controller may be off for this group and on for others. On hybrid a group that somebody else made has no
    // directory there.
    const auto text = runtime::read_file(AT_FDCWD, group.unified_directory() + "/cgroup.controllers");
    std::string_view rest = text ? std::string_view(*text) : std::string_view();
    for (auto word = next_word(rest); !word.empty(); word = next_word(rest)) v2_controllers.emplace_back(word);
  }
  sampler.choose_files(v2_controllers);
  sampler.open_files_again();
  collection.budget_.use(sampler.files_, steady_clock::time_point::min());
  return sampler;
}

void CgroupSampler::choose_files(const std::vector<std::string>& v2_controllers) {
  for (std::size_t index = 0; index < collection_->files_.size(); ++index) {
    const Collection::File& file = collection_->files_[index];
    if (file.absent) continue;
    const SourceFile& source = *file.source;
    const bool off = source.where == Where::kV2 &&
                     std::find(v2_controllers.begin(), v2_controllers.end(), source.controller) == v2_controllers.end();
    if (off) continue;
    if (source.when == When::kSetting) {
      settings_.push_back(static_cast<std::uint16_t>(index));
    } else {
      files_.files().push_back({static_cast<std::uint16_t>(index), UniqueFd()});
    }
  }
}

// Those that are missing stay in the list without a descriptor when they may come back.
void CgroupSampler::open_files_again() {
  const bool root = group_.path() == "/";
  const SourceFile* at = nullptr;  // whose directory is open: a controller's files stand together in the table
  UniqueFd directory;
  auto& files = files_.files();
  for (std::size_t i = 0; i < files.size(); ++i) {
    Collection::File& file = collection_->files_[files[i].index];
    const SourceFile& source = *file.source;
    if (at == nullptr || at->where != source.where || at->controller != source.controller) {
      at = &source;
      directory = UniqueFd(::open(ControlPath(group_, source, "").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
    if (!directory.valid() || file.absent) continue;
    files[i].fd = UniqueFd(::openat(directory.get(), ControlPath(source.file).c_str(), O_RDONLY | O_CLOEXEC));
    if (files[i].fd.valid()) continue;
    if (errno != ENOENT) {
      ++collection_->cost_[file.collector].errors;
    } else if (source.where != Where::kUnified && !root &&
               ::access(ControlPath(group_, source, "").c_str(), F_OK) == 0) {
      // Root groups lack files that others have, and cgroup.pressure can hide a group's pressure files.
      file.absent = true;
    }
  }
}

template <class Parse>
CgroupSampler::FileRead CgroupSampler::read_text(int fd, bool whole, Parse parse) {
  char buffer[kStackBuffer];  // NOLINT(modernize-avoid-c-arrays): not cleared before each read
  std::size_t used = 0;
  ssize_t got = read_at(fd, buffer, sizeof buffer, 0);
  // Files that are lists come in pieces, the others in one read unless they are larger than the buffer.
  while (got > 0) {
    used += static_cast<std::size_t>(got);
    if (used == sizeof buffer || !whole) break;
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

CgroupSampler::Outcome CgroupSampler::read_counters() {
  auto begin = sample_.at;
  const auto& files = files_.files();
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Collection::File& file = collection_->files_[files[i].index];
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

void CgroupSampler::read_settings() {
  auto begin = steady_clock::now();
  for (std::size_t i = 0; i < settings_.size(); ++i) {
    Collection::File& file = collection_->files_[settings_[i]];
    CollectionCost& cost = collection_->cost_[file.collector];
    if (!file.absent) {
      const UniqueFd fd(::open(ControlPath(group_, *file.source, file.source->file).c_str(), O_RDONLY | O_CLOEXEC));
      if (fd.valid()) {
        read_file(file, fd.get());
      } else if (errno == ENOENT) {
        const bool there = ::access(ControlPath(group_, *file.source, "").c_str(), F_OK) == 0;
        if (group_.path() != "/" && there) file.absent = true;
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
  if (!network_.directory.valid()) return;
  for (const Collection::NetFile& file : collection_->net_files_) {
    begin = now;
    CollectionCost& own = collection_->cost_[file.collector];
    // Without its process the directory is empty: what was read last stands.
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
  const UniqueFd fd(::open(ControlPath(group_, collection_->procs_, "cgroup.procs").c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return;
  ++cost.files;
  const auto read = read_text(fd.get(), true, [&](std::string_view pids, Sample& into) {
    if (collection_->count_processes_) {
      into.pids.processes = static_cast<std::uint64_t>(std::count(pids.begin(), pids.end(), '\n'));
    }
    cost.files += walk_->run(collection_->proc_.get(), pids, begin, into);
    return true;
  });
  // The processes of a threaded cgroup are listed at the top of its tree alone: EOPNOTSUPP.
  if (read == FileRead::kFailed && errno != EOPNOTSUPP) ++cost.errors;
  cost.time += steady_clock::now() - begin;
}

CgroupSampler::Outcome CgroupSampler::read() {
  const auto at = steady_clock::now();
  const auto wall_time = std::chrono::system_clock::now();
  const auto before = sample_.at;
  if (!files_.kept()) {
    open_files_again();
    const auto id = id_of(group_);
    if (!id || *id != id_) {
      for (auto& file : files_.files()) file.fd.reset();
      return Outcome::kGone;
    }
  }
  sample_.at = at;
  const Outcome outcome = read_counters();
  collection_->budget_.use(files_, at);
  if (outcome == Outcome::kGone) {
    sample_.at = before;
    return Outcome::kGone;
  }
  sample_.wall_time = wall_time;
  collection_->devices_.name(sample_.devices);
  collection_->devices_.name(sample_.device_details);
  if (network_.dev.valid()) read_network();
  // After the counters: their open files would have told if another group had taken this one's path.
  if (!settings_at_ || at - *settings_at_ >= collection_->options_.settings_for) {
    read_settings();
    settings_at_ = at;
  }
  if (collection_->processes_.any()) {
    if (!walk_) walk_ = std::make_unique<ProcessWalk>(collection_->processes_);
    read_processes();
  }
  return Outcome::kRead;
}

Status CgroupSampler::watch_network(pid_t pid) {
  sample_.interfaces.clear();
  sample_.sockets.reset();
  network_ = Network();
  if (pid <= 0 || !collection_->network_) return {};
  const std::string path = collection_->options_.proc + "/" + std::to_string(pid) + "/net";
  METE_TRY(UniqueFd dev, runtime::open_at(AT_FDCWD, path + "/dev", O_RDONLY));
  UniqueFd directory;
  if (!collection_->net_files_.empty()) {
    METE_TRY(directory, runtime::open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY));
  }
  network_ = Network(collection_->budget_, std::move(dev), std::move(directory));
  return {};
}

std::size_t CgroupSampler::open_files() const {
  const auto& files = files_.files();
  const auto open = std::count_if(files.begin(), files.end(), [](const auto& file) { return file.fd.valid(); });
  return static_cast<std::size_t>(open) + network_.open();
}

}  // namespace mete::collectors
