// SPDX-License-Identifier: Apache-2.0
// Which requests change something, and which of them the read-only socket answers. Pure.
#pragma once

#include <string>
#include <string_view>

namespace mete::agent::docker {

// "/containers/web/kill" after the version. Waiting, resizing and looking change nothing.
[[nodiscard]] bool changes_something(std::string_view method, std::string_view path);

// For dashboards: lists, inspection, statistics, logs and events. Neither attach and exec, nor what hands out files of
// containers and images, which may be secrets.
[[nodiscard]] bool is_for_dashboards(std::string_view method, std::string_view path);

}  // namespace mete::agent::docker
