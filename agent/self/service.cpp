// SPDX-License-Identifier: Apache-2.0
#include "agent/self/service.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "runtime/fd.h"

namespace mete::agent {
namespace {

Result<gid_t> group_id(const std::string& name) {
  constexpr std::size_t kLongest = 1U << 20U;  // a group may have many members
  struct group entry {};
  struct group* found = nullptr;
  std::vector<char> buffer(4096);
  int error = 0;
  while ((error = ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found)) == ERANGE &&
         buffer.size() < kLongest)
    buffer.resize(buffer.size() * 2);
  if (error != 0) return fail_errno("look up group " + name, error);
  if (found == nullptr) return fail("--socket-group: found \"" + name + "\", expected a group of this machine");
  return entry.gr_gid;
}

}  // namespace

Status share_socket(const std::string& socket, const std::string& group) {
  METE_TRY(const gid_t gid, group_id(group));
  constexpr uid_t kSameOwner = static_cast<uid_t>(-1);
  if (::chown(socket.c_str(), kSameOwner, gid) != 0) return fail_errno("give " + socket + " to group " + group);
  if (::chmod(socket.c_str(), 0660) != 0) return fail_errno("change the mode of " + socket);
  return {};
}

Status share_with_dashboards(const std::string& socket, const std::string& group) {
  constexpr const char* kUsual = "mete";
  if (!group.empty()) return share_socket(socket, group);
  return group_id(kUsual) ? share_socket(socket, kUsual) : Status();
}

void tell_service_manager(std::string_view state) {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  struct sockaddr_un address {};
  if (path == nullptr || (*path != '/' && *path != '@') || std::strlen(path) >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path, std::strlen(path));
  if (*path == '@') address.sun_path[0] = '\0';  // an abstract address
  const auto size = static_cast<socklen_t>(offsetof(struct sockaddr_un, sun_path) + std::strlen(path));
  const runtime::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return;
  // An error means that the manager has ended; the agent goes on without it.
  (void)!::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                  reinterpret_cast<const struct sockaddr*>(&address), size);
}

}  // namespace mete::agent
