// SPDX-License-Identifier: Apache-2.0
// /proc/PID/net/dev: the interfaces of a network namespace, seen through one of its processes.
#include "collectors/kernel/collector.h"
#include "collectors/kernel/parse.h"

namespace mete::collectors {
namespace {

// Loopback and the host ends of other containers' links (with host network) carry no traffic of the container.
bool is_left_out(std::string_view name) {
  return name == "lo" || name.starts_with("veth") || name.starts_with("docker");
}

// The 16 numbers after "eth0:". The order is fixed since Linux 2.2.
bool parse_interface(std::string_view numbers, InterfaceSample& into) {
  std::array<std::uint64_t, 12> n{};
  for (std::uint64_t& number : n) {
    const auto parsed = parse_u64(next_word(numbers));
    if (!parsed) return false;
    number = *parsed;
  }
  into.receive_bytes = to_bytes(n[0]);
  into.receive_packets = n[1];
  into.receive_errors = n[2];
  into.receive_dropped = n[3];
  into.transmit_bytes = to_bytes(n[8]);
  into.transmit_packets = n[9];
  into.transmit_errors = n[10];
  into.transmit_dropped = n[11];
  return true;
}

}  // namespace

bool parse_net_dev(std::string_view text, Sample& into) {
  into.interfaces.clear();
  bool understood = true;
  while (!text.empty()) {
    std::string_view line = next_line(text);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;  // the two lines of headings
    std::string_view rest = line.substr(0, colon);
    const std::string_view name = next_word(rest);
    if (name.empty() || !trim(rest).empty()) {  // the kernel allows no blanks in names
      understood = false;
      continue;
    }
    if (is_left_out(name)) continue;
    InterfaceSample& interface = into.interfaces.emplace_back();
    interface.name = ShortText<15>(name);
    if (!parse_interface(line.substr(colon + 1), interface)) {
      into.interfaces.pop_back();
      understood = false;
    }
  }
  return understood;
}

}  // namespace mete::collectors
