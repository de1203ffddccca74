// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "collectors/kernel/collector.h"
#include "collectors/kernel/machine.h"
#include "collectors/kernel/parse.h"
#include "runtime/file.h"

namespace mete::collectors {
namespace {

namespace fs = std::filesystem;
using Parts = MachineParts;

std::string text_of(const fs::path& path) {
  const auto text = runtime::read_file(AT_FDCWD, path.string());
  return text ? std::string(trim(*text)) : std::string();
}
std::optional<std::uint64_t> number_of(const fs::path& path) {
  return parse_u64(text_of(path));
}

// The directories PREFIX<number> of a folder, by number.
std::map<std::uint64_t, fs::path> numbered(const fs::path& folder, std::string_view prefix) {
  std::map<std::uint64_t, fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    if (const auto number = parse_u64(std::string_view(name).substr(prefix.size()))) found[*number] = entry.path();
  }
  return found;
}

struct Cpu {
  std::uint64_t id = 0, node = 0, core = 0, socket = 0;
  fs::path path;
};

std::vector<Cpu> online_cpus(const fs::path& sys) {
  std::vector<Cpu> cpus;
  for (const auto& [id, path] : numbered(sys / "devices/system/cpu", "cpu")) {
    const auto core = number_of(path / "topology/core_id");
    if (!core) continue;  // offline
    Cpu cpu{.id = id, .core = *core, .path = path};
    cpu.socket = number_of(path / "topology/physical_package_id").value_or(0);
    const auto nodes = numbered(path, "node");
    if (!nodes.empty()) cpu.node = nodes.begin()->first;
    cpus.push_back(std::move(cpu));
  }
  return cpus;
}

std::size_t threads_of_core(const std::vector<Cpu>& cpus, const Cpu& cpu) {
  return static_cast<std::size_t>(std::count_if(cpus.begin(), cpus.end(), [&](const Cpu& other) {
    return other.socket == cpu.socket && other.node == cpu.node && other.core == cpu.core;
  }));
}

// A cache is listed once, by the first of the CPUs that share it.
void read_caches(const Cpu& cpu, std::size_t threads, Parts& parts) {
  for (const auto& [index, path] : numbered(cpu.path / "cache", "index")) {
    const std::string shared = text_of(path / "shared_cpu_list");
    std::string_view list = shared;
    std::string_view first = next_part(list, ',');
    if (const auto number = parse_u64(next_part(first, '-')); number && *number != cpu.id) continue;
    const auto level = number_of(path / "level");
    const Size size = parse_cache_size(text_of(path / "size"));
    if (!level || !size) continue;
    Parts::Cache cache{.node = cpu.node, .core = {}, .level = *level, .type = text_of(path / "type"), .size = *size};
    if (count_of_list(shared).value_or(1) <= threads) cache.core = cpu.core;
    parts.caches.push_back(std::move(cache));
  }
}

void read_cpus(const fs::path& sys, Parts& parts) {
  const auto cpus = online_cpus(sys);
  if (cpus.empty()) return;
  std::set<std::pair<std::uint64_t, std::uint64_t>> cores;
  std::set<std::uint64_t> sockets, books, drawers;
  for (const Cpu& cpu : cpus) {
    cores.emplace(cpu.socket, cpu.core);
    sockets.insert(cpu.socket);
    if (const auto book = number_of(cpu.path / "topology/book_id")) books.insert(*book);
    if (const auto drawer = number_of(cpu.path / "topology/drawer_id")) drawers.insert(*drawer);
    const std::size_t threads = threads_of_core(cpus, cpu);
    parts.threads.push_back({.node = cpu.node, .core = cpu.core, .thread = cpu.id, .siblings = threads});
    read_caches(cpu, threads, parts);
  }
  parts.physical_cores = cores.size();
  parts.sockets = sockets.size();
  if (!books.empty()) parts.books = books.size();
  if (!drawers.empty()) parts.drawers = drawers.size();
}

// "Node 0 MemTotal:       24689980 kB"
Size node_memory(std::string_view meminfo) {
  while (!meminfo.empty()) {
    std::string_view line = next_line(meminfo);
    (void)next_word(line);
    (void)next_word(line);
    if (next_word(line) != "MemTotal:") continue;
    const auto kib = parse_u64(next_word(line));
    return kib && *kib < kMaxSigned / 1024 ? Size(to_bytes(*kib * 1024)) : std::nullopt;
  }
  return std::nullopt;
}

void read_nodes(const fs::path& sys, Parts& parts) {
  for (const auto& [id, path] : numbered(sys / "devices/system/node", "node")) {
    Parts::Node node{.id = id, .memory = node_memory(text_of(path / "meminfo")), .huge_pages = {}, .distances = {}};
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(path / "hugepages", ignored)) {
      const std::string file = entry.path().filename().string();  // "hugepages-2048kB"
      std::string_view name = file;
      const auto count = number_of(entry.path() / "nr_hugepages");
      if (!name.starts_with("hugepages-") || !name.ends_with("kB") || !count) continue;
      name.remove_prefix(10);
      name.remove_suffix(2);
      if (const auto kib = parse_u64(name)) node.huge_pages.push_back({.page_kib = *kib, .count = *count});
    }
    std::sort(node.huge_pages.begin(), node.huge_pages.end(), [](auto& a, auto& b) { return a.page_kib < b.page_kib; });
    const std::string distances = text_of(path / "distance");
    std::string_view rest = distances;
    for (auto word = next_word(rest); !word.empty(); word = next_word(rest)) {
      node.distances.push_back(parse_u64(word).value_or(0));
    }
    parts.nodes.push_back(std::move(node));
  }
}

