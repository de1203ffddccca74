// SPDX-License-Identifier: Apache-2.0
// memory.numa_stat: where the memory is. v1 counts pages, of the group and with those below it ("hierarchical_");
// v2 counts bytes, with those below it. And does it move when cpuset.mems changes.
#include <unistd.h>

#include <algorithm>

#include "collectors/kernel/collector.h"
#include "collectors/kernel/parse.h"

namespace mete::collectors {
namespace {

using Member = Count NumaSample::*;

NumaSample& node_of(std::vector<NumaSample>& nodes, std::uint32_t number) {
  const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const NumaSample& n) { return n.node == number; });
  if (found != nodes.end()) return *found;
  nodes.emplace_back().node = number;
  return nodes.back();
}

// Parses the words "N0=1 N1=2" of a line.
bool parse_nodes(std::string_view words, Member member, std::uint64_t unit, Sample& into) {
  bool understood = true;
  for (std::string_view word = next_word(words); !word.empty(); word = next_word(words)) {
    const std::string_view node = next_part(word, '=');
    const auto number = node.starts_with('N') ? parse_u64(node.substr(1)) : std::nullopt;
    const auto value = parse_u64(word);
    if (number && value && *number <= 0xffff) {
      node_of(into.numa, static_cast<std::uint32_t>(*number)).*member = *value / unit;
    } else {
      understood = false;
    }
  }
  return understood;
}

struct Key {
  std::string_view name;
  Member member;
};
constexpr std::array<Key, 6> kV1 = {{
    {"file", &NumaSample::file},
    {"anon", &NumaSample::anon},
    {"unevictable", &NumaSample::unevictable},
    {"hierarchical_file", &NumaSample::nested_file},
    {"hierarchical_anon", &NumaSample::nested_anon},
    {"hierarchical_unevictable", &NumaSample::nested_unevictable},
}};
constexpr std::array<Key, 3> kV2 = {{
    {"anon", &NumaSample::nested_anon},
    {"file", &NumaSample::nested_file},
    {"unevictable", &NumaSample::nested_unevictable},
}};

// "file=3 N0=3"
bool stat_v1(std::string_view text, Sample& into) {
  bool understood = true;
  while (!text.empty()) {
    std::string_view line = next_line(text);
    std::string_view total = next_word(line);
    const std::string_view name = next_part(total, '=');
    for (const Key& key : kV1) {
      if (key.name == name) understood = parse_nodes(line, key.member, 1, into) && understood;
    }
  }
  return understood;
}

// "anon N0=12288"
bool stat_v2(std::string_view text, Sample& into) {
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  bool understood = true;
  while (!text.empty()) {
    std::string_view line = next_line(text);
    const std::string_view name = next_word(line);
    for (const Key& key : kV2) {
      if (key.name == name) understood = parse_nodes(line, key.member, page, into) && understood;
    }
  }
  return understood;
}

bool migrate(std::string_view text, Sample& into) {
  const auto number = parse_u64(trim(text));
  if (number) into.cpu.memory_migrate = *number != 0;
  return number.has_value();
}

constexpr std::array<SourceFile, 3> kFiles = {{
    {Where::kV1, "memory", "memory.numa_stat", stat_v1, When::kSetting},
    {Where::kV1, "cpuset", "cpuset.memory_migrate", migrate, When::kSetting},
    {Where::kV2, "memory", "memory.numa_stat", stat_v2, When::kSetting},
}};

}  // namespace

std::span<const SourceFile> numa_files() {
  return kFiles;
}

}  // namespace mete::collectors
