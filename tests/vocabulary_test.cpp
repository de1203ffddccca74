// SPDX-License-Identifier: Apache-2.0
// The version of cgroups ends at runtime/cgroup: the layers above ask there, in words that belong to no version, and
// never branch on a version or name a control file (ARCHITECTURE.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace {

// Folders and files whose subject the control files are, and why.
struct Exempt {
  std::string_view path;
  std::string_view why;
};
constexpr Exempt kExempt[] = {
    {"runtime/cgroup/", "the one place"},
    {"collectors/kernel/", "its tables say which counter is read from which file on v1 and on v2"},
    {"collectors/metrics/", "documentation of the families names each counter's file on v1 and on v2"},
    {"agent/base/event_reasons.cpp", "the texts that docs/events.md is made from"},
    {"collectors/cumulative_fields.h", "keys of the pod's record, some of which are spelled as files"},
};

// Strings that are not about the host's files, or are another's own words.
struct Allowed {
  std::string_view path;  // begins with it
  std::string_view text;  // the literal
  std::string_view why;
};
constexpr Allowed kAllowed[] = {
    {"runtime/oci/config/read_resources.cpp", "a control file of cgroup2 such as memory.high",
     "config.json's `unified` names files of cgroup2"},
    {"runtime/pod/container_spec.h", "/run/mete/memory.pressure", "a path within a container"},
};

// Fields of a policy that are spelled as files: as such they are texts for people, never paths.
constexpr std::string_view kPolicyFields[] = {"cpu.idle", "io.weight", "memory.pressure", "pids.max"};

// Names of control files, without what only one of their kind has (".throttle.read_bps_device").
constexpr std::string_view kFiles[] = {"blkio.bfq",
                                       "blkio.io_",
                                       "blkio.throttle",
                                       "blkio.weight",
                                       "cgroup.controllers",
                                       "cgroup.event_control",
                                       "cgroup.events",
                                       "cgroup.freeze",
                                       "cgroup.kill",
                                       "cgroup.pressure",
                                       "cgroup.procs",
                                       "cgroup.stat",
                                       "cgroup.subtree_control",
                                       "cgroup.threads",
                                       "cgroup.type",
                                       "cpu.cfs_",
                                       "cpu.idle",
                                       "cpu.max",
                                       "cpu.pressure",
                                       "cpu.rt_",
                                       "cpu.shares",
                                       "cpu.stat",
                                       "cpu.uclamp",
                                       "cpu.weight",
                                       "cpuacct.stat",
                                       "cpuacct.usage",
                                       "cpuset.cpus",
                                       "cpuset.effective",
                                       "cpuset.mem",
                                       "devices.allow",
                                       "devices.deny",
                                       "devices.list",
                                       "freezer.parent_freezing",
                                       "freezer.self_freezing",
                                       "freezer.state",
                                       "hugetlb.",
                                       "io.bfq",
                                       "io.cost.model",
                                       "io.cost.qos",
                                       "io.latency",
                                       "io.max",
                                       "io.pressure",
                                       "io.stat",
                                       "io.weight",
                                       "memory.current",
                                       "memory.events",
                                       "memory.failcnt",
                                       "memory.force_empty",
                                       "memory.high",
                                       "memory.kmem",
                                       "memory.limit_in_bytes",
                                       "memory.low",
                                       "memory.max",
                                       "memory.memsw",
                                       "memory.min",
                                       "memory.move_charge",
                                       "memory.numa_stat",
                                       "memory.oom.group",
                                       "memory.oom_control",
                                       "memory.peak",
                                       "memory.pressure",
                                       "memory.reclaim",
                                       "memory.soft_limit",
                                       "memory.stat",
                                       "memory.swap.",
                                       "memory.swappiness",
                                       "memory.usage_in_bytes",
                                       "memory.use_hierarchy",
                                       "memory.zswap",
                                       "net_cls.classid",
                                       "net_prio.",
                                       "pids.current",
                                       "pids.events",
                                       "pids.max",
                                       "pids.peak",
                                       "rdma.current",
                                       "rdma.max"};

struct Line {
  std::string code;                   // without comments, literals emptied
  std::vector<std::string> literals;  // of strings, in their order
};