void read_dimms(const fs::path& sys, Parts& parts) {
  std::map<std::string, Parts::Dimms> by_type;
  for (const auto& [controller, path] : numbered(sys / "devices/system/edac/mc", "mc")) {
    for (const auto& [number, dimm] : numbered(path, "dimm")) {
      const std::string type = text_of(dimm / "dimm_mem_type");
      const auto mib = number_of(dimm / "size");
      if (type.empty() || !mib || *mib > kMaxSigned >> 20U) continue;
      Parts::Dimms& dimms = by_type[type];
      dimms.type = type;
      ++dimms.count;
      dimms.size += Bytes(static_cast<std::int64_t>(*mib << 20U));
    }
  }
  for (auto& [type, dimms] : by_type) parts.dimms.push_back(std::move(dimms));
}

}  // namespace

Size parse_cache_size(std::string_view text) {
  text = trim(text);
  unsigned shift = 0;
  if (text.ends_with('K')) shift = 10;
  if (text.ends_with('M')) shift = 20;
  if (shift > 0) text.remove_suffix(1);
  const auto number = parse_u64(text);
  if (!number || *number > kMaxSigned >> shift) return std::nullopt;
  return to_bytes(*number << shift);
}

std::string os_version_of(std::string_view os_release) {
  while (!os_release.empty()) {
    std::string_view line = next_line(os_release);
    if (next_part(line, '=') != "PRETTY_NAME") continue;
    line = trim(line);
    if (line.size() >= 2 && line.front() == line.back() && (line.front() == '"' || line.front() == '\'')) {
      line = line.substr(1, line.size() - 2);
    }
    return std::string(line);
  }
  return {};
}

MachineParts read_machine_parts(const std::string& proc, const std::string& sys, const std::string& etc) {
  MachineParts parts;
  read_cpus(sys, parts);
  read_nodes(sys, parts);
  read_dimms(sys, parts);
  parts.machine_id = text_of(etc + "/machine-id");
  parts.system_uuid = text_of(sys + "/class/dmi/id/product_uuid");
  parts.boot_id = text_of(proc + "/sys/kernel/random/boot_id");
  parts.kernel_version = text_of(proc + "/sys/kernel/osrelease");
  parts.os_version = os_version_of(text_of(etc + "/os-release"));
  return parts;
}

Machine MachineReader::read() {
  const auto now = std::chrono::steady_clock::now();
  if (!parts_ || now - parts_at_ > std::chrono::minutes(10)) {
    parts_ = std::make_shared<const MachineParts>(read_machine_parts(proc_, sys_, etc_));
    parts_at_ = now;
  }
  const auto read = read_machine(proc_);
  Machine machine = read ? *read : Machine();
  machine.failed = !read;
  machine.parts = parts_;
  return machine;
}

}  // namespace mete::collectors
