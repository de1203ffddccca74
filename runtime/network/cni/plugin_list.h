// SPDX-License-Identifier: Apache-2.0
// A network configuration of the Container Network Interface: a list of plugins (*.conflist) or a single one (*.conf),
// as data. Source: CNI specification 1.1.0, section 1. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::network::cni {

struct Plugin {
  std::string type;                    // the name of its program
  std::string text;                    // its own configuration, a JSON object
  std::set<std::string> capabilities;  // what it takes in runtimeConfig
};

struct PluginList {
  std::string name;                   // of the network
  std::vector<std::string> versions;  // of the specification that it is written for: one at least
  bool disable_check = false;
  bool disable_gc = false;
  std::vector<Plugin> plugins;  // one at least, in the order of ADD
};

// `shown`: the file, for errors. The error names the field.
[[nodiscard]] Result<PluginList> parse_list(const std::string& text, const std::string& shown);

// Whether one of its plugins takes it.
[[nodiscard]] bool takes(const PluginList& list, const std::string& capability);

// Versions of the specification that mete speaks, the newest first: 0.3.0 to 1.1.0.
[[nodiscard]] const std::vector<std::string>& spoken_versions();
// By their parts as numbers. What is no version comes before all others.
[[nodiscard]] bool is_older(const std::string& version, const std::string& than);

// The answer of a plugin to VERSION.
[[nodiscard]] Result<std::vector<std::string>> parse_versions(const std::string& text);
// The newest version that the list is written for, mete speaks and all plugins understand; where there is none, the
// newest before those of the list. `understood`: of each plugin of the list. The error: there is none.
[[nodiscard]] Result<std::string> choose_version(const PluginList& list,
                                                 const std::vector<std::vector<std::string>>& understood);

}  // namespace mete::runtime::network::cni
