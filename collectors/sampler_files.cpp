// SPDX-License-Identifier: Apache-2.0
// The part of CgroupSampler that chooses its files and opens them.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "collectors/kernel/control_path.h"
#include "collectors/kernel/parse.h"
#include "collectors/kernel/source_choice.h"
#include "collectors/sampler.h"
#include "runtime/cgroup/abilities.h"
#include "runtime/cgroup/process_files.h"
#include "runtime/file.h"

namespace mete::collectors {

using runtime::UniqueFd;
using runtime::cgroup::Group;
using std::chrono::steady_clock;

namespace {

// Sorts the pids, because cgroup2 does not.
Result<std::vector<pid_t>> pids_of(const char* file) {
  METE_TRY(const std::string text, runtime::read_file(AT_FDCWD, file));
  std::vector<pid_t> pids;
  for (std::string_view rest = text; !rest.empty();) {
    if (const auto pid = parse_u64(trim(next_line(rest)))) pids.push_back(static_cast<pid_t>(*pid));
  }
  std::sort(pids.begin(), pids.end());
  return pids;
}

}  // namespace

// The inode from any directory of the group: on hybrid, foreign groups are not in cgroup2.
Result<std::uint64_t> CgroupSampler::id_of(const Group& group) {
  if (const auto id = group.id()) return *id;
  for (const std::string& mount : group.hierarchies().v1_mounts()) {
    struct stat status {};
    if (::stat((mount + group.path()).c_str(), &status) == 0) return static_cast<std::uint64_t>(status.st_ino);
  }
  return fail_errno(group.path() + ": the cgroup is gone", runtime::cgroup::kGone);
}

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
  sampler.choose_files(runtime::cgroup::enabled_controllers(group));
  sampler.open_files(When::kRunning);
  collection.budget_.use(sampler.files_, steady_clock::time_point::min());
  return sampler;
}

void CgroupSampler::choose_files(const std::vector<std::string>& enabled) {
  for (std::size_t index = 0; index < collection_->files_.size(); ++index) {
    const Collection::File& file = collection_->files_[index];
    if (file.absent) continue;
    const SourceFile& source = *file.source;
    if (is_off(source, enabled)) continue;
    if (source.when == When::kSetting) {
      settings_.push_back(static_cast<std::uint16_t>(index));
    } else {
      files_.files().push_back({static_cast<std::uint16_t>(index), UniqueFd()});
    }
  }
  std::stable_sort(files_.files().begin(), files_.files().end(), [this](const auto& a, const auto& b) {
    return collection_->files_[a.index].source->when < collection_->files_[b.index].source->when;
  });
}

// A missing file that may appear later stays in the list without a descriptor.
void CgroupSampler::open_files(When to) {
  const bool root = group_.path() == "/";
  ControlDirectory directory(group_);
  auto& files = files_.files();
  for (std::size_t i = 0; i < files.size(); ++i) {
    Collection::File& file = collection_->files_[files[i].index];
    const SourceFile& source = *file.source;
    if (source.when > to) break;
    if (file.absent || files[i].fd.valid()) continue;
    files[i].fd = directory.open(source);
    if (files[i].fd.valid()) continue;
    if (errno != ENOENT) {
      ++collection_->cost_[file.collector].errors;
    } else if (source.where != Where::kUnified && !root && directory.exists()) {
      // These files may be missing in one group only: root groups lack some, and cgroup.pressure can hide a group's
      // pressure files.
      file.absent = true;
    }
  }
}

CgroupSampler::Outcome CgroupSampler::open_files_again(When to) {
  open_files(to);
  const auto id = id_of(group_);
  if (id && *id == id_) return Outcome::kRead;
  for (auto& file : files_.files()) file.fd.reset();
  return Outcome::kGone;
}

Status CgroupSampler::watch_network(pid_t pid) {
  sample_.interfaces.clear();
  sample_.sockets.reset();
  network_ = Network();
  network_pid_ = collection_->network_ ? std::max(pid, 0) : 0;
  if (network_pid_ == 0) return {};
  network_id_ = network_namespace_of(pid).value_or(0);
  return open_network();
}

Result<std::uint64_t> CgroupSampler::network_namespace_of(pid_t pid) const {
  const std::string path = collection_->options_.proc + "/" + std::to_string(pid) + "/ns/net";
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return fail_errno(path);
  return static_cast<std::uint64_t>(status.st_ino);
}

// The pid may belong to another process by now. What counts is that it leads to the same namespace.
void CgroupSampler::open_network_again() {
  if (network_pid_ == 0 || network_id_ == 0 || network_.dev.valid()) return;
  const auto id = network_namespace_of(network_pid_);
  if (id && *id == network_id_ && open_network()) read_network();
}

Status CgroupSampler::open_network() {
  const std::string path = collection_->options_.proc + "/" + std::to_string(network_pid_) + "/net";
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

// On v1 a process may be in this group in one hierarchy and in another group in the next. The CPU usage of the one then
// says nothing about the other.
bool CgroupSampler::has_same_processes() const {
  if (group_.hierarchies().v1.empty()) return true;
  std::vector<pid_t> first;
  const SourceFile* at = nullptr;
  for (const auto& file : files_.files()) {
    const SourceFile& source = *collection_->files_[file.index].source;
    const bool is_first = at == nullptr;
    if (!file.fd.valid() || (!is_first && at->where == source.where && at->controller == source.controller)) continue;
    at = &source;
    auto pids = pids_of(ControlPath(group_, source, runtime::cgroup::kProcsFile).c_str());
    if (!pids || (!is_first && *pids != first)) return false;
    if (is_first) first = std::move(*pids);
  }
  return true;
}

}  // namespace mete::collectors
