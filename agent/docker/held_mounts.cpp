// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/held_mounts.h"

#include <fcntl.h>
#include <netdb.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "runtime/file.h"

namespace mete::agent::docker {
namespace {

struct Word {
  const char* name;
  bool clears;
  unsigned long flags;
};
// Of mount(8), those that docker's engine knows; another word is the file system's.
constexpr auto kWords = std::to_array<Word>({
    {"defaults", false, 0},
    {"ro", false, MS_RDONLY},
    {"rw", true, MS_RDONLY},
    {"nosuid", false, MS_NOSUID},
    {"suid", true, MS_NOSUID},
    {"nodev", false, MS_NODEV},
    {"dev", true, MS_NODEV},
    {"noexec", false, MS_NOEXEC},
    {"exec", true, MS_NOEXEC},
    {"sync", false, MS_SYNCHRONOUS},
    {"async", true, MS_SYNCHRONOUS},
    {"dirsync", false, MS_DIRSYNC},
    {"mand", false, MS_MANDLOCK},
    {"nomand", true, MS_MANDLOCK},
    {"noatime", false, MS_NOATIME},
    {"atime", true, MS_NOATIME},
    {"nodiratime", false, MS_NODIRATIME},
    {"diratime", true, MS_NODIRATIME},
    {"relatime", false, MS_RELATIME},
    {"norelatime", true, MS_RELATIME},
    {"strictatime", false, MS_STRICTATIME},
    {"nostrictatime", true, MS_STRICTATIME},
    {"bind", false, MS_BIND},
    {"rbind", false, MS_BIND | MS_REC},
});
constexpr auto kPropagationWords = std::to_array<Word>({
    {"private", false, MS_PRIVATE},
    {"rprivate", false, MS_PRIVATE | MS_REC},
    {"shared", false, MS_SHARED},
    {"rshared", false, MS_SHARED | MS_REC},
    {"slave", false, MS_SLAVE},
    {"rslave", false, MS_SLAVE | MS_REC},
    {"unbindable", false, MS_UNBINDABLE},
    {"runbindable", false, MS_UNBINDABLE | MS_REC},
});

void take_word(const std::string& word, MountWords& words) {
  for (const auto& each : kWords) {
    if (word != each.name) continue;
    words.flags = each.clears ? words.flags & ~each.flags : words.flags | each.flags;
    return;
  }
  for (const auto& each : kPropagationWords) {
    if (word != each.name) continue;
    words.propagation |= each.flags;
    return;
  }
  words.data.append(words.data.empty() ? "" : ",").append(word);
}

// The kernel's clients of NFS and CIFS take an address: "addr=server" becomes "addr=10.0.0.1". Asks for the name.
std::string with_address(const std::string& data) {
  constexpr std::string_view kName = "addr=";
  const auto at = data.starts_with(kName) ? 0 : data.find("," + std::string(kName)) + 1;
  if (at == 0 && !data.starts_with(kName)) return data;
  const auto begin = at + kName.size();
  const auto end = std::min(data.find(',', begin), data.size());
  addrinfo* found = nullptr;
  if (::getaddrinfo(data.substr(begin, end - begin).c_str(), nullptr, nullptr, &found) != 0) return data;
  std::array<char, 64> text{};
  const int failed =
      ::getnameinfo(found->ai_addr, found->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
  ::freeaddrinfo(found);
  return failed != 0 ? data : data.substr(0, begin) + text.data() + data.substr(end);
}

Error mount_error(const HeldMount& mount, const MountWords& words, int code) {
  std::string text = "mount " + mount.device + ":" + mount.path;
  if (words.flags != 0) {
    std::array<char, 32> flags{};
    std::snprintf(flags.data(), flags.size(), ", flags: 0x%lx", words.flags);
    text += flags.data();
  }
  if (!words.data.empty()) text += ", data: " + words.data;
  std::string why = std::strerror(code);
  if (!why.empty() && why.front() >= 'A' && why.front() <= 'Z') why.front() = static_cast<char>(why.front() + 32);
  return {code, "error while mounting volume '" + mount.path + "': failed to mount local volume: " + text + ": " + why};
}

Status mount_one(const HeldMount& mount) {
  if (is_mounted(mount)) return {};
  MountWords words = mount_words(mount.options);
  if (mount.type.starts_with("nfs") || mount.type == "cifs") words.data = with_address(words.data);
  METE_CHECK(runtime::make_directories(mount.path, 0755));
  const char* const path = mount.path.c_str();
  const auto give_up = [&](int code) -> Status {
    (void)::umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
    (void)::rmdir(path);
    return tl::unexpected(mount_error(mount, words, code));
  };
  if (::mount(mount.device.c_str(), path, mount.type.c_str(), words.flags, words.data.c_str()) != 0)
    return give_up(errno);
  if (words.propagation != 0 && ::mount("", path, "", words.propagation, "") != 0) return give_up(errno);
  // A bind takes its other flags in a second call.
  constexpr unsigned long kReadOnlyBind = MS_BIND | MS_RDONLY;
  if ((words.flags & kReadOnlyBind) == kReadOnlyBind && ::mount("", path, "", words.flags | MS_REMOUNT, "") != 0)
    return give_up(errno);
  return {};
}

}  // namespace

Status check_volume_options(const Json& options) {
  const auto given = names_in(Json{{"options", options}}, "options");
  const auto has = [&](const std::string& name) {
    return std::find(given.begin(), given.end(), name) != given.end() && !text_of(options, name.c_str()).empty();
  };
  for (const auto& each : given) {
    if (each == "size") return fail("quota size requested but no quota support");
    if (each != "type" && each != "device" && each != "o") return fail("invalid option: \"" + each + "\"");
  }
  if (given.empty()) return {};
  for (const char* each : {"device", "type"}) {
    if (!has(each)) return fail("missing required option: \"" + std::string(each) + "\"");
  }
  return {};
}

MountWords mount_words(const std::string& options) {
  MountWords words;
  std::size_t at = 0;
  while (at < options.size()) {
    const std::size_t end = std::min(options.find(',', at), options.size());
    if (end > at) take_word(options.substr(at, end - at), words);
    at = end + 1;
  }
  return words;
}

// A bind within one file system has its parent's device, so that alone does not tell. A server that does not answer is
// not asked.
bool is_mounted(const HeldMount& mount) {
  struct statx info {};
  constexpr int kFlags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
  return ::statx(AT_FDCWD, mount.path.c_str(), kFlags, 0, &info) == 0 &&
         (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

Status mount_all(const std::vector<HeldMount>& mounts) {
  for (const auto& each : mounts) METE_CHECK(mount_one(each));
  return {};
}

Status unmount_held(const std::string& path) {
  constexpr int kMost = 8;  // mounts over each other
  for (int i = 0; i < kMost; ++i) {
    if (::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;
    if (errno == ENOENT) return {};
    if (errno != EINVAL) return fail_errno("unmount " + path);
    // What is no mount any more is an empty folder, and nothing is removed from one that is none.
    return ::rmdir(path.c_str()) == 0 || errno == ENOENT ? Status() : fail_errno("remove " + path);
  }
  return fail("unmount " + path + ": found mounts over each other, expected one");
}

}  // namespace mete::agent::docker
