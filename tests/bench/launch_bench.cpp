// SPDX-License-Identifier: Apache-2.0
// How long a start takes: mete-oci, and the other runtimes where they are installed, beside the floor
// (launch_floor.cpp). And how long `exec` takes in a container that runs: of the least static program
// (least_program.cpp), and of busybox's `true`.
//   launch_bench [--runs N] [--smoke] [--mete-oci PATH] [--before PATH] [--only NAME]
// --before is another build of mete-oci, which takes its turns in the same run.
// The runtimes take turns in blocks, so that what else the machine does falls on all of them.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "runtime/cgroup/cgroup.h"
#include "runtime/file.h"
#include "tests/bench/figures.h"
#include "tests/bench/launch_bundle.h"
#include "tests/bench/v1_view.h"

namespace {

using mete::bench::Figures;
using mete::bench::figures;

struct Settings {
  int runs = 40;
  int lone_runs = 20;
  bool smoke = false;
  std::string mete_oci = METE_BIN_DIR "/mete-oci";
  std::string before;
  std::string only;
};

struct Row {
  std::string name;
  std::vector<std::string> command;
  bool numbered = false;     // a runtime: the id is put at the end
  bool v1_view = false;      // is shown the v1 hierarchies alone
  std::vector<double> hot;   // ms, back to back
  std::vector<double> lone;  // after 300 ms of idle
  bool failed = false;
};

class Bench {
 public:
  explicit Bench(Settings settings) : settings_(std::move(settings)) {}
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() {
    for (const auto& end : ends_) (void)spawn(end.command, end.v1_view);
    if (parent_) (void)parent_->remove();
    // Some runtimes make a group in the named hierarchies as well.
    for (const auto& [name, mount] : hierarchies_.named) {
      if (parent_) ::rmdir((mount + parent_->path()).c_str());
    }
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
    mete::bench::make_bundle(work_, name + "/bench", METE_BIN_DIR "/least_program");
    fill_floor(name);
    add_rows(name);
    measure_hot();
    measure_lone();
    print();
    const bool whole = std::all_of(rows_.begin(), rows_.end(),
                                   [](const Row& row) { return !row.name.starts_with("mete") || !row.failed; });
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
    for (const auto& mount : hierarchies_.v1_process_mounts()) floor_.push_back(mount + parent + "/floor");
  }

  void add(Row row) {
    if (settings_.only.empty() || row.name.find(settings_.only) != std::string::npos) rows_.push_back(std::move(row));
  }

  void add_floor(const std::string& name, const std::string& entry) {
    floor_[1] = entry;
    add({.name = name, .command = floor_});
  }

  // One process more in a container that runs until the end.
  void add_exec(const std::string& name, const std::string& program, bool v1_view, const std::string& parent) {
    const std::string id = "waits-" + name;
    mete::bench::make_waiting_bundle(work_, id, parent + "/" + id);
    const std::vector<std::string> root = {program, "--root", work_ + "/root-" + name};
    const auto words = [&](std::vector<std::string> more) {
      more.insert(more.begin(), root.begin(), root.end());
      return more;
    };
    if (!settings_.only.empty() && (name + " exec").find(settings_.only) == std::string::npos) return;
    ends_.push_back({.name = id, .command = words({"delete", "--force", id}), .v1_view = v1_view});
    const bool failed = spawn(words({"run", "--detach", "--bundle", work_ + "/" + id, id}), v1_view) != 0;
    for (const auto& [what, command] : {std::pair(" exec", "/bin/least"), std::pair(" exec, busybox", "/bin/true")})
      rows_.push_back(
          {.name = name + what, .command = words({"exec", id, command}), .v1_view = v1_view, .failed = failed});
  }

  void add_runtime(const std::string& name, const std::string& program, bool v1_view, const std::string& parent) {
    if (::access(program.c_str(), X_OK) != 0) {
      notes_.push_back(name + ": not installed (" + program + "), left out");
      return;
    }
    for (const bool seccomp : {false, true}) {
      add({.name = name + (seccomp ? " run, seccomp" : " run"),
           .command = {program, "--root", work_ + "/root-" + name, "run", "--bundle",
                       work_ + (seccomp ? "/config-seccomp" : "")},
           .numbered = true,
           .v1_view = v1_view});
    }
    add_exec(name, program, v1_view, parent);
  }

  void add_rows(const std::string& parent) {
    add_floor("floor", "procs");
    add_floor("floor, tasks", "tasks");
    add_runtime("mete-oci", settings_.mete_oci, false, parent);
    if (!settings_.before.empty()) add_runtime("before", settings_.before, false, parent);
    if (settings_.smoke) return;
    add_runtime("runc", "/usr/sbin/runc", false, parent);
    const bool hybrid = hierarchies_.mode == mete::runtime::cgroup::Mode::kHybrid;
    if (hybrid) v1_view_ = mete::bench::make_v1_view(hierarchies_);
    if (hybrid && !v1_view_.valid()) {
      notes_.push_back("crun: left out, a private view of the v1 hierarchies could not be made");
      return;
    }
    add_runtime("crun", "/usr/bin/crun", hybrid, parent);
  }

