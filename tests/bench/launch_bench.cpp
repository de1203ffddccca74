// SPDX-License-Identifier: Apache-2.0
// How long a start takes: mete-oci, and the other runtimes where they are installed, beside the floor (launch_floor.cpp).
//   launch_bench [--runs N] [--smoke] [--mete-oci PATH] [--only NAME]
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/cgroup/cgroup.h"
#include "runtime/file.h"
#include "tests/bench/launch_bundle.h"

namespace {

struct Settings {
  int runs = 40;
  int lone_runs = 20;
  bool smoke = false;
  std::string mete_oci = METE_BIN_DIR "/mete-oci";
  std::string only;
};

struct Figures {
  double p50 = 0;
  double p99 = 0;
};

struct Row {
  std::string name;
  std::optional<Figures> hot;   // back to back
  std::optional<Figures> lone;  // after 300 ms of idle
};

std::optional<Figures> measure(int runs, bool lone, const std::function<bool()>& start) {
  constexpr useconds_t kIdle = 300'000;
  std::vector<double> times;
  if (!start()) return std::nullopt;  // caches
  for (int i = 0; i < runs; ++i) {
    if (lone) ::usleep(kIdle);
    const auto begin = std::chrono::steady_clock::now();
    if (!start()) return std::nullopt;
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  std::sort(times.begin(), times.end());
  return Figures{times[times.size() / 2], times[std::min(times.size() - 1, times.size() * 99 / 100)]};
}

class Bench {
 public:
  explicit Bench(Settings settings) : settings_(std::move(settings)) {}
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() {
    if (parent_) (void)parent_->remove();
    std::error_code ignored;
    if (!work_.empty()) std::filesystem::remove_all(work_, ignored);
  }

  int run() {
    const auto found = mete::runtime::cgroup::find_hierarchies();
    if (!found) return complain(found.error().what);
    hierarchies_ = *found;
    // State is kept on a tmpfs everywhere; not every machine has one at /run.
    char path[] = "/dev/shm/mete-launch-bench-XXXXXX";
    if (::mkdtemp(path) == nullptr) return complain("cannot make a directory in /dev/shm");
    work_ = path;
    const std::string name = "/mete-oci-test-" + std::to_string(::getpid());
    parent_ = mete::runtime::cgroup::Group::at(hierarchies_, name).value();
    if (const auto made = parent_->create(); !made) return complain(made.error().what);
    mete::bench::make_bundle(work_, name + "/bench");
    fill_floor(name);
    measure_all();
    print();
    const bool whole = std::all_of(rows_.begin(), rows_.end(), [](const Row& row) { return !row.name.starts_with("mete") || (row.hot && row.lone); });
    return whole ? 0 : 1;
  }

 private:
  static int complain(const std::string& what) {
    std::fprintf(stderr, "launch_bench: %s\n", what.c_str());
    return 1;
  }

  void fill_floor(const std::string& parent) {
    const bool cpuset = hierarchies_.on_v1("cpuset");
    floor_ = {METE_BIN_DIR "/launch_floor", "", work_ + "/rootfs"};
    floor_.push_back(cpuset ? parent_->read("cpuset", "cpuset.cpus").value() : "");
    floor_.push_back(cpuset ? parent_->read("cpuset", "cpuset.mems").value() : "");
    floor_.push_back(cpuset ? parent_->directory("cpuset") + "/floor" : "");
    floor_.push_back(hierarchies_.v2_mount.empty() ? "" : hierarchies_.v2_mount + parent + "/floor");
    for (const auto& mount : hierarchies_.v1_mounts()) floor_.push_back(mount + parent + "/floor");
  }

  void add_floor(const std::string& name, const std::string& entry) {
    floor_[1] = entry;
    add(name, [&] { return spawn(floor_); });
  }

  void add(const std::string& name, const std::function<bool()>& start) {
    if (!settings_.only.empty() && name.find(settings_.only) == std::string::npos) return;
    std::fprintf(stderr, "%s ...\n", name.c_str());
    Row row{name, measure(settings_.runs, false, start), std::nullopt};
    if (row.hot) row.lone = measure(settings_.lone_runs, true, start);
    rows_.push_back(std::move(row));
  }

  bool spawn(const std::vector<std::string>& words) {
    std::vector<char*> argv;
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    pid_t pid = 0;
    if (::posix_spawnp(&pid, argv.front(), nullptr, nullptr, argv.data(), environ) != 0) return false;
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status == 0;
  }

  void add_runtime(const std::string& name, const std::string& program) {
    if (!mete::runtime::open_at(AT_FDCWD, program, O_PATH)) {
      notes_.push_back(name + ": not installed (" + program + "), left out");
      return;
    }
    for (const bool seccomp : {false, true}) {
      const std::string bundle = work_ + (seccomp ? "/config-seccomp" : "");
      int number = 0;
      add(name + (seccomp ? " run, seccomp" : " run"), [&] {
        return spawn({program, "--root", work_ + "/root-" + name, "run", "--bundle", bundle, "bench-" + std::to_string(++number)});
      });
    }
  }

  // crun 1.8 refuses a host where v2 holds a controller; it is shown the v1 hierarchies alone, in a mount namespace of
  // ours. Nothing below the machine's own mounts is touched: a new tmpfs lies on top of them.
  bool enter_v1_view() {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
    if (::mount("tmpfs", "/sys/fs/cgroup", "tmpfs", 0, "mode=755") != 0) return false;
    for (const auto& [controller, mount] : hierarchies_.v1) {
      const std::string where = "/sys/fs/cgroup/" + controller;
      if (::mkdir(where.c_str(), 0755) != 0 || ::mount("cgroup", where.c_str(), "cgroup", 0, controller.c_str()) != 0) return false;
    }
    for (const auto& [name, mount] : hierarchies_.named) {
      const std::string where = "/sys/fs/cgroup/" + name;
      if (::mkdir(where.c_str(), 0755) != 0 || ::mount("cgroup", where.c_str(), "cgroup", 0, ("none,name=" + name).c_str()) != 0) return false;
    }
    return true;
  }

  void measure_all() {
    add_floor("floor", "procs");
    add_floor("floor, tasks", "tasks");
    add_runtime("mete-oci", settings_.mete_oci);
    if (settings_.smoke) return;
    add_runtime("runc", "/usr/sbin/runc");
    if (hierarchies_.mode == mete::runtime::cgroup::Mode::kHybrid && !enter_v1_view()) {
      notes_.push_back("crun: left out, a private view of the v1 hierarchies could not be made");
      return;
    }
    add_runtime("crun", "/usr/bin/crun");
  }

  const Row* find(const std::string& name) const {
    const auto at = std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) { return row.name == name; });
    return at == rows_.end() ? nullptr : &*at;
  }

