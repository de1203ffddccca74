// SPDX-License-Identifier: Apache-2.0
// What a container's first process sees, one "key: value" a line, for oci_compare_test.py. It is static and asks the
// kernel where it can: the container may have no /proc, no other program and few rights.
//   oci_probe PATH...      PATH: what is looked at in the file system
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace {

void say(const std::string& key, std::string value) {
  std::replace(value.begin(), value.end(), '\n', '|');
  std::printf("%s: %s\n", key.c_str(), value.c_str());
}

std::string hex(std::uint64_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(number));
  return text;
}

std::string error_or(long result) {
  return result < 0 ? ::strerrorname_np(errno) : std::to_string(result);
}

void say_user() {
  uid_t uids[3];
  gid_t gids[3];
  ::getresuid(&uids[0], &uids[1], &uids[2]);
  ::getresgid(&gids[0], &gids[1], &gids[2]);
  for (int i = 0; i < 3; ++i) {
    say("uid " + std::to_string(i), std::to_string(uids[i]));
    say("gid " + std::to_string(i), std::to_string(gids[i]));
  }
  std::array<gid_t, 256> groups;
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  std::sort(groups.begin(), groups.begin() + std::max(count, 0));
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(groups[static_cast<std::size_t>(i)]) + " ";
  say("groups", text);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  say("umask", hex(mask));
}

void say_rights() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  ::syscall(SYS_capget, &header, data);
  const auto both = [](std::uint32_t low, std::uint32_t high) { return hex(std::uint64_t{high} << 32 | low); };
  say("caps effective", both(data[0].effective, data[1].effective));
  say("caps permitted", both(data[0].permitted, data[1].permitted));
  say("caps inheritable", both(data[0].inheritable, data[1].inheritable));
  std::uint64_t bounding = 0;
  std::uint64_t ambient = 0;
  for (unsigned long cap = 0; ::prctl(PR_CAPBSET_READ, cap) >= 0; ++cap) {
    if (::prctl(PR_CAPBSET_READ, cap) == 1) bounding |= std::uint64_t{1} << cap;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1) ambient |= std::uint64_t{1} << cap;
  }
  say("caps bounding", hex(bounding));
  say("caps ambient", hex(ambient));
  say("no new privileges", std::to_string(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)));
  say("keep caps", std::to_string(::prctl(PR_GET_KEEPCAPS)));
  say("secure bits", std::to_string(::prctl(PR_GET_SECUREBITS)));
  say("dumpable", std::to_string(::prctl(PR_GET_DUMPABLE)));
  say("seccomp", std::to_string(::prctl(PR_GET_SECCOMP)));
  int signal = 0;
  ::prctl(PR_GET_PDEATHSIG, &signal);
  say("death signal", std::to_string(signal));
  say("child subreaper", [] {
    int on = 0;
    ::prctl(PR_GET_CHILD_SUBREAPER, &on);
    return std::to_string(on);
  }());
}

void say_process() {
  utsname names{};
  ::uname(&names);
  say("host name", names.nodename);
  say("domain name", names.domainname);
  say("machine", names.machine);
  say("personality", hex(static_cast<unsigned>(::personality(0xffffffff))));
  for (int i = 0; i < RLIM_NLIMITS; ++i) {
    rlimit limit{};
    ::getrlimit(static_cast<__rlimit_resource>(i), &limit);
    say("rlimit " + std::to_string(i), hex(limit.rlim_cur) + " " + hex(limit.rlim_max));
  }
  sched_param parameter{};
  ::sched_getparam(0, &parameter);
  say("scheduler", std::to_string(::sched_getscheduler(0)) + " " + std::to_string(parameter.sched_priority));
  say("nice", std::to_string(::getpriority(PRIO_PROCESS, 0)));
  say("io priority", std::to_string(::syscall(SYS_ioprio_get, 1, 0)));
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  ::sched_getaffinity(0, sizeof cpus, &cpus);
  say("cpus", std::to_string(CPU_COUNT(&cpus)));
  say("first of its pids", ::getpid() == 1 ? "yes" : "no");
  say("leads its session", ::getsid(0) == ::getpid() ? "yes" : "no");
  for (const auto& [name, clock] :
       {std::pair{"clock monotonic", CLOCK_MONOTONIC}, {"clock boottime", CLOCK_BOOTTIME}}) {
    timespec now{};
    ::clock_gettime(clock, &now);
    say(name, std::to_string(now.tv_sec));
  }
  sigset_t blocked;
  ::sigprocmask(SIG_BLOCK, nullptr, &blocked);
  std::string ignored;
  std::string masked;
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN)
      ignored += std::to_string(signal) + " ";
    if (sigismember(&blocked, signal) == 1) masked += std::to_string(signal) + " ";
  }
  say("signals ignored", ignored);
  say("signals blocked", masked);
  std::string open;
  for (int fd = 0; fd < 64; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) open += std::to_string(fd) + " ";
  }
  say("descriptors", open);
}

// Of a device: only whether it can be opened.
std::string first_line(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return ::strerrorname_np(errno);
  struct stat info {};
  if (::fstat(fd, &info) == 0 && !S_ISREG(info.st_mode)) {
    ::close(fd);
    return "opens";
  }
  char text[256];
  const ssize_t size = ::read(fd, text, sizeof text);
  std::string line = size < 0 ? ::strerrorname_np(errno) : std::string(text, static_cast<std::size_t>(size));
  ::close(fd);
  std::replace(line.begin(), line.end(), '\0', '0');
  return line.substr(0, line.find('\n'));
}

