// SPDX-License-Identifier: Apache-2.0
#include "agent/agent_options.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace mete::agent {
namespace {

// Counter files that may stay open between scrapes. Each takes a page of kernel memory, and the other descriptors are
// needed for everything else.
std::size_t files_kept() {
  constexpr rlim_t kMost = 16'384;
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 512;
  return static_cast<std::size_t>(std::min(limit.rlim_max / 2, kMost));
}

}  // namespace

Result<std::string> shim_path(const Settings& settings) {
  std::string path = settings.shim;
  if (path.empty()) {
    char self[4096];
    const ssize_t length = ::readlink("/proc/self/exe", self, sizeof self);
    if (length <= 0) return fail_errno("read /proc/self/exe");
    const std::string program(self, static_cast<std::size_t>(length));
    const std::string folder = program.substr(0, program.rfind('/'));
    const std::string packaged = folder.substr(0, folder.rfind('/')) + "/libexec/mete/mete-shim";
    path = folder + "/mete-shim";
    if (::access(path.c_str(), F_OK) != 0 && ::access(packaged.c_str(), F_OK) == 0) path = packaged;
  }
  if (::access(path.c_str(), X_OK) != 0) return fail_errno("mete-shim at " + path);
  return path;
}

collectors::ReaderOptions reader_options(const Settings& settings) {
  collectors::ReaderOptions options;
  options.discovery.own_parent = settings.cgroup_parent;
  options.discovery.exported = settings.config.exported;
  options.collection.with = settings.config.collectors.enable;
  options.collection.without = settings.config.collectors.disable;
  options.collection.open_files = files_kept();
  return options;
}

}  // namespace mete::agent
