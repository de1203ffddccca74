// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/bandwidth.h"

#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace mete::runtime::network {
namespace {

constexpr const char* kTokenBucket = "tbf";
constexpr std::uint64_t kLeastBurst = 64U << 10U;  // a whole segment of the kernel's offloading
constexpr std::uint64_t kBurstsInASecond = 100;
constexpr std::uint64_t kQueuesInASecond = 20;  // 50 ms wait in the queue at most

std::uint32_t at_most_u32(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

Message limit_rate(int index, std::uint64_t bytes_per_second) {
  const std::uint64_t burst = std::max(kLeastBurst, bytes_per_second / kBurstsInASecond);
  struct tcmsg head {};
  head.tcm_ifindex = index;
  head.tcm_parent = TC_H_ROOT;
  head.tcm_handle = 0x10000;  // 1:0
  Message message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, head);
  message.add_text(TCA_KIND, kTokenBucket);
  const auto options = message.begin(TCA_OPTIONS | NLA_F_NESTED);
  struct tc_tbf_qopt parameters {};
  parameters.rate.rate = at_most_u32(bytes_per_second);
  parameters.rate.linklayer = TC_LINKLAYER_ETHERNET;
  parameters.limit = at_most_u32(burst + bytes_per_second / kQueuesInASecond);
  message.add(TCA_TBF_PARMS, &parameters, sizeof parameters);
  if (bytes_per_second > std::numeric_limits<std::uint32_t>::max())
    message.add(TCA_TBF_RATE64, &bytes_per_second, sizeof bytes_per_second);
  message.add_u32(TCA_TBF_BURST, at_most_u32(burst));
  message.end(options);
  return message;
}

Message list_queues() {
  return {RTM_GETQDISC, 0, tcmsg{}};
}

std::optional<QueueCounts> queue_of(const struct nlmsghdr& message) {
  const std::string_view body = body_of(message);
  struct tcmsg head {};
  if (message.nlmsg_type != RTM_NEWQDISC || body.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, body.data(), sizeof head);
  QueueCounts counts{head.tcm_ifindex};
  bool bucket = false;
  for (const auto& each : attributes_in(body.substr(sizeof head))) {
    if (each.type == TCA_KIND) bucket = each.text() == kTokenBucket;
    if (each.type != TCA_STATS2) continue;
    for (const auto& part : attributes_in(each.data)) {
      struct gnet_stats_queue queue {};
      if (part.type != TCA_STATS_QUEUE || part.data.size() < sizeof queue) continue;
      std::memcpy(&queue, part.data.data(), sizeof queue);
      counts.delayed = queue.overlimits;
      counts.dropped = queue.drops;
    }
  }
  return bucket ? std::optional(counts) : std::nullopt;
}

}  // namespace mete::runtime::network
