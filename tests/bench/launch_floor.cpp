// SPDX-License-Identifier: Apache-2.0
// The least a container's start can cost: the system calls, and nothing else. No checks, no texts, no allocation worth
// the name; what it makes is what launch_bench's bundle asks the runtimes for.
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace mete::bench {

enum class Entry {
  procs,  // the parent writes cgroup.procs of every hierarchy, as the peers do
  tasks,  // v1: the child writes itself into "tasks"; cgroup2: clone3 into it (runtime/process/launch/cgroup_entry.h)
};

struct Floor {
  std::string rootfs;
  std::vector<std::string> v1_groups;  // absolute directories, made and removed by each start
  std::string v2_group;                // empty: no cgroup2
  std::string cpuset_group;            // the one of v1_groups that needs CPUs and memory nodes; empty: none
  std::string cpus;
  std::string mems;
};

// The paths that launch_bench's bundle hides (runtime/oci/config/example.cpp).
constexpr const char* kMasked[] = {
    "proc/acpi",          "proc/asound",     "proc/interrupts",  "proc/kcore",       "proc/keys",
    "proc/latency_stats", "proc/timer_list", "proc/timer_stats", "proc/sched_debug", "sys/devices/virtual/powercap",
    "sys/firmware",       "proc/scsi"};
constexpr const char* kReadOnly[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};

namespace {

void must(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  ::_exit(99);
}

void put(const std::string& file, const std::string& text) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  must(fd >= 0 && ::write(fd, text.data(), text.size()) > 0, file.c_str());
  ::close(fd);
}

void make_groups(const Floor& floor) {
  for (const auto& group : floor.v1_groups) must(::mkdir(group.c_str(), 0755) == 0, group.c_str());
  if (!floor.v2_group.empty()) must(::mkdir(floor.v2_group.c_str(), 0755) == 0, "mkdir in cgroup2");
  if (floor.cpuset_group.empty()) return;
  put(floor.cpuset_group + "/cpuset.cpus", floor.cpus);
  put(floor.cpuset_group + "/cpuset.mems", floor.mems);
}

void mount_all() {
  const auto add = [](const char* type, const char* where, unsigned long flags, const char* data) {
    must(::mount(type, where, type, flags, data) == 0, where);
  };
  constexpr unsigned long kSafe = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  add("proc", "proc", 0, nullptr);
  add("tmpfs", "dev", MS_NOSUID, "mode=755,size=65536k");
  must(::mkdir("dev/pts", 0755) == 0 && ::mkdir("dev/shm", 0755) == 0 && ::mkdir("dev/mqueue", 0755) == 0,
       "mkdir in /dev");
  add("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
  add("tmpfs", "dev/shm", kSafe, "mode=1777,size=65536k");
  add("mqueue", "dev/mqueue", kSafe, nullptr);
  add("sysfs", "sys", kSafe | MS_RDONLY, nullptr);
  constexpr struct {
    const char* path;
    unsigned major, minor;
  } kDevices[] = {{"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
                  {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};
  for (const auto& device : kDevices)
    must(::mknod(device.path, S_IFCHR | 0666, makedev(device.major, device.minor)) == 0, device.path);
  must(::symlink("/proc/self/fd", "dev/fd") == 0 && ::symlink("/proc/self/fd/0", "dev/stdin") == 0 &&
           ::symlink("/proc/self/fd/1", "dev/stdout") == 0 && ::symlink("/proc/self/fd/2", "dev/stderr") == 0 &&
           ::symlink("pts/ptmx", "dev/ptmx") == 0,
       "symlink");
}

void hide() {
  for (const char* const inside : kMasked) {
    struct stat info {};
    if (::stat(inside, &info) != 0) continue;
    if (S_ISDIR(info.st_mode)) {
      must(::mount("tmpfs", inside, "tmpfs", MS_RDONLY, nullptr) == 0, inside);
    } else {
      must(::mount("/dev/null", inside, nullptr, MS_BIND, nullptr) == 0, inside);
    }
  }
  for (const char* const inside : kReadOnly) {
    if (::mount(inside, inside, nullptr, MS_BIND | MS_REC, nullptr) != 0) continue;
    must(::mount(nullptr, inside, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0, inside);
  }
}

[[noreturn]] void child(const Floor& floor, int gate, const std::vector<int>& tasks) {
  ::sethostname("bench", 5);
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request {};
  std::memcpy(request.ifr_name, "lo", 3);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  must(::ioctl(socket, SIOCSIFFLAGS, &request) == 0, "lo");
  ::close(socket);
  const char* const root = floor.rootfs.c_str();
  must(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "private");
  must(::mount(root, root, nullptr, MS_BIND | MS_REC, nullptr) == 0 && ::chdir(root) == 0, "bind root");
  mount_all();
  char go = 0;
  must(::read(gate, &go, 1) == 1, "wait for the cgroups");
  for (const int file : tasks) must(::write(file, "0", 1) == 1, "tasks");
  must(::unshare(CLONE_NEWCGROUP) == 0, "cgroup namespace");
  hide();
  must(::mount(nullptr, ".", nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0, "read-only root");
  must(::syscall(SYS_pivot_root, ".", ".") == 0 && ::umount2(".", MNT_DETACH) == 0 && ::chdir("/") == 0, "pivot_root");
  ::execl("/bin/true", "true", nullptr);
  must(false, "exec");
  std::abort();
}

void remove_groups(const Floor& floor) {
  for (const auto& group : floor.v1_groups) ::rmdir(group.c_str());
  if (!floor.v2_group.empty()) ::rmdir(floor.v2_group.c_str());
}

}  // namespace

// Makes, runs /bin/true in it, waits, removes.
bool start_once(const Floor& floor, Entry entry) {
  make_groups(floor);
  int gate[2];
  must(::pipe2(gate, O_CLOEXEC) == 0, "pipe");
  std::vector<int> tasks;
  struct clone_args args {};
  args.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
  args.exit_signal = SIGCHLD;
  int directory = -1;
  if (entry == Entry::tasks) {
    for (const auto& group : floor.v1_groups) tasks.push_back(::open((group + "/tasks").c_str(), O_WRONLY | O_CLOEXEC));
    if (!floor.v2_group.empty()) {
      directory = ::open(floor.v2_group.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      args.flags |= CLONE_INTO_CGROUP;
      args.cgroup = static_cast<std::uint64_t>(directory);
    }
  }
  const long pid = ::syscall(SYS_clone3, &args, sizeof args);
  must(pid >= 0, "clone3");
  if (pid == 0) child(floor, gate[0], tasks);
  if (entry == Entry::procs) {
    for (const auto& group : floor.v1_groups) put(group + "/cgroup.procs", std::to_string(pid));
    if (!floor.v2_group.empty()) put(floor.v2_group + "/cgroup.procs", std::to_string(pid));
  }
  (void)!::write(gate[1], "g", 1);
  int status = 0;
  ::waitpid(static_cast<pid_t>(pid), &status, 0);
  for (const int fd : {gate[0], gate[1], directory}) {
    if (fd >= 0) ::close(fd);
  }
  for (const int fd : tasks) ::close(fd);
  remove_groups(floor);
  return status == 0;
}

}  // namespace mete::bench

// launch_floor procs|tasks ROOTFS CPUS MEMS CPUSET_GROUP V2_GROUP V1_GROUP...: one start. A program, because the
// runtimes are.
int main(int argc, char** argv) {
  using mete::bench::Entry;
  constexpr int kFirstGroup = 7;
  if (argc < kFirstGroup) return 2;
  mete::bench::Floor floor;
  floor.rootfs = argv[2];
  floor.cpus = argv[3];
  floor.mems = argv[4];
  floor.cpuset_group = argv[5];
  floor.v2_group = argv[6];
  for (int i = kFirstGroup; i < argc; ++i) floor.v1_groups.emplace_back(argv[i]);
  return mete::bench::start_once(floor, std::strcmp(argv[1], "tasks") == 0 ? Entry::tasks : Entry::procs) ? 0 : 1;
}
