// SPDX-License-Identifier: Apache-2.0
// The commands, one function each. They return the exit code: 0 done, 1 it failed, 2 wrong usage (CLI11), 3 no agent
// answers, 4 not found. What a table shows comes as -o json or yaml too.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/settings.h"
#include "config/pod_spec.h"
#include "enforcers/advice.h"
#include "runtime/process/process_id.h"

namespace mete::agent::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kNoAgent = 3;
inline constexpr int kNotFound = 4;

struct Common {
  Settings settings;
  std::string socket;            // of the agent
  std::string output = "table";  // table, wide, json, yaml
};

struct ExecOptions {
  std::string pod;
  std::string container;
  std::vector<std::string> command;
  bool interactive = false;
  bool tty = false;
};

struct TopOptions {
  bool batch = false;
  bool all = false;       // every cgroup, not containers alone
  unsigned interval = 1;  // seconds
  unsigned count = 0;     // of pictures; 0: until it is ended
};

struct LogOptions {
  std::string pod;
  std::string container;
  bool follow = false;
  bool timestamps = false;
  std::optional<std::uint64_t> tail;
};

// manifests.cpp
int apply(const Common& common, const std::vector<std::string>& files, bool dry_run);
int diff(const Common& common, const std::vector<std::string>& files);
int validate(const Common& common, const std::vector<std::string>& files);
int remove(const Common& common, const std::vector<std::string>& files, const std::vector<std::string>& pods,
           std::optional<unsigned> grace);
// pods.cpp
int ps(const Common& common, const std::vector<std::string>& pods);
int inspect(const Common& common, const std::string& pod);
int stop(const Common& common, const std::vector<std::string>& pods, std::optional<unsigned> grace);
int start(const Common& common, const std::vector<std::string>& pods);
int kill(const Common& common, const std::string& pod, const std::string& container, const std::string& signal);
struct UpdateOptions {
  std::string pod, container, cpus, memory, cpu_request, memory_request;
  bool reset = false;
};
// update.cpp: returns when it is done or refused
int update(const Common& common, const UpdateOptions& options);
// explain.cpp
int explain(const Common& common, const std::string& pod);
struct AdviseOptions {
  std::vector<std::string> names;  // pods or containers; none: all
  std::string recording;           // a file instead of what the agent has measured
  enforcers::AdviceOptions advice;
};
// advise.cpp: with and without an agent
int advise(const Common& common, const AdviseOptions& options);
// top.cpp
int top(const Common& common, const TopOptions& options);
int stats(const Common& common, const std::vector<std::string>& names, bool all);
// follow.cpp
int events(const Common& common, bool follow);
int logs(const Common& common, const LogOptions& options);
// metrics.cpp: needs no agent
int metrics(const Common& common);
// oom.cpp: reads the records, so it needs no agent
int oom_list(const Common& common);
int oom_show(const Common& common, const std::string& id);
// exec.cpp: the command's exit code; 126 and 127 as a shell has them
int exec(const Common& common, const ExecOptions& options);
struct HttpGetOptions {
  config::HttpGet get;
  runtime::process::ProcessId process;  // in whose network namespace
  std::chrono::milliseconds timeout{0};
};
// http_get.cpp: what the agent runs for a preStop hook. Returns 0, or the errno of what failed
int http_get(const HttpGetOptions& options);
// images.cpp: act on the store, so they work with and without an agent
int image_import(const Common& common, const std::string& path, const std::string& name);
int images(const Common& common);
int remove_images(const Common& common, const std::vector<std::string>& names);

}  // namespace mete::agent::cli