// Cuts one line of C++ that is formatted as ours is: no comments over several lines, raw strings on one line.
Line cut(const std::string& text) {
  Line line;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text.compare(at, 2, "//") == 0) break;
    const bool is_char = text[at] == '\'' && (at == 0 || std::isalnum(static_cast<unsigned char>(text[at - 1])) == 0);
    line.code += text[at];
    if (text[at] != '"' && !is_char) continue;
    const char quote = text[at];
    std::string literal;
    for (++at; at < text.size() && text[at] != quote; ++at) {
      if (text[at] == '\\') literal += text[at++];
      if (at < text.size()) literal += text[at];
    }
    line.code += quote;
    if (quote == '"') line.literals.push_back(std::move(literal));
  }
  return line;
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
}

// The control file that a literal names, as a whole word or as the end of a path; empty: none.
std::string_view file_in(std::string_view literal) {
  for (const std::string_view file : kFiles) {
    for (auto at = literal.find(file); at != std::string_view::npos; at = literal.find(file, at + 1)) {
      if (at > 0 && is_word(literal[at - 1])) continue;
      const bool in_a_path = at > 0 && literal[at - 1] == '/';
      const bool is_field =
          std::find(std::begin(kPolicyFields), std::end(kPolicyFields), file) != std::end(kPolicyFields);
      if (!is_field || in_a_path) return file;
    }
  }
  return {};
}

bool is_exempt(const std::string& path) {
  return std::any_of(std::begin(kExempt), std::end(kExempt),
                     [&](const Exempt& exempt) { return path.starts_with(exempt.path); });
}

bool is_allowed(const std::string& path, const std::string& literal) {
  return std::any_of(std::begin(kAllowed), std::end(kAllowed),
                     [&](const Allowed& allowed) { return path.starts_with(allowed.path) && literal == allowed.text; });
}

// The fault of this line; empty: none.
std::string fault_of(const std::string& path, const std::string& text) {
  // An include names a header, which may well be called as a file is.
  if (text.starts_with("#include")) return {};
  static const std::regex kBranch(R"(\bon_v[12]\b|\bMode::k|\bWhere::kV[12]\b)");
  // Group::read and write are for names that come from runtime/cgroup.
  static const std::regex kByName(R"((\.|->)(read|write)\("",)");
  const Line line = cut(text);
  // The words without which neither expression fits: an expression takes a hundred times longer to say no, on each line
  // of the tree.
  const auto has = [&line](const char* word) { return line.code.find(word) != std::string::npos; };
  if (std::smatch found; (has("on_v") || has("::k")) && std::regex_search(line.code, found, kBranch))
    return "branches on the version: " + found.str();
  if (has("(\"\"") && std::regex_search(line.code, kByName))
    return "names a control file to Group::read or Group::write";
  for (const std::string& literal : line.literals) {
    if (const auto file = file_in(literal); !file.empty() && !is_allowed(path, literal))
      return "names the control file " + std::string(file);
  }
  return {};
}

TEST(Vocabulary, FaultsAreFound) {
  for (const char* bad : {R"(  if (machine.on_v1("memory")) return;)", R"(  return mode == Mode::kV2;)",
                          R"(  const auto text = group.read("cpu", "cpu.idle");)", R"(  path += "/memory.pressure";)",
                          R"(  f("the kernel's memory.oom_control says so");)", R"(  f('"', "hugetlb.2MB.max");)",
                          R"(  group_->write("pids", file, "max");)"})
    EXPECT_NE(fault_of("agent/x.cpp", bad), "") << bad;
  for (const char* good :
       {R"(  // on_v1("memory"): "memory.max")", R"(  f("memory.pressure: some 10%");)",
        R"(  f("memory.onOOM", "io.devices", "cpu.burst");)", R"(#include "runtime/cgroup/io.max.h")",
        R"(  group.read(setting.controller, setting.file);)", R"(  f("a.memory.max_usage");)"})
    EXPECT_EQ(fault_of("agent/x.cpp", good), "") << good;
}

TEST(Vocabulary, TheVersionEndsAtRuntimeCgroup) {
  const std::filesystem::path root = METE_SOURCE_DIR;
  std::size_t files = 0;
  for (const char* const layer : {"runtime", "collectors", "enforcers", "agent"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / layer)) {
      const auto extension = entry.path().extension();
      const std::string path = entry.path().lexically_relative(root);
      if ((extension != ".h" && extension != ".cpp") || is_exempt(path)) continue;
      ++files;
      std::ifstream file(entry.path());
      int number = 0;
      for (std::string text; std::getline(file, text);) {
        ++number;
        const std::string fault = fault_of(path, text);
        EXPECT_EQ(fault, "") << path << ":" << number << ": " << text << "\nAsk runtime/cgroup for it instead.";
      }
    }
  }
  EXPECT_GT(files, 100U) << "the source tree was not found";
}

}  // namespace
