// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/manifests/manifests.h"

#include <dirent.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "config/model/immutable.h"
#include "runtime/file.h"
#include "runtime/unfinished_files.h"

namespace mete::agent {
namespace {

// An editor saves with several events; a half-written file must not be read.
constexpr auto kSettle = std::chrono::milliseconds(15);
constexpr auto kLookForFolder = std::chrono::milliseconds(500);
constexpr std::size_t kLongestFile = config::kMaxManifestBytes + 1;

// A symbolic link, or another name of a file: complete at once, with no later close event.
bool is_link(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && (S_ISLNK(info.st_mode) || info.st_nlink > 1);
}

bool is_manifest_name(std::string_view name) {
  if (name.empty() || name.front() == '.') return false;
  return name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
}

template <class T>
void append(std::vector<T>& to, std::vector<T> from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

Manifests::Manifests(asio::io_context& loop, const Settings& settings, FileWatcher& watcher, EventLog& events)
    : settings_(settings), watcher_(watcher), events_(events), settle_(loop) {}

Status Manifests::open(std::function<void()> changed) {
  changed_ = std::move(changed);
  std::vector<std::string> folders = settings_.manifests;
  folders.push_back(settings_.applied());
  runtime::remove_unfinished(settings_.applied());  // the other folders are people's
  for (const auto& folder : folders) {
    METE_CHECK(runtime::make_directories(folder));
    METE_CHECK(watch(folder));
    read_folder(folder);
  }
  assemble();
  return {};
}

// Adds the watch before reading the folder, so that no change is missed in between.
Status Manifests::watch(const std::string& folder) {
  constexpr std::uint32_t kEvents =
      IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_MOVE_SELF | IN_DELETE_SELF;
  METE_TRY(watches_[folder], watcher_.watch(folder, kEvents, [this, folder](std::string_view name, std::uint32_t mask) {
    note(folder, name, mask);
  }));
  return {};
}

// A folder may have been removed, or another one moved to its name: watches the folders anew.
void Manifests::watch_again() {
  for (auto& [folder, id] : watches_) {
    if (id >= 0) watcher_.forget(id);
    id = -1;
    if (!watch(folder)) id = -1;
  }
}

void Manifests::note(const std::string& folder, std::string_view name, std::uint32_t mask) {
  const std::string path = folder + "/" + std::string(name);
  if ((mask & (IN_Q_OVERFLOW | IN_IGNORED | IN_MOVE_SELF | IN_DELETE_SELF)) != 0) {
    rescan_ = true;
  } else if (!is_manifest_name(name) || ((mask & IN_CREATE) != 0 && !is_link(path))) {
    return;  // a new file is read when its writer closes it
  } else {
    dirty_.insert(path);
  }
  settle_after(kSettle);
}

void Manifests::settle_after(std::chrono::milliseconds delay) {
  settle_.expires_after(delay);
  settle_.async_wait(alive_.guard([this] { settled(); }));
}

void Manifests::settled() {
  bool changed = std::exchange(rescan_, false);
  if (changed) {
    watch_again();
    for (const auto& [folder, id] : watches_) read_folder(folder);
  }
  // What apply() and remove() did themselves is reported by inotify, too, and is known.
  for (const auto& path : std::exchange(dirty_, {})) changed = read_manifest(path) || changed;
  if (changed) {
    assemble();
    changed_();
  }
  const bool missing = std::any_of(watches_.begin(), watches_.end(), [](const auto& each) { return each.second < 0; });
  if (!missing) return;
  // Polls until the folder exists again; inotify does not report that.
  rescan_ = true;
  settle_after(kLookForFolder);
}

void Manifests::read_folder(const std::string& folder) {
  std::set<std::string> present;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (is_manifest_name(entry.path().filename().string())) present.insert(entry.path().string());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    events_.add({.severity = Severity::kWarning,
                 .reason = name_of(Reason::kManifestsUnreadable),
                 .message = folder + ": " + error.message()});
    return;
  }
  for (auto at = files_.begin(); at != files_.end();) {
    const bool here =
        at->first.starts_with(folder + "/") && at->first.find('/', folder.size() + 1) == std::string::npos;
    at = here && !present.contains(at->first) ? files_.erase(at) : std::next(at);
  }
  for (const auto& path : present) (void)read_manifest(path);
}

Manifests::Version Manifests::version_of(const struct stat& info) {
  return {info.st_ino, info.st_size,
          std::chrono::seconds(info.st_ctim.tv_sec) + std::chrono::nanoseconds(info.st_ctim.tv_nsec)};
}

Manifests::File& Manifests::file_at(const std::string& path) {
  auto& file = files_[path];
  if (file.order == 0) file.order = next_order_++;
  return file;
}

bool Manifests::read_manifest(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 && errno == ENOENT) return files_.erase(path) > 0;
  const auto known = files_.find(path);
  if (known != files_.end() && known->second.stored == version_of(info)) return false;
  // A pipe would block until its writer appears.
  const bool plain = S_ISREG(info.st_mode);
  const auto text =
      plain ? runtime::read_file(AT_FDCWD, path, kLongestFile) : fail(path + ": found no plain file, expected one");
  auto& file = file_at(path);
  file.stored.reset();
  if (!text) {
    file.broken = true;
    events_.add(
        {.severity = Severity::kWarning, .reason = name_of(Reason::kManifestUnreadable), .message = text.error().what});
    return true;
  }
  // Emptied by an editor that is about to write it, or by mistake.
  const bool was_empty = std::exchange(file.empty, config::split_documents(*text).empty());
  if (file.empty) {
    file.broken = false;
    if (!was_empty && (file.good().has_objects() || !file.planned.empty()))
      events_.add({.severity = Severity::kWarning,
                   .reason = name_of(Reason::kManifestEmpty),
                   .message = path + ": found no object, expected one; what it held stays until the file is removed"});
    return true;
  }
  auto documents = config::read_documents(*text, path);
  append(documents.errors, config::forbidden_changes(file.good(), documents));
  file.broken = !documents.ok();
  report(documents.errors, Severity::kWarning);
  if (file.broken) return true;
  file.read = std::move(documents);
  file.planned.clear();
  return true;
}

void Manifests::report(const std::vector<config::Diagnostic>& diagnostics, Severity severity) {
  for (const auto& each : diagnostics) {
    events_.add(
        {.severity = severity,
         .reason = severity == Severity::kWarning ? name_of(Reason::kManifestError) : name_of(Reason::kManifestWarning),
         .message = config::to_string(each)});
  }
}

void Manifests::assemble() {
  const auto before = std::exchange(desired_, with({}));
  hashes_ = hashes_of(desired_.pods, before.pods, hashes_);
  keep_plans();
  // Diagnostics of an unchanged file are reported once.
  std::set<std::string> said;
  const auto say = [&](const std::vector<config::Diagnostic>& diagnostics, Severity severity) {
    for (const auto& each : diagnostics) {
      const std::string text = config::to_string(each);
      if (!reported_.contains(text)) report({each}, severity);
      said.insert(text);
    }
  };
  say(desired_.errors, Severity::kWarning);
  say(desired_.warnings, Severity::kNormal);
  reported_ = std::move(said);
}

bool Manifests::undecided(const std::string& source, const std::string& pod_key) const {
  if (const auto file = files_.find(source); file != files_.end() && (file->second.broken || file->second.empty))
    return true;
  return std::any_of(desired_.rejected.begin(), desired_.rejected.end(),
                     [&](const config::RejectedPod& each) { return config::full_name(each.pod.metadata) == pod_key; });
}

const config::Documents& Manifests::File::good() const {
  static const config::Documents kNothing;
  return read ? *read : kNothing;
}

// A Pod without a plan stays with its document: what stands in its way is found again there.
void Manifests::keep_plans() {
  for (auto& [path, file] : files_) file.planned.clear();
  for (const auto& plan : desired_.pods) {
    const auto file = files_.find(plan->pod.location.file);
    if (file != files_.end()) file->second.planned.push_back(plan);
  }
  const auto place = [](const config::Pod& pod) { return std::pair(pod.location.line, pod.location.column); };
  for (auto& [path, file] : files_) {
    if (!file.read) continue;
    auto& rest = *file.read;
    std::erase_if(rest.pods, [&, &planned = file.planned](const config::Pod& pod) {
      return std::any_of(planned.begin(), planned.end(),
                         [&](const config::SharedPlan& plan) { return place(plan->pod) == place(pod); });
    });
    rest.pods.shrink_to_fit();
    if (!rest.has_objects() && rest.warnings.empty()) file.read.reset();
  }
}

config::DesiredState Manifests::with(const std::vector<AppliedObject>& objects) const {
  static const std::vector<config::SharedPlan> kNone;
  std::map<std::pair<std::uint64_t, std::string>, config::KnownFile> all;
  for (const auto& [path, file] : files_) all[{file.order, path}] = {&file.good(), &file.planned};
  for (const auto& object : objects) {
    const std::string path = settings_.applied() + "/" + object.file_name();
    const auto known = files_.find(path);
    all[{known == files_.end() ? next_order_ : known->second.order, path}] = {&object.read, &kNone};
  }
  std::vector<config::KnownFile> files;
  files.reserve(all.size());
  for (const auto& [order, each] : all) files.push_back(each);
  return config::assemble(files);
}

std::string Manifests::spec_of(const std::string& file, const std::string& space, const std::string& name) {
  const auto text = runtime::read_file(AT_FDCWD, file, kLongestFile);
  return text ? config::pod_spec_json(*text, space, name) : std::string();
}

}  // namespace mete::agent
