// SPDX-License-Identifier: Apache-2.0
// The sockets of a network namespace by state, and its TCP counters: /proc/PID/net/{tcp,tcp6,udp,udp6,snmp,netstat}.
#include <algorithm>
#include <array>
#include <charconv>

#include "collectors/kernel/collector.h"
#include "collectors/kernel/parse.h"

namespace mete::collectors {
namespace {

std::optional<std::uint64_t> parse_hex(std::string_view word) {
  std::uint64_t number = 0;
  const char* const begin = word.data();  // end() - begin() bounds it
  const char* const end = begin + word.size();
  const auto [stop, error] = std::from_chars(begin, end, number, 16);
  if (error != std::errc() || stop != end || word.empty()) return std::nullopt;
  return number;
}

// Parses the columns of lines "  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 ...": calls each(state, queues,
// rest of line).
template <class Each>
bool for_each_socket(std::string_view text, Each each) {
  bool understood = true;
  (void)next_line(text);  // headings
  while (!text.empty()) {
    std::string_view line = next_line(text);
    if (next_word(line).empty()) continue;
    (void)next_word(line);
    (void)next_word(line);
    const auto state = parse_hex(next_word(line));
    const std::string_view queues = next_word(line);
    if (!state || !each(*state, queues, line)) understood = false;
  }
  return understood;
}

bool count_tcp(std::string_view text, std::optional<TcpSample>& into) {
  into.emplace();
  into->fill(0);
  return for_each_socket(text, [&](std::uint64_t state, std::string_view, std::string_view) {
    if (state >= 1 && state <= into->size()) ++(*into)[state - 1];
    return true;  // an unknown state has no series in cAdvisor
  });
}

void add_to(std::uint64_t& sum, std::uint64_t more) {
  if (__builtin_add_overflow(sum, more, &sum)) sum = std::numeric_limits<std::uint64_t>::max();
}

// Unconnected sockets have state 07 (close). The last column counts dropped datagrams.
bool count_udp(std::string_view text, std::optional<UdpSample>& into) {
  into.emplace();
  return for_each_socket(text, [&](std::uint64_t state, std::string_view queues, std::string_view rest) {
    if (state == 7) ++into->listen;
    const auto transmit = parse_hex(next_part(queues, ':'));
    const auto receive = parse_hex(queues);
    std::string_view last;
    for (std::string_view word = next_word(rest); !word.empty(); word = next_word(rest)) last = word;
    const auto dropped = parse_u64(last);
    if (!transmit || !receive || !dropped) return false;
    add_to(into->txqueued, *transmit);
    add_to(into->rxqueued, *receive);
    add_to(into->dropped, *dropped);
    return true;
  });
}

ShortText<31> lower(std::string_view name) {
  std::array<char, 31> text{};
  const std::size_t size = std::min(name.size(), text.size());
  for (std::size_t i = 0; i < size; ++i) {
    const char c = name[i];
    text[i] = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return ShortText<31>({text.data(), size});
}

// Each protocol has two lines: "Tcp: RtoAlgorithm RtoMin ..." and "Tcp: 1 200 ...".
bool named_counts(std::string_view text, std::string_view protocol, std::vector<NamedCount>& into) {
  into.clear();
  while (!text.empty()) {
    std::string_view names = next_line(text);
    if (next_word(names) != protocol) continue;
    std::string_view values = next_line(text);
    if (next_word(values) != protocol) return false;
    while (true) {
      const std::string_view name = next_word(names);
      const std::string_view value = next_word(values);
      if (name.empty() && value.empty()) return true;
      auto number = parse_i64(value);
      if (!number && parse_u64(value)) number = std::numeric_limits<std::int64_t>::max();
      if (name.empty() || !number) return false;
      NamedCount& count = into.emplace_back();
      count.name = lower(name);
      count.value = *number;
    }
  }
  return true;
}

}  // namespace

bool parse_net_tcp(std::string_view text, Sample& into) {
  return count_tcp(text, into.sockets.make().tcp);
}
bool parse_net_tcp6(std::string_view text, Sample& into) {
  return count_tcp(text, into.sockets.make().tcp6);
}
bool parse_net_udp(std::string_view text, Sample& into) {
  return count_udp(text, into.sockets.make().udp);
}
bool parse_net_udp6(std::string_view text, Sample& into) {
  return count_udp(text, into.sockets.make().udp6);
}
bool parse_net_snmp(std::string_view text, Sample& into) {
  return named_counts(text, "Tcp:", into.sockets.make().snmp);
}
bool parse_net_netstat(std::string_view text, Sample& into) {
  return named_counts(text, "TcpExt:", into.sockets.make().netstat);
}

}  // namespace mete::collectors
