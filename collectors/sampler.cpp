// SPDX-License-Identifier: Apache-2.0
#include "collectors/sampler.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "collectors/parse.h"
#include "runtime/file.h"

namespace mete::collectors {
namespace {

using runtime::UniqueFd;
using runtime::cgroup::Group;
using runtime::cgroup::Hierarchies;
using std::chrono::steady_clock;

constexpr std::size_t kStackBuffer = 16'384;  // memory.stat of a large machine has 4 to 8 KiB

bool is_possible(const SourceFile& source, const Hierarchies& hierarchies, const CollectionOptions& options) {
  if (source.wanted == Wanted::kPerCpu && !options.per_cpu) return false;
  if (source.wanted == Wanted::kProcesses && !options.processes) return false;
  switch (source.where) {
    case Where::kV1:
      return hierarchies.on_v1(source.controller);
    case Where::kV2:
      return hierarchies.on_v2(source.controller) && !hierarchies.on_v1(source.controller);
    case Where::kUnified:
      return !hierarchies.v2_mount.empty();
  }
  return false;
}

ssize_t read_at(int fd, char* buffer, std::size_t size, std::size_t offset) {
  while (true) {
    const ssize_t got = ::pread(fd, buffer, size, static_cast<off_t>(offset));
    if (got >= 0 || errno != EINTR) return got;
  }
}

// mount + group + "/" + file without a heap allocation. A path that does not fit is cut and then not found.
class PathText {
 public:
  PathText(const Group& group, const SourceFile& source) {
    const Hierarchies& all = group.hierarchies();
    add(source.where == Where::kUnified ? std::string_view(all.v2_mount) : all.mount_of(source.controller));
    if (group.path() != "/") add(group.path());
    add("/");
    add(source.file);
    text_[used_] = '\0';
  }
  [[nodiscard]] const char* c_str() const { return text_.data(); }

