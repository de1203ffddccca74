// SPDX-License-Identifier: Apache-2.0
// What `mete apply` stores: objects in files of the agent's own folder, one each.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/pods/manifests/document_objects.h"
#include "agent/pods/manifests/manifests.h"
#include "config/model/immutable.h"
#include "runtime/file.h"

namespace mete::agent {

std::vector<AppliedObject> Manifests::applied(const config::Selector& selector) const {
  std::vector<AppliedObject> found;
  const auto add = [&](const std::string& kind, const config::ObjectMeta& metadata) {
    if (config::matches(selector, metadata.labels)) found.push_back({kind, metadata.namespace_, metadata.name, {}});
  };
  for (const auto& [path, file] : files_) {
    if (!path.starts_with(settings_.applied() + "/")) continue;
    for_each_object(file.good(), add);
    for (const auto& plan : file.planned) add("Pod", plan->pod.metadata);
  }
  return found;
}

std::string Manifests::applied_file(const AppliedObject& object) const {
  const std::string path = settings_.applied() + "/" + object.file_name();
  return files_.contains(path) ? path : std::string();
}

std::string Manifests::text_of(const AppliedObject& object) const {
  const auto text = runtime::read_file(AT_FDCWD, settings_.applied() + "/" + object.file_name());
  return text ? *text : std::string();
}

// Takes over the object that apply() has stored at `path`.
void Manifests::take(const std::string& path, const AppliedObject& object) {
  auto& file = file_at(path);
  file.read = object.read;
  file.planned.clear();
  config::move_to(*file.read, path, 1 - object.first_line);
  file.broken = false;
  struct stat info {};
  file.stored = ::stat(path.c_str(), &info) == 0 ? std::optional(version_of(info)) : std::nullopt;
}

std::vector<config::Diagnostic> Manifests::forbidden(const std::vector<AppliedObject>& objects) const {
  std::vector<config::Diagnostic> errors;
  for (const auto& object : objects) {
    const auto known = files_.find(settings_.applied() + "/" + object.file_name());
    if (known == files_.end()) continue;
    for (auto& each : config::forbidden_changes(known->second.good(), object.read)) errors.push_back(std::move(each));
  }
  return errors;
}

Status Manifests::apply(const std::vector<AppliedObject>& objects) {
  constexpr auto kDurable = runtime::Durability::durable;
  std::map<std::string, const AppliedObject*> files;
  for (const auto& object : objects) files[settings_.applied() + "/" + object.file_name()] = &object;
  // A full disk is detected here, before anything has changed.
  for (const auto& [path, object] : files) {
    if (auto staged = runtime::stage_file(path, object->text, 0600, kDurable); !staged) {
      for (const auto& [each, unused] : files) runtime::unstage_file(each);
      return staged;
    }
  }
  Status done;
  for (const auto& [path, object] : files) {
    if (done) done = runtime::commit_file(path, kDurable);
    if (done) {
      take(path, *object);
    } else {
      // It may be in place all the same, only not synced.
      runtime::unstage_file(path);
      (void)read_manifest(path);
    }
  }
  assemble();
  return done;
}

Status Manifests::remove(const std::vector<AppliedObject>& objects) {
  for (const auto& object : objects) {
    const std::string path = settings_.applied() + "/" + object.file_name();
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("remove " + path);
    files_.erase(path);
  }
  assemble();
  return {};
}

}  // namespace mete::agent
