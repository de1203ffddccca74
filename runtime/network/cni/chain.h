// SPDX-License-Identifier: Apache-2.0
// Runs the plugins of a list one after another: who is called with which environment and which input, and what becomes
// of the answers. Source: CNI specification 1.1.0, sections 2 and 3. Pure: who runs a program is given.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/network/cni/attachment.h"
#include "runtime/network/cni/cni_result.h"
#include "runtime/network/cni/plugin_list.h"

namespace mete::runtime::network::cni {

enum class Command { kAdd, kDel, kCheck, kStatus, kGc, kVersion };
[[nodiscard]] const char* to_string(Command command);  // "ADD"

struct PluginCall {
  std::string type;                      // the name of the program
  std::vector<std::string> environment;  // "CNI_COMMAND=ADD", ...
  std::string input;                     // JSON
};
struct PluginAnswer {
  int code = 0;  // of its exit
  std::string output;
  std::string errors;
};
// The error: it could not be run, took too long or wrote too much.
using RunPlugin = std::function<Result<PluginAnswer>(const PluginCall&)>;

// One that is still in the network, for GC.
struct ValidAttachment {
  std::string container;
  std::string device;
};

// The call of one plugin of the list. `previous`: the result that it gets as prevResult; empty: none.
[[nodiscard]] PluginCall call_of(Command command, const PluginList& list, std::size_t plugin,
                                 const Attachment& attachment, const std::string& previous);

class Chain {
 public:
  // `folders`: of plugins (CNI_PATH).
  Chain(PluginList list, std::vector<std::string> folders, RunPlugin run)
      : list_(std::move(list)), folders_(std::move(folders)), run_(std::move(run)) {}
  [[nodiscard]] const PluginList& list() const { return list_; }

  // Asks each plugin for the versions that it understands.
  [[nodiscard]] Result<std::string> negotiate() const;
  // The attachment has its version. The error is that of the first plugin that fails; who asks calls clean_up() then.
  [[nodiscard]] Result<AddResult> add(const Attachment& attachment) const;
  // In reverse order, up to the first plugin that fails: it is to be tried again.
  [[nodiscard]] Status del(const Attachment& attachment) const;
  // After an ADD that failed: DEL of all plugins, also behind one that fails, and of those that were not reached.
  void clean_up(const Attachment& attachment) const;
  // Whether it still is as ADD has left it. None where the list or the version has no CHECK.
  [[nodiscard]] Status check(const Attachment& attachment) const;
  // Whether the plugins are ready for ADD. None where the version has no STATUS.
  [[nodiscard]] Status status(const std::string& version) const;
  // Has the plugins release what belongs to none of these. None where the list or the version has no GC.
  [[nodiscard]] Status collect_garbage(const std::string& version, const std::vector<ValidAttachment>& valid) const;

 private:
  [[nodiscard]] Result<PluginAnswer> ask(PluginCall call, const char* command) const;
  PluginList list_;
  std::vector<std::string> folders_;
  RunPlugin run_;
};

}  // namespace mete::runtime::network::cni