  // One start, timed from the fork to the end of the wait; empty when it failed.
  std::optional<double> start(Row& row) {
    std::vector<std::string> words = row.command;
    if (row.numbered) words.push_back("bench-" + std::to_string(++number_));
    const auto begin = std::chrono::steady_clock::now();
    const int status = spawn(words, row.v1_view);
    const double taken = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    if (status != 0) row.failed = true;
    return status == 0 ? std::optional(taken) : std::nullopt;
  }

  [[nodiscard]] int spawn(const std::vector<std::string>& words, bool v1_view) const {
    return mete::bench::run_command(words, v1_view ? v1_view_.get() : -1);
  }

  void measure_hot() {
    const int block = std::min(10, settings_.runs);
    for (int done = 0; done < settings_.runs; done += block) {
      for (auto& row : rows_) {
        if (row.failed) continue;
        (void)start(row);  // what the one before it left is not charged to it
        for (int i = 0; i < block; ++i) {
          if (const auto taken = start(row)) row.hot.push_back(*taken);
        }
      }
    }
  }

  void measure_lone() {
    constexpr useconds_t kIdle = 300'000;
    for (int i = 0; i < settings_.lone_runs; ++i) {
      for (auto& row : rows_) {
        if (row.failed) continue;
        ::usleep(kIdle);
        if (const auto taken = start(row)) row.lone.push_back(*taken);
      }
    }
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
    std::printf("%d starts back to back, %d lone (after 300 ms of idle); ms; ratio of p50 to the floor\n",
                settings_.runs, settings_.lone_runs);
    std::printf("%-22s |     p50     p99   floor  |     p50     p99   floor\n", "");
    const Row* const floor = find("floor");
    for (const auto& row : rows_) {
      std::printf("%-22s", row.name.c_str());
      print_cell(figures(row.hot), floor != nullptr ? figures(floor->hot) : std::nullopt);
      print_cell(figures(row.lone), floor != nullptr ? figures(floor->lone) : std::nullopt);
      std::printf("\n");
    }
    for (const auto& note : notes_) std::printf("%s\n", note.c_str());
    print_targets();
  }

  void target(const char* what, std::optional<double> found, double wanted, bool at_most) const {
    if (!found) return;
    const bool met = at_most ? *found <= wanted : *found >= wanted;
    std::printf("%-58s %6.2f, wanted %s %.1f: %s\n", what, *found, at_most ? "<=" : ">=", wanted,
                met ? "met" : "not met");
  }

  void print_targets() const {
    const auto hot = [&](const char* name) -> std::optional<double> {
      const Row* row = find(name);
      if (row == nullptr || row->hot.empty()) return std::nullopt;
      return figures(row->hot)->p50;
    };
    const auto own = hot("mete-oci run");
    if (!own) return;
    if (const auto floor = hot("floor")) target("mete-oci / floor, back to back", *own / *floor, 1.5, true);
    if (const auto crun = hot("crun run")) target("crun / mete-oci, back to back", *crun / *own, 2.5, false);
    if (const auto runc = hot("runc run")) target("runc / mete-oci, back to back", *runc / *own, 2.5, false);
    for (const auto& [name, what] : {std::pair(" exec", "exec: crun / mete-oci, back to back"),
                                     std::pair(" exec, busybox", "exec of busybox's true: crun / mete-oci")}) {
      const auto entered = hot((std::string("mete-oci") + name).c_str());
      const auto other = hot((std::string("crun") + name).c_str());
      if (entered && other) target(what, *other / *entered, 4, false);
    }
    if (const auto filtered = hot("mete-oci run, seccomp"))
      target("mete-oci: what a seccomp profile adds, ms", *filtered - *own, 0.5, true);
    const Row* row = find("mete-oci run");
    if (const auto lone = figures(row->lone)) target("mete-oci lone, ms", lone->p50, 5, true);
  }

  Settings settings_;
  mete::runtime::cgroup::Hierarchies hierarchies_;
  std::optional<mete::runtime::cgroup::Group> parent_;
  std::string work_;
  std::vector<std::string> floor_;  // its command line
  mete::runtime::UniqueFd v1_view_;
  int number_ = 0;
  std::vector<Row> rows_;
  std::vector<Row> ends_;  // what removes the containers that wait
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
    } else if (word == "--before" && i + 1 < argc) {
      settings.before = argv[++i];
    } else if (word == "--only" && i + 1 < argc) {
      settings.only = argv[++i];
    } else {
      std::fprintf(stderr,
                   "usage: launch_bench [--runs N] [--smoke] [--mete-oci PATH] [--before PATH] [--only NAME]\n");
      return 2;
    }
  }
  if (::geteuid() != 0 || ::access("/bin/busybox", X_OK) != 0) {
    std::printf("SKIP: needs root and Debian's busybox-static\n");
    return kSkip;
  }
  return Bench(settings).run();
}
