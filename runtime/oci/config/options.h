// SPDX-License-Identifier: Apache-2.0
// The command line, as runc's clients write it: global flags, the command, its flags, the id, and further words.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::oci {

struct Options {
  // global
  std::string root;
  std::string log;
  std::string log_format = "text";
  std::string cgroup_manager = "cgroupfs";
  std::string rootless = "auto";
  bool debug = false;
  bool systemd_cgroup = false;
  bool version = false;
  bool help = false;

  std::string command;  // empty with --version and --help
  std::string bundle = ".";
  std::string config;
  std::string pid_file;
  std::string console_socket;
  std::string pidfd_socket;
  std::string preserve_fds = "0";
  std::string format = "table";
  std::string process;
  std::string cwd;
  std::string user;
  std::string sub_cgroup;
  std::string resources;
  // update, as text: see update_flags.h
  std::string blkio_weight, cpu_period, cpu_quota, cpu_burst, cpu_share, cpu_rt_period, cpu_rt_runtime, cpu_idle;
  std::string cpuset_cpus, cpuset_mems, memory, memory_reservation, memory_swap, kernel_memory_tcp, pids_limit;
  std::string interval = "5s";
  std::vector<std::string> env;
  std::vector<std::string> capabilities;
  std::vector<std::string> additional_gids;
  bool no_pivot = false;
  bool no_new_keyring = false;
  bool no_subreaper = false;
  bool no_new_privs = false;
  bool ignore_paused = false;
  bool detach = false;
  bool keep = false;
  bool force = false;
  bool all = false;
  bool quiet = false;
  bool tty = false;
  bool stats = false;
  bool rootless_spec = false;

  std::vector<std::string> words;  // the id and the words after it
};

// Fails on an unknown command or flag, a flag without a value, and too few or too many words. After an error `options`
// holds what was read so far, so that --log applies to the error.
[[nodiscard]] Status parse_options(int argc, const char* const* argv, Options& options);

// The value of --preserve-fds: a number of descriptors.
[[nodiscard]] Result<int> preserved_fds(const Options& options);

}  // namespace mete::runtime::oci
