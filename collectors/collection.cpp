// SPDX-License-Identifier: Apache-2.0
// Finds the files to read on this machine, with these options.
#include <fcntl.h>

#include <algorithm>
#include <filesystem>

#include "collectors/kernel/quiet.h"
#include "collectors/kernel/source_choice.h"
#include "collectors/sampler.h"
#include "runtime/file.h"

namespace mete::collectors {
namespace {

using runtime::cgroup::Hierarchies;

// Does a disk use this scheduler: the one in brackets in /sys/block/*/queue/scheduler.
bool is_scheduler_used(const std::string& sys, std::string_view bracketed) {
  std::error_code ignored;
  for (const auto& disk : std::filesystem::directory_iterator(sys + "/block", ignored)) {
    const auto text = runtime::read_file(AT_FDCWD, disk.path().string() + "/queue/scheduler");
    if (text && text->find(bracketed) != std::string::npos) return true;
  }
  return false;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool CollectionOptions::wants(const Collector& collector) const {
  return collector.on ? !contains(without, collector.name) : contains(with, collector.name);
}

bool CollectionOptions::wants(std::string_view name) const {
  const Collector* collector = find_collector(name);
  return collector != nullptr && wants(*collector);
}

std::uint16_t Collection::cost_of(std::string_view collector) {
  const auto same = [&](const CollectionCost& cost) { return cost.collector == collector; };
  const auto found = std::find_if(cost_.begin(), cost_.end(), same);
  const auto index = static_cast<std::uint16_t>(found - cost_.begin());
  if (found == cost_.end()) cost_.push_back({.collector = collector});
  return index;
}

// Without /proc/vmstat reclaim cannot be detected, so every group is read in full.
void Collection::begin_pass() {
  if (!options_.back_off) return;
  const auto text = runtime::read_file(proc_.get(), "vmstat");
  reclaims_ = text ? parse_reclaims(*text) : reclaims_ + 1;
}

Collection::Collection(const Hierarchies& hierarchies, CollectionOptions options)
    : options_(std::move(options)),
      procs_(procs_file(hierarchies)),
      proc_(::open(options_.proc.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)),
      devices_(options_.proc),
      budget_(options_.open_files) {
  std::optional<bool> bfq, cfq;
  const auto uses = [&](Wanted wanted) {
    if (wanted == Wanted::kAlways) return true;
    std::optional<bool>& known = wanted == Wanted::kBfq ? bfq : cfq;
    if (!known) known = is_scheduler_used(options_.sys, wanted == Wanted::kBfq ? "[bfq]" : "[cfq]");
    return *known;
  };
  for (const Collector& collector : options_.collectors) {
    if (!options_.wants(collector) || collector.files.empty()) continue;
    const std::uint16_t index = cost_of(collector.name);
    for (const SourceFile& source : collector.files) {
      if (is_possible(source, hierarchies) && uses(source.wanted)) files_.push_back({&source, index});
    }
  }
  network_ = options_.wants("network");
  network_cost_ = cost_of("network");
  const auto net = [&](std::string_view collector, std::string_view name, Parser parse) {
    if (options_.wants(collector)) net_files_.push_back({name, parse, cost_of(collector)});
  };
  net("tcp", "tcp", parse_net_tcp);
  net("tcp", "tcp6", parse_net_tcp6);
  net("udp", "udp", parse_net_udp);
  net("udp", "udp6", parse_net_udp6);
  net("advtcp", "snmp", parse_net_snmp);
  net("advtcp", "netstat", parse_net_netstat);
  count_processes_ = options_.wants("processes");
  processes_ = {.descriptors = count_processes_,
                .sockets = options_.wants("sockets"),
                .tasks = options_.wants("tasks"),
                .schedstat = options_.wants("schedstat")};
  if (processes_.any()) processes_cost_ = cost_of("processes");
}

}  // namespace mete::collectors
