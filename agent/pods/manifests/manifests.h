// SPDX-License-Identifier: Apache-2.0
// The source of the desired state: the watched folders, and the objects stored by `mete apply`. A file with an error
// changes nothing: its last good version stays in force; a pod that ran when the agent started is left running. So does
// a file without any content.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/asio.h"
#include "agent/base/event.h"
#include "agent/base/file_watcher.h"
#include "agent/base/settings.h"
#include "agent/pods/record/pod_identity.h"
#include "config/reading/yaml/yaml_reader.h"
#include "config/resolve/desired_state.h"

namespace mete::agent {

// One object as `mete apply` stores it: APPLIED/Pod.default.web.yaml holds its document verbatim. The parsed object is
// kept with the text, so that the text is parsed once: when the request arrives.
struct AppliedObject {
  std::string kind;
  std::string namespace_;
  std::string name;
  std::string text;
  int first_line = 1;           // of `text` in the manifest that was given
  config::Documents read = {};  // of `text`; its locations are in the manifest that was given
  [[nodiscard]] std::string file_name() const { return kind + "." + namespace_ + "." + name + ".yaml"; }
  [[nodiscard]] std::string shown() const { return kind + " " + namespace_ + "/" + name; }
};

// The objects of a manifest text, one per document. Errors and warnings are those of read_documents.
struct ParsedManifest {
  std::vector<AppliedObject> objects;
  std::vector<config::ObjectMeta> claims;  // Documents::claims
  std::vector<config::Diagnostic> errors;
  std::vector<config::Diagnostic> warnings;
  [[nodiscard]] bool ok() const { return errors.empty(); }
};
[[nodiscard]] ParsedManifest parse_manifest(std::string_view text, const std::string& file);

class Manifests {
 public:
  Manifests(asio::io_context& loop, const Settings& settings, FileWatcher& watcher, EventLog& events);

  // Reads and watches all folders; a missing folder is made. `changed` is called from the loop, some milliseconds after
  // the last change of a burst.
  [[nodiscard]] Status open(std::function<void()> changed);

  [[nodiscard]] const config::DesiredState& desired() const { return desired_; }
  // Of desired().pods, in their order.
  [[nodiscard]] const std::vector<PlanHashes>& hashes() const { return hashes_; }
  // True: the pod's manifest cannot be read now, or its references are broken. The running pod must be left alone.
  [[nodiscard]] bool undecided(const std::string& source, const std::string& pod_key) const;

  // The desired state as it would be with `objects` applied (added or replaced), or deleted.
  [[nodiscard]] config::DesiredState with(const std::vector<AppliedObject>& objects) const;
  // What of these may not be applied, because what was applied before is immutable.
  [[nodiscard]] std::vector<config::Diagnostic> forbidden(const std::vector<AppliedObject>& objects) const;
  // Stores the objects. desired() is updated when the call returns. On an error the desired state is unchanged.
  [[nodiscard]] Status apply(const std::vector<AppliedObject>& objects);
  // The file that `mete apply` stored the object in; empty when there is none.
  [[nodiscard]] std::string applied_file(const AppliedObject& object) const;
  [[nodiscard]] Status remove(const std::vector<AppliedObject>& objects);
  // What was applied and has these labels.
  [[nodiscard]] std::vector<AppliedObject> applied(const config::Selector& selector) const;
  // The text that the object was read from, for `mete diff`; empty when unknown.
  [[nodiscard]] std::string text_of(const AppliedObject& object) const;

  // The spec of a Pod as JSON, from the file that it was read from; empty when it is not there any more.
  [[nodiscard]] static std::string spec_of(const std::string& file, const std::string& space, const std::string& name);

 private:
  // The version of a file that apply() stored, by stat(2): the inotify event that follows need not read the file again.
  // A file that another program has written differs in one of the fields.
  struct Version {
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::chrono::nanoseconds changed{0};
    bool operator==(const Version&) const = default;
  };
  struct File {
    // The last version without an error, less the Pods of `planned`; empty: nothing is left of it.
    Box<config::Documents> read;
    // What desired() has made of its Pods. They are kept once, with 1,000 of them that saves 4 MiB.
    std::vector<config::SharedPlan> planned = {};
    std::optional<Version> stored = {};
    bool broken = false;      // the present version has errors
    bool empty = false;       // the present version has no object, nor anything else
    std::uint64_t order = 0;  // order of first appearance: when two files use a name, the earlier one keeps it

    [[nodiscard]] const config::Documents& good() const;
  };
  [[nodiscard]] static Version version_of(const struct stat& info);
  File& file_at(const std::string& path);
  void take(const std::string& path, const AppliedObject& object);
  [[nodiscard]] Status watch(const std::string& folder);
  void watch_again();
  void settle_after(std::chrono::milliseconds delay);
  void settled();
  void read_folder(const std::string& folder);
  // False: what it holds is known.
  bool read_manifest(const std::string& path);
  void assemble();
  void keep_plans();
  void note(const std::string& folder, std::string_view name, std::uint32_t mask);
  void report(const std::vector<config::Diagnostic>& diagnostics, Severity severity);

  const Settings& settings_;
  FileWatcher& watcher_;
  EventLog& events_;
  Timer settle_;
  std::function<void()> changed_;
  std::map<std::string, File> files_;
  std::uint64_t next_order_ = 1;
  std::map<std::string, int> watches_;  // by folder; -1: the folder does not exist
  std::set<std::string> dirty_;
  bool rescan_ = false;
  config::DesiredState desired_;
  std::vector<PlanHashes> hashes_;
  std::set<std::string> reported_;
  Alive alive_;
};

}  // namespace mete::agent
