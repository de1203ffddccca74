// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/access.h"

namespace mete::agent::docker {
namespace {

bool is_reading(std::string_view method) {
  return method == "GET" || method == "HEAD";
}

}  // namespace

bool changes_something(std::string_view method, std::string_view path) {
  return !is_reading(method) && !path.ends_with("/wait") && !path.ends_with("/resize") && path != "/auth";
}

bool is_for_dashboards(std::string_view method, std::string_view path) {
  const bool files = path.ends_with("/archive") || path.ends_with("/export") || path.ends_with("/get");
  // attach/ws of a container is a GET that takes its connection over.
  const bool takes_over = path.ends_with("/attach/ws") || path.ends_with("/attach");
  return is_reading(method) && !files && !takes_over;
}

}  // namespace mete::agent::docker
