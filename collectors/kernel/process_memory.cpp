// SPDX-License-Identifier: Apache-2.0
#include "collectors/kernel/process_memory.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "collectors/kernel/parse.h"
#include "runtime/file.h"

namespace mete::collectors {
namespace {

constexpr std::size_t kMostLooked = 4096;
constexpr std::size_t kLongestCommand = 256;
constexpr std::size_t kLargestFile = 64U << 10U;

struct StatusField {
  std::string_view key;
  Bytes ProcessMemory::*member;
};
constexpr std::array<StatusField, 6> kFields = {{
    {"VmRSS:", &ProcessMemory::rss},
    {"RssAnon:", &ProcessMemory::anon},
    {"RssFile:", &ProcessMemory::file},
    {"RssShmem:", &ProcessMemory::shmem},
    {"VmPTE:", &ProcessMemory::page_tables},
    {"VmSwap:", &ProcessMemory::swap},
}};

std::optional<std::string> read(const std::string& path) {
  auto text = runtime::read_file(AT_FDCWD, path, kLargestFile);
  if (!text) return std::nullopt;
  return std::move(*text);
}

// Resident pages: the second number of statm, which is cheaper than status.
std::int64_t resident_pages(const std::string& directory) {
  const auto text = read(directory + "/statm");
  if (!text) return -1;
  std::string_view rest = *text;
  (void)next_word(rest);
  return static_cast<std::int64_t>(parse_u64(next_word(rest)).value_or(0));
}

}  // namespace

bool parse_process_status(std::string_view text, ProcessMemory& into) {
  bool named = false;
  while (!text.empty()) {
    std::string_view line = next_line(text);
    const std::string_view key = next_word(line);
    if (key == "Name:") {
      named = true;
      into.task = trim(line);
      into.command = "[" + into.task + "]";
    }
    for (const auto& field : kFields) {
      if (field.key == key) into.*field.member = to_bytes(parse_u64(next_word(line)).value_or(0) * 1024);
    }
  }
  return named;
}

std::string command_line_of(std::string_view cmdline) {
  while (!cmdline.empty() && cmdline.back() == '\0') cmdline.remove_suffix(1);
  std::string command(cmdline.substr(0, kLongestCommand));
  std::replace(command.begin(), command.end(), '\0', ' ');
  return command;
}

std::vector<ProcessMemory> read_processes(std::span<const pid_t> pids, std::size_t most, const std::string& proc) {
  std::vector<std::pair<std::int64_t, pid_t>> order;
  const bool choose = pids.size() > most;
  for (const pid_t pid : pids.first(std::min(pids.size(), kMostLooked))) {
    const auto pages = choose ? resident_pages(proc + "/" + std::to_string(pid)) : 0;
    if (pages >= 0) order.emplace_back(pages, pid);
  }
  if (choose) {
    const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(most, order.size()));
    std::partial_sort(order.begin(), end, order.end(), std::greater<>());
    order.erase(end, order.end());
  }
  std::vector<ProcessMemory> processes;
  processes.reserve(order.size());
  for (const auto& [pages, pid] : order) {
    const std::string directory = proc + "/" + std::to_string(pid);
    ProcessMemory each;
    each.pid = pid;
    const auto status = read(directory + "/status");
    if (!status || !parse_process_status(*status, each)) continue;
    if (const auto cmdline = read(directory + "/cmdline")) {
      if (auto command = command_line_of(*cmdline); !command.empty()) each.command = std::move(command);
    }
    if (const auto adj = read(directory + "/oom_score_adj"))
      each.oom_score_adj = static_cast<int>(parse_i64(trim(*adj)).value_or(0));
    processes.push_back(std::move(each));
  }
  std::stable_sort(processes.begin(), processes.end(), [](const auto& a, const auto& b) { return a.rss > b.rss; });
  return processes;
}

}  // namespace mete::collectors