 private:
  void add(std::string_view part) { used_ += part.copy(text_.data() + used_, text_.size() - 1 - used_); }
  std::array<char, 4096> text_;
  std::size_t used_ = 0;
};

}  // namespace

Collection::Collection(const Hierarchies& hierarchies, CollectionOptions options)
    : options_(std::move(options)), devices_(options_.proc) {
  for (const Collector& collector : options_.collectors) {
    const auto index = static_cast<std::uint16_t>(cost_.size());
    cost_.push_back({.collector = collector.name});
    for (const SourceFile& source : collector.files) {
      if (is_possible(source, hierarchies, options_)) files_.push_back({&source, index});
    }
  }
  cost_.push_back({.collector = "network"});
}

std::string CgroupSampler::directory_of(const SourceFile& source) const {
  return source.where == Where::kUnified ? group_.unified_directory() : group_.directory(source.controller);
}

Result<CgroupSampler> CgroupSampler::open(Collection& collection, const Group& group) {
  CgroupSampler sampler(collection, group);
  std::vector<std::string> v2_controllers;
  if (!group.hierarchies().v2_mount.empty()) {
    // On v2 a controller may be off for this group and on for others. On hybrid a group that somebody else made has no
    // directory there.
    const auto text = runtime::read_file(AT_FDCWD, group.unified_directory() + "/cgroup.controllers");
    std::string_view rest = text ? std::string_view(*text) : std::string_view();
    for (auto word = next_word(rest); !word.empty(); word = next_word(rest)) v2_controllers.emplace_back(word);
  }
  sampler.open_files_of(v2_controllers);
  if (sampler.open_.empty()) return fail_errno(group.path() + ": the cgroup is gone", runtime::cgroup::kGone);
  return sampler;
}

void CgroupSampler::open_files_of(const std::vector<std::string>& v2_controllers) {
  const bool root = group_.path() == "/";
  std::string at;  // the directory `directory` is open on: a controller's files stand together in the table
  UniqueFd directory;
  for (std::size_t index = 0; index < collection_->files_.size(); ++index) {
    Collection::File& file = collection_->files_[index];
    if (file.absent) continue;
    const SourceFile& source = *file.source;
    const bool off = source.where == Where::kV2 &&
                     std::find(v2_controllers.begin(), v2_controllers.end(), source.controller) == v2_controllers.end();
    if (off) continue;
    if (source.when == When::kSetting) {
      settings_.push_back(static_cast<std::uint16_t>(index));
      continue;
    }
    if (std::string wanted = directory_of(source); wanted != at) {
      at = std::move(wanted);
      directory = UniqueFd(::open(at.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
    if (!directory.valid()) continue;
    UniqueFd fd(::openat(directory.get(), std::string(source.file).c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.valid()) {
      open_.push_back({static_cast<std::uint16_t>(index), std::move(fd)});
    } else if (errno != ENOENT) {
      ++collection_->cost_[file.collector].errors;
    } else if (source.where != Where::kUnified && !root && ::access(at.c_str(), F_OK) == 0) {
      // Root groups lack files that others have, and cgroup.pressure can hide a group's pressure files.
      file.absent = true;
    }
  }
}

CgroupSampler::FileRead CgroupSampler::read_text(int fd, bool whole, Parser parse) {
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
  const FileRead read = read_text(fd, file.source->wanted == Wanted::kProcesses, file.source->parse);
  ++cost.files;
  if (read == FileRead::kFailed) ++cost.errors;
  return read;
}

CgroupSampler::Outcome CgroupSampler::read_counters() {
  auto begin = sample_.at;
  for (std::size_t i = 0; i < open_.size(); ++i) {
    const Collection::File& file = collection_->files_[open_[i].file];
    if (read_file(file, open_[i].fd.get()) == FileRead::kGone) return Outcome::kGone;
    const bool last = i + 1 == open_.size() || collection_->files_[open_[i + 1].file].collector != file.collector;
    if (last) {
      const auto now = steady_clock::now();
      collection_->cost_[file.collector].time += now - begin;
      begin = now;
    }
  }
  return Outcome::kRead;
}

void CgroupSampler::read_settings() {
  for (const std::uint16_t index : settings_) {
    Collection::File& file = collection_->files_[index];
    if (file.absent) continue;
    CollectionCost& cost = collection_->cost_[file.collector];
    const auto begin = steady_clock::now();
    const PathText path(group_, *file.source);
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.valid()) {
      read_file(file, fd.get());
    } else if (errno == ENOENT) {
      if (group_.path() != "/" && group_.exists()) file.absent = true;
    } else {
      ++cost.errors;
    }
    cost.time += steady_clock::now() - begin;
  }
}

void CgroupSampler::read_network() {
  CollectionCost& cost = collection_->cost_.back();
  const auto begin = steady_clock::now();
  ++cost.files;
  if (read_text(network_.get(), true, parse_net_dev) != FileRead::kDone) ++cost.errors;
  cost.time += steady_clock::now() - begin;
}

CgroupSampler::Outcome CgroupSampler::read() {
  const auto at = steady_clock::now();
  const auto wall_time = std::chrono::system_clock::now();
  const auto before = sample_.at;
  sample_.at = at;
  if (read_counters() == Outcome::kGone) {
    sample_.at = before;
    return Outcome::kGone;
  }
  sample_.wall_time = wall_time;
  collection_->devices_.name(sample_.devices);
  if (network_.valid()) read_network();
  // After the counters: their open files would have told if another group had taken this one's path.
  if (!settings_at_ || at - *settings_at_ >= collection_->options_.settings_for) {
    read_settings();
    settings_at_ = at;
  }
  return Outcome::kRead;
}

Status CgroupSampler::watch_network(pid_t pid) {
  sample_.interfaces.clear();
  network_.reset();
  if (pid <= 0) return {};
  const std::string path = collection_->options_.proc + "/" + std::to_string(pid) + "/net/dev";
  METE_TRY(network_, runtime::open_at(AT_FDCWD, path, O_RDONLY));
  return {};
}

std::size_t CgroupSampler::open_files() const {
  return open_.size() + (network_.valid() ? 1 : 0);
}

}  // namespace mete::collectors
