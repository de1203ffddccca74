// SPDX-License-Identifier: Apache-2.0
#include "runtime/foreign/runtime_program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mete::runtime::foreign {
namespace {

// 0, or the errno of what is in the way.
int executable(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return errno;
  if (!S_ISREG(info.st_mode)) return EACCES;
  return ::access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

}  // namespace

Result<Runtime> find_runtime(const std::string& handler, const std::vector<config::RuntimeProgram>& configured,
                             const std::vector<std::string>& folders) {
  const auto at =
      std::find_if(configured.begin(), configured.end(), [&](const auto& each) { return each.name == handler; });
  Runtime runtime{handler, at == configured.end() ? std::string() : at->path,
                  at == configured.end() ? std::vector<std::string>() : at->args};
  const std::string what = "runtime " + handler;
  if (!runtime.program.empty()) {
    if (const int error = executable(runtime.program); error != 0)
      return fail_errno(what + ": `runtimes` of agent.yaml names " + runtime.program +
                            ", expected a program that can be "
                            "executed",
                        error);
    return runtime;
  }
  std::string looked;
  for (const auto& folder : folders) {
    runtime.program = folder + "/" + handler;
    if (executable(runtime.program) == 0) return runtime;
    looked += (looked.empty() ? "" : ", ") + folder;
  }
  return fail(what + ": found no program \"" + handler + "\" in " + looked +
              ", expected one there, or its path in `runtimes` of agent.yaml");
}

}  // namespace mete::runtime::foreign
