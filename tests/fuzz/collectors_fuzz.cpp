// SPDX-License-Identifier: Apache-2.0
// All parsers of kernel text: whatever the bytes, no crash, no overflow; and what is kept in a file reads back the
// same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "collectors/cumulative.h"
#include "collectors/effective.h"
#include "collectors/kernel/collector.h"
#include "collectors/kernel/machine.h"
#include "collectors/kernel/process_walk.h"
#include "collectors/usage_walker.h"
#include "runtime/cgroup/hierarchies.h"
#include "runtime/cgroup/limits/limit_writes.h"
#include "tests/support/readings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mete::collectors;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Sample sample;
  for (const Collector& collector : builtin_collectors()) {
    for (const SourceFile& file : collector.files) (void)file.parse(text, sample);
  }
  for (const auto parse : {parse_net_dev, parse_net_tcp, parse_net_tcp6, parse_net_udp, parse_net_udp6, parse_net_snmp,
                           parse_net_netstat}) {
    (void)parse(text, sample);
  }
  (void)parse_machine(text, text);
  (void)parse_cache_size(text);
  (void)os_version_of(text);
  (void)count_of_list(text);
  (void)state_of_stat(text);
  (void)open_files_limit(text);
  (void)device_of_mount(text, 254, 1);
  if (const auto counters = parse_schedstat(text)) {
    SchedstatSum sum;
    sum.seen(1, *counters, 1);
    sum.seen(1, {}, 2);
    sum.seen(2, *counters, 2);
    sum.end_of(3);
    if (sum.total().run < counters->run) std::abort();
  }

  const LabelBlock labels{{"id", text}};
  (void)render(reading_of(labels, sample));
  (void)render(reading_of(labels, sample), Format::kOpenMetrics);

  const std::string kept = to_text(sample);
  const auto back = from_text(kept);
  if (!back) std::abort();
  // Interfaces of the same name (the kernel has none) become one; from then on nothing changes.
  const std::string again = to_text(*back);
  if (const auto twice = from_text(again); !twice || to_text(*twice) != again) std::abort();
  (void)add(sample, *back);
  const Sample* const chain[] = {&sample, nullptr, &*back};
  (void)effective_limits(chain, parse_machine(text, text));
  (void)from_text(text);

  const auto cut = static_cast<std::size_t>(data[0]) % size;
  (void)mete::runtime::cgroup::parse_hierarchies(text, text.substr(0, cut));
  (void)mete::runtime::cgroup::parse_memberships(text);
  (void)mete::runtime::cgroup::same_setting("cpuset.cpus", text, text.substr(0, cut));
  return 0;
}
