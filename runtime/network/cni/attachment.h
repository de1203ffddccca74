// SPDX-License-Identifier: Apache-2.0
// A container in a network of plugins: what is kept of it until it has left, so that each DEL says what its ADD said.
// Pure.
#pragma once

#include <map>
#include <string>

#include "config/base/result.h"

namespace mete::runtime::network::cni {

struct Attachment {
  std::string container;  // CNI_CONTAINERID
  std::string space;      // CNI_NETNS: the path of its network namespace
  std::string device;     // CNI_IFNAME
  std::string arguments;  // CNI_ARGS
  // What the runtime offers to plugins that can take it (runtimeConfig): JSON by the name of the capability.
  std::map<std::string, std::string> offers;
  std::string configuration;  // the list as it was at ADD
  std::string version;        // of the specification that was spoken
  std::string result;         // the last answer to ADD; empty: it has not ended well
  bool operator==(const Attachment&) const = default;
};

[[nodiscard]] std::string to_json(const Attachment& attachment);
[[nodiscard]] Result<Attachment> parse_attachment(const std::string& text);

}  // namespace mete::runtime::network::cni
