// SPDX-License-Identifier: Apache-2.0
// `mete mount-for-agent`: one mount, in a process that the agent can give up (agent/pods/volume_mounts.h).
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

#include "agent/cli/command_line.h"
#include "runtime/file.h"
#include "runtime/json.h"
#include "runtime/storage/disk_mounts.h"
#include "runtime/storage/nfs_mount.h"

namespace mete::agent::cli {
namespace {

using MountJson = nlohmann::json;

Status mount_as_asked(const MountJson& request) {
  const auto text = [&](const char* name) { return request.value(name, std::string()); };
  const bool read_only = request.value("readOnly", false);
  if (text("kind") == "nfs")
    return runtime::storage::mount_nfs({text("server"), text("path"), read_only}, text("target"));
  const config::DiskVolume disk{
      .kind = {}, .link = text("link"), .file_system = text("fileSystem"), .read_only = read_only};
  METE_TRY(const std::string mounted, runtime::storage::mount_disk(disk, text("device"), text("folder"), text("uid")));
  (void)mounted;
  return {};
}

int mount_for_agent() {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);  // it ends with the agent
  const auto text = runtime::read_all(STDIN_FILENO, "standard input");
  const auto request = MountJson::parse(text.value_or(""), nullptr, false);
  const Status mounted = request.is_object() ? mount_as_asked(request) : fail("found no request on standard input");
  const MountJson answer = {{"error", mounted ? "" : mounted.error().what}};
  const std::string line = answer.dump(-1, ' ', false, MountJson::error_handler_t::replace) + "\n";
  if (const auto written = runtime::write_all(STDOUT_FILENO, line); !written) return kFailed;
  return mounted ? kDone : kFailed;
}

}  // namespace

void add_mount(CommandLine& line) {
  line.add({"mount-for-agent", "Mount a volume for the agent", ""}, [] { return mount_for_agent(); });
}

}  // namespace mete::agent::cli