std::string names_in(const std::string& path) {
  DIR* const directory = ::opendir(path.c_str());
  if (directory == nullptr) return ::strerrorname_np(errno);
  std::vector<std::string> names;
  while (const dirent* const entry = ::readdir(directory)) names.emplace_back(entry->d_name);
  ::closedir(directory);
  constexpr std::size_t kMost = 40;
  std::sort(names.begin(), names.end());
  names.resize(std::min(names.size(), kMost));
  std::string text;
  for (const auto& name : names) {
    if (name != "." && name != "..") text += name + " ";
  }
  return text;
}

// Not of the files of a process or of a kernel's table, which differ from one moment to the next.
bool has_stable_names(const struct statfs& system) {
  constexpr long kProc = 0x9fa0;
  constexpr long kSys = 0x62656572;
  constexpr long kCgroup = 0x27e0eb;
  constexpr long kPts = 0x1cd1;
  return system.f_type != kProc && system.f_type != kSys && system.f_type != kCgroup && system.f_type != kPts;
}

void say_path(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return say("path " + path, ::strerrorname_np(errno));
  std::string text = hex(info.st_mode) + " " + std::to_string(info.st_uid) + ":" + std::to_string(info.st_gid);
  if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode))
    text += " device " + std::to_string(major(info.st_rdev)) + ":" + std::to_string(minor(info.st_rdev));
  if (S_ISLNK(info.st_mode)) {
    char target[512];
    const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
    text += " to " + std::string(target, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  }
  say("path " + path, text);
  struct statfs system {};
  struct statvfs flags {};
  if (S_ISLNK(info.st_mode) || ::statfs(path.c_str(), &system) != 0 || ::statvfs(path.c_str(), &flags) != 0) return;
  say("system " + path, hex(static_cast<std::uint64_t>(system.f_type)) + " " + hex(flags.f_flag));
  std::string access;
  for (const auto& [name, mode] : {std::pair{"r", R_OK}, {"w", W_OK}, {"x", X_OK}})
    access += ::access(path.c_str(), mode) == 0 ? name : "-";
  say("access " + path, access);
  if (S_ISDIR(info.st_mode) && has_stable_names(system)) say("names " + path, names_in(path));
  if (S_ISREG(info.st_mode) || S_ISCHR(info.st_mode)) say("text " + path, first_line(path));
}

// Calls with arguments that do nothing: what comes back says whether a filter or missing rights were met first.
void say_calls() {
  struct Call {
    const char* name;
    long number;
    std::array<long, 3> args;
  };
  const auto text = [](const char* bytes) { return reinterpret_cast<long>(bytes); };  // NOLINT: a system call's word
  const Call calls[] = {
      {"mkdir", SYS_mkdir, {text(""), 0, 0}},
      {"chmod", SYS_chmod, {text(""), 0, 0}},
      {"link", SYS_link, {text(""), text(""), 0}},
      {"unlink", SYS_unlink, {text(""), 0, 0}},
      {"flock", SYS_flock, {-1, 0, 0}},
      {"fsync", SYS_fsync, {-1, 0, 0}},
      {"socket-2", SYS_socket, {2, 99, 0}},
      {"socket-40", SYS_socket, {40, 99, 0}},
      {"socket-38", SYS_socket, {38, 99, 0}},
      {"setns", SYS_setns, {-1, 0, 0}},
      {"unshare", SYS_unshare, {0, 0, 0}},
      {"mount", SYS_mount, {text(""), text(""), 0}},
      {"umount2", SYS_umount2, {text(""), 0, 0}},
      {"swapoff", SYS_swapoff, {text(""), 0, 0}},
      {"bpf", SYS_bpf, {-1, 0, 0}},
      {"clone3", SYS_clone3, {0, 0, 0}},
      {"userfaultfd", SYS_userfaultfd, {0xffff, 0, 0}},
      {"keyctl", SYS_keyctl, {999, 0, 0}},
      {"semctl", SYS_semctl, {-1, 0, 999}},
      {"openat2", SYS_openat2, {-1, 0, 0}},
      {"chroot", SYS_chroot, {text(""), 0, 0}},
      {"io_uring_setup", SYS_io_uring_setup, {0, 0, 0}},
      {"quotactl", SYS_quotactl, {-1, 0, 0}},
      {"a call nobody knows", 1000, {0, 0, 0}},
  };
  for (const auto& each : calls)
    say(std::string("call ") + each.name, error_or(::syscall(each.number, each.args[0], each.args[1], each.args[2])));
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOFBF, 1 << 16);
  say_process();
  say_user();
  say_rights();
  char directory[4096];
  say("directory", ::getcwd(directory, sizeof directory) == nullptr ? ::strerrorname_np(errno) : directory);
  int number = 0;
  for (char** each = environ; *each != nullptr; ++each) say("environment " + std::to_string(number++), *each);
  say("oom score", first_line("/proc/self/oom_score_adj"));
  say("name", first_line("/proc/self/comm"));
  for (int i = 1; i < argc; ++i) say_path(argv[i]);
  say_calls();
  std::fflush(stdout);
  // The mounts, as they are.
  if (const int fd = ::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC); fd >= 0) {
    char text[4096];
    for (ssize_t size = 0; (size = ::read(fd, text, sizeof text)) > 0;)
      (void)!::write(1, text, static_cast<std::size_t>(size));
  }
  return 7;
}
