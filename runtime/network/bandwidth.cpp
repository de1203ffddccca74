// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/bandwidth.h"

#include <arpa/inet.h>
#include <linux/gen_stats.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "runtime/network/network_spec.h"

namespace mete::runtime::network {
namespace {

constexpr const char* kTokenBucket = "tbf";
constexpr std::uint64_t kUsualBurst = 64U << 10U;  // a whole segment of the kernel's offloading
constexpr std::uint64_t kBurstsInASecond = 100;
constexpr std::uint64_t kQueuesInASecond = 20;  // 50 ms wait in the queue at most

constexpr const char* kShaperPrefix = "mti";
constexpr const char* kFormerShaperPrefix = "mtb";
constexpr std::uint32_t kIncoming = 0xFFFF0000;  // ffff:, the handle of the queue of what comes in

Message remove_queue(int index, std::uint32_t parent) {
  struct tcmsg head {};
  head.tcm_ifindex = index;
  head.tcm_parent = parent;
  return {RTM_DELQDISC, 0, head};
}

std::uint32_t at_most_u32(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, std::numeric_limits<std::uint32_t>::max()));
}

// The rest of the name says whose end it is.
std::string with_prefix(const char* prefix, const std::string& device) {
  return prefix + device.substr(std::min(device.size(), std::string_view(kDevicePrefix).size()));
}

}  // namespace

Message limit_rate(int index, std::uint64_t bytes_per_second, std::uint64_t burst) {
  if (burst == 0) burst = std::max(kUsualBurst, bytes_per_second / kBurstsInASecond);
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

Message free_rate(int index) {
  return remove_queue(index, TC_H_ROOT);
}

std::string shaper_of(const std::string& device) {
  return with_prefix(kShaperPrefix, device);
}

std::string former_shaper_of(const std::string& device) {
  return with_prefix(kFormerShaperPrefix, device);
}

Message hold_incoming(int from) {
  struct tcmsg head {};
  head.tcm_ifindex = from;
  head.tcm_parent = TC_H_INGRESS;
  head.tcm_handle = kIncoming;
  Message message(RTM_NEWQDISC, NLM_F_CREATE, head);
  message.add_text(TCA_KIND, "ingress");
  return message;
}

Message redirect_incoming(int from, int shaper) {
  constexpr std::uint32_t kFirst = 1U << 16U;        // the priority
  constexpr std::uint32_t kOnlyFilter = 0x80000800;  // 800::800: a second one of that number is refused
  struct tcmsg head {};
  head.tcm_ifindex = from;
  head.tcm_parent = kIncoming;
  head.tcm_handle = kOnlyFilter;
  head.tcm_info = kFirst | htons(ETH_P_ALL);
  Message message(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, head);
  message.add_text(TCA_KIND, "u32");
  const auto options = message.begin(TCA_OPTIONS | NLA_F_NESTED);
  struct tc_u32_sel all {};  // no key: every packet
  all.flags = TC_U32_TERMINAL;
  message.add(TCA_U32_SEL, &all, sizeof all);
  const auto actions = message.begin(TCA_U32_ACT | NLA_F_NESTED);
  const auto action = message.begin(1 | NLA_F_NESTED);
  message.add_text(TCA_ACT_KIND, "mirred");
  const auto parameters = message.begin(TCA_ACT_OPTIONS | NLA_F_NESTED);
  struct tc_mirred redirect {};
  redirect.action = TC_ACT_STOLEN;
  redirect.eaction = TCA_EGRESS_REDIR;
  redirect.ifindex = static_cast<__u32>(shaper);
  message.add(TCA_MIRRED_PARMS, &redirect, sizeof redirect);
  message.end(parameters);
  message.end(action);
  message.end(actions);
  message.end(options);
  return message;
}

Message free_incoming(int from) {
  return remove_queue(from, TC_H_INGRESS);
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
