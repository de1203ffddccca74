// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/config/read_parts.h"

namespace mete::runtime::oci {
namespace {

std::vector<Hook> read_point(const Node& point) {
  std::vector<Hook> hooks;
  for (const auto& node : point.items()) {
    Hook hook;
    hook.path = node["path"].text();
    if (!hook.path.starts_with('/')) node["path"].bad("\"" + hook.path + "\"", "an absolute path");
    hook.args = node["args"].texts();
    if (const Node env = node["env"]; env.present()) hook.env = env.texts();
    if (const Node timeout = node["timeout"]; timeout.present())
      hook.timeout = std::chrono::seconds(timeout.integer(1, 1, 86'400));
    hooks.push_back(std::move(hook));
  }
  return hooks;
}

}  // namespace

Hooks read_hooks(const Node& node) {
  return {read_point(node["prestart"]),       read_point(node["createRuntime"]), read_point(node["createContainer"]),
          read_point(node["startContainer"]), read_point(node["poststart"]),     read_point(node["poststop"])};
}

}  // namespace mete::runtime::oci