  static void print_cell(const std::optional<Figures>& figures, const std::optional<Figures>& floor) {
    if (!figures) {
      std::printf(" |  failed                 ");
      return;
    }
    std::printf(" | %7.2f %7.2f  %5.2f x", figures->p50, figures->p99, floor ? figures->p50 / floor->p50 : 0.0);
  }

  void print() const {
    std::printf("%d starts back to back, %d lone (after 300 ms of idle); ms; ratio of p50 to the floor\n", settings_.runs, settings_.lone_runs);
    std::printf("%-22s |     p50     p99   floor  |     p50     p99   floor\n", "");
    const Row* const floor = find("floor");
    for (const auto& row : rows_) {
      std::printf("%-22s", row.name.c_str());
      print_cell(row.hot, floor != nullptr ? floor->hot : std::nullopt);
      print_cell(row.lone, floor != nullptr ? floor->lone : std::nullopt);
      std::printf("\n");
    }
    for (const auto& note : notes_) std::printf("%s\n", note.c_str());
    print_targets();
  }

  void target(const char* what, std::optional<double> found, double wanted, bool at_most) const {
    if (!found) return;
    const bool met = at_most ? *found <= wanted : *found >= wanted;
    std::printf("%-58s %6.2f, wanted %s %.1f: %s\n", what, *found, at_most ? "<=" : ">=", wanted, met ? "met" : "not met");
  }

  void print_targets() const {
    const auto hot = [&](const char* name) -> std::optional<double> {
      const Row* row = find(name);
      return row != nullptr && row->hot ? std::optional(row->hot->p50) : std::nullopt;
    };
    const auto own = hot("mete-oci run");
    if (!own) return;
    if (const auto floor = hot("floor")) target("mete-oci / floor, back to back", *own / *floor, 1.5, true);
    if (const auto crun = hot("crun run")) target("crun / mete-oci, back to back", *crun / *own, 2.5, false);
    if (const auto runc = hot("runc run")) target("runc / mete-oci, back to back", *runc / *own, 2.5, false);
    if (const auto filtered = hot("mete-oci run, seccomp")) target("mete-oci: what a seccomp profile adds, ms", *filtered - *own, 0.5, true);
    const Row* row = find("mete-oci run");
    if (row->lone) target("mete-oci lone, ms", row->lone->p50, 5, true);
  }

  Settings settings_;
  mete::runtime::cgroup::Hierarchies hierarchies_;
  std::optional<mete::runtime::cgroup::Group> parent_;
  std::string work_;
  std::vector<std::string> floor_;  // its command line
  std::vector<Row> rows_;
  std::vector<std::string> notes_;
};

}  // namespace

int main(int argc, char** argv) {
  constexpr int kSkip = 77;
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--smoke") {
      settings.smoke = true;
      settings.runs = 3;
      settings.lone_runs = 2;
    } else if (word == "--runs" && i + 1 < argc) {
      settings.runs = std::max(1, std::atoi(argv[++i]));
      settings.lone_runs = std::max(1, settings.runs / 2);
    } else if (word == "--mete-oci" && i + 1 < argc) {
      settings.mete_oci = argv[++i];
    } else if (word == "--only" && i + 1 < argc) {
      settings.only = argv[++i];
    } else {
      std::fprintf(stderr, "usage: launch_bench [--runs N] [--smoke] [--mete-oci PATH] [--only NAME]\n");
      return 2;
    }
  }
  if (::geteuid() != 0 || ::access("/bin/busybox", X_OK) != 0) {
    std::printf("SKIP: needs root and Debian's busybox-static\n");
    return kSkip;
  }
  return Bench(settings).run();
}
