// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/config/home.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/fd.h"

namespace mete::runtime::oci {
namespace {

constexpr std::size_t kLargest = 1 << 20;

// A FIFO or a device is not waited for: the image may have anything there.
std::string read_regular(const UniqueFd& file) {
  struct stat info {};
  if (!file.valid() || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  std::string text(std::min(kLargest, static_cast<std::size_t>(info.st_size)), '\0');
  const ssize_t got = ::read(file.get(), text.data(), text.size());
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

std::string read_below(const char* root, const char* path) {
  const UniqueFd directory(::open(root, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return {};
  struct open_how how {};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return read_regular(UniqueFd(static_cast<int>(::syscall(SYS_openat2, directory.get(), path, &how, sizeof how))));
}

}  // namespace

std::string home_in(std::string_view passwd, std::uint32_t uid) {
  const std::string wanted = std::to_string(uid);
  while (!passwd.empty()) {
    std::string_view line = passwd.substr(0, passwd.find('\n'));
    passwd.remove_prefix(std::min(line.size() + 1, passwd.size()));
    std::string_view fields[6];  // name, password, uid, gid, comment, home
    for (auto& field : fields) {
      field = line.substr(0, line.find(':'));
      line.remove_prefix(std::min(field.size() + 1, line.size()));
    }
    if (fields[2] == wanted && fields[5].starts_with('/')) return std::string(fields[5]);
  }
  return "/";
}

std::string passwd_of(const process::LaunchSpec& launch) {
  for (const auto& masked : launch.masked_paths) {
    if (masked == "/etc/passwd" || masked == "/etc") return {};
  }
  for (auto mount = launch.mounts.rbegin(); mount != launch.mounts.rend(); ++mount) {
    if (mount->type != "bind") continue;
    if (mount->destination == "/etc/passwd")
      return read_regular(UniqueFd(::open(mount->source.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)));
    if (mount->destination == "/etc") return read_below(mount->source.c_str(), "passwd");
  }
  return read_below(launch.rootfs.c_str(), "etc/passwd");
}

std::string passwd_of(pid_t pid) {
  return read_below(("/proc/" + std::to_string(pid) + "/root").c_str(), "etc/passwd");
}

bool has_home(const std::vector<std::string>& env) {
  return std::any_of(env.begin(), env.end(), [](const std::string& each) { return each.starts_with("HOME="); });
}

}  // namespace mete::runtime::oci
