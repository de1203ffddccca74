// SPDX-License-Identifier: Apache-2.0
// The source of the desired state: the watched folders, and the objects stored by `mete apply`. A file with an error
// changes nothing: its last good version stays in force; a pod that ran when the agent started is left running.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/asio.h"
#include "agent/base/event.h"
#include "agent/base/file_watcher.h"
#include "agent/base/settings.h"
#include "config/desired_state.h"
#include "config/reading/yaml_reader.h"

namespace mete::agent {

// One object as `mete apply` stores it: APPLIED/Pod.default.web.yaml holds its document verbatim.
struct AppliedObject {
  std::string kind;
  std::string namespace_;
  std::string name;
  std::string text;
  int first_line = 1;
  [[nodiscard]] std::string file_name() const { return kind + "." + namespace_ + "." + name + ".yaml"; }
  [[nodiscard]] std::string shown() const { return kind + " " + namespace_ + "/" + name; }
};

// The objects of a manifest text, one per document. Errors are those of read_documents.
struct ParsedManifest {
  std::vector<AppliedObject> objects;
  config::Documents documents;
};
[[nodiscard]] ParsedManifest parse_manifest(std::string_view text, const std::string& file);

class Manifests {
 public:
  Manifests(asio::io_context& loop, const Settings& settings, FileWatcher& watcher, EventLog& events);

  // Reads and watches all folders; a missing folder is made. `changed` is called from the loop, some milliseconds after
  // the last change of a burst.
  [[nodiscard]] Status open(std::function<void()> changed);

  [[nodiscard]] const config::DesiredState& desired() const { return desired_; }
  // True: the pod's manifest cannot be read now, or its references are broken. The running pod must be left alone.
  [[nodiscard]] bool undecided(const std::string& source, const std::string& pod_key) const;

  // The desired state as it would be with `objects` applied (added or replaced), or deleted.
  [[nodiscard]] config::DesiredState with(const std::vector<AppliedObject>& objects) const;
  // Stores the objects. desired() is updated when the call returns. On an error the desired state is unchanged.
  [[nodiscard]] Status apply(const std::vector<AppliedObject>& objects);
  // The file that `mete apply` stored the object in; empty when there is none.
  [[nodiscard]] std::string applied_file(const AppliedObject& object) const;
  [[nodiscard]] Status remove(const std::vector<AppliedObject>& objects);
  // The text that the object was read from, for `mete diff`; empty when unknown.
  [[nodiscard]] std::string text_of(const AppliedObject& object) const;

 private:
  struct File {
    config::Documents good;   // the last version without an error
    bool broken = false;      // the present version has errors
    std::uint64_t order = 0;  // order of first appearance: when two files use a name, the earlier one keeps it
  };
  [[nodiscard]] Status watch(const std::string& folder);
  void watch_again();
  void settle_after(std::chrono::milliseconds delay);
  void settled();
  void read_folder(const std::string& folder);
  void read_manifest(const std::string& path);
  void assemble();
  void note(const std::string& folder, std::string_view name, std::uint32_t mask);
  void report(const std::vector<config::Diagnostic>& diagnostics, Severity severity);

  const Settings& settings_;
  FileWatcher& watcher_;
  EventLog& events_;
  asio::steady_timer settle_;
  std::function<void()> changed_;
  std::map<std::string, File> files_;
  std::uint64_t next_order_ = 1;
  std::map<std::string, int> watches_;  // by folder; -1: the folder does not exist
  std::set<std::string> dirty_;
  bool rescan_ = false;
  config::DesiredState desired_;
  std::set<std::string> reported_;
  Alive alive_;
};

}  // namespace mete::agent
