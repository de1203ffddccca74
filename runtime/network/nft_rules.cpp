// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/nft_rules.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>

#include "runtime/network/nft_words.h"

namespace mete::runtime::network::nft {
namespace {

constexpr std::size_t kRegister = 4;
constexpr unsigned kTypeBits = 6;  // of each field's type in a concatenation's (nftables' own numbers)

// `bytes` as whole registers.
std::uint32_t filled_up(std::uint32_t bytes) {
  constexpr std::uint32_t kSize = kRegister;
  return (bytes + kSize - 1) / kSize * kSize;
}

Message message_of(unsigned type, unsigned flags, std::uint8_t family) {
  struct nfgenmsg head {};
  head.nfgen_family = family;
  head.version = NFNETLINK_V0;
  return {NFNL_SUBSYS_NFTABLES << 8U | type, flags, head};
}

Message table_message(unsigned type, unsigned flags, std::uint8_t family, const std::string& name) {
  Message message = message_of(type, flags, family);
  message.add_text(NFTA_TABLE_NAME, name);
  return message;
}

Message chain_message(const Table& table, const Chain& chain) {
  Message message = message_of(NFT_MSG_NEWCHAIN, NLM_F_CREATE, table.family);
  message.add_text(NFTA_CHAIN_TABLE, table.name);
  message.add_text(NFTA_CHAIN_NAME, chain.name);
  if (!chain.hook) return message;
  const auto hook = message.begin(NFTA_CHAIN_HOOK | NLA_F_NESTED);
  message.add_big32(NFTA_HOOK_HOOKNUM, chain.hook->number);
  message.add_big32(NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(chain.hook->priority));
  message.end(hook);
  message.add_text(NFTA_CHAIN_TYPE, chain.hook->type);
  return message;
}

std::uint32_t type_of(const std::vector<Field>& all) {
  std::uint32_t type = 0;
  for (const auto& each : all) type = type << kTypeBits | each.type;
  return type;
}

std::uint32_t length_of(const std::vector<Field>& all) {
  // One field has its own length; several begin at a register each.
  if (all.size() == 1) return all.front().length;
  std::uint32_t length = 0;
  for (const auto& each : all) length += filled_up(each.length);
  return length;
}

Message set_message(const Table& table, const Set& set, std::uint32_t id) {
  Message message = message_of(NFT_MSG_NEWSET, NLM_F_CREATE, table.family);
  message.add_text(NFTA_SET_TABLE, table.name);
  message.add_text(NFTA_SET_NAME, set.name);
  std::uint32_t flags = 0;
  if (!set.value.empty() || set.verdicts) flags |= NFT_SET_MAP;
  message.add_big32(NFTA_SET_FLAGS, flags);
  message.add_big32(NFTA_SET_KEY_TYPE, type_of(set.key));
  message.add_big32(NFTA_SET_KEY_LEN, length_of(set.key));
  if (!set.value.empty()) {
    message.add_big32(NFTA_SET_DATA_TYPE, type_of(set.value));
    message.add_big32(NFTA_SET_DATA_LEN, length_of(set.value));
  }
  if (set.verdicts) message.add_big32(NFTA_SET_DATA_TYPE, NFT_DATA_VERDICT);
  message.add_big32(NFTA_SET_ID, id);
  return message;
}

Message rule_message(const Table& table, const Rule& rule) {
  Message message = message_of(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, table.family);
  message.add_text(NFTA_RULE_TABLE, table.name);
  message.add_text(NFTA_RULE_CHAIN, rule.chain);
  const auto all = message.begin(NFTA_RULE_EXPRESSIONS | NLA_F_NESTED);
  for (const auto& expression : rule.expressions) {
    const auto one = message.begin(NFTA_LIST_ELEM | NLA_F_NESTED);
    add_expression(message, expression);
    message.end(one);
  }
  message.end(all);
  return message;
}

// All rules of a chain.
Message empty_message(const Table& table, const std::string& chain) {
  Message message = message_of(NFT_MSG_DELRULE, 0, table.family);
  message.add_text(NFTA_RULE_TABLE, table.name);
  message.add_text(NFTA_RULE_CHAIN, chain);
  return message;
}

Message removal_message(const Table& table, const Chain& chain) {
  Message message = message_of(NFT_MSG_DELCHAIN, 0, table.family);
  message.add_text(NFTA_CHAIN_TABLE, table.name);
  message.add_text(NFTA_CHAIN_NAME, chain.name);
  return message;
}

Message removal_message(const Table& table, const Set& set) {
  Message message = message_of(NFT_MSG_DELSET, 0, table.family);
  message.add_text(NFTA_SET_TABLE, table.name);
  message.add_text(NFTA_SET_NAME, set.name);
  return message;
}

// An attribute has at most 64 KiB: many elements take several messages.
void add_elements(const Table& table, unsigned type, std::vector<Element> elements, std::vector<Message>& to) {
  constexpr std::size_t kAtOnce = 400;
  std::stable_sort(elements.begin(), elements.end(), [](const auto& a, const auto& b) { return a.set < b.set; });
  for (auto at = elements.begin(); at != elements.end();) {
    const auto same = std::find_if(at, elements.end(), [&](const auto& each) { return each.set != at->set; });
    const auto last = at + std::min<std::ptrdiff_t>(same - at, kAtOnce);
    Message message = message_of(type, type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0U, table.family);
    message.add_text(NFTA_SET_ELEM_LIST_TABLE, table.name);
    message.add_text(NFTA_SET_ELEM_LIST_SET, at->set);
    const auto all = message.begin(NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
    for (; at != last; ++at) {
      const auto one = message.begin(NFTA_LIST_ELEM | NLA_F_NESTED);
      add_data(message, NFTA_SET_ELEM_KEY, at->key);
      if (!at->value.empty()) add_data(message, NFTA_SET_ELEM_DATA, at->value);
      if (!at->jump.empty()) add_verdict(message, NFTA_SET_ELEM_DATA, NFT_JUMP, at->jump);
      message.end(one);
    }
    message.end(all);
    to.push_back(std::move(message));
  }
}

void add_parts(const Table& table, std::vector<Message>& to) {
  std::uint32_t id = 0;
  for (const auto& each : table.sets) to.push_back(set_message(table, each, ++id));
  for (const auto& each : table.chains) to.push_back(chain_message(table, each));
  for (const auto& each : table.rules) to.push_back(rule_message(table, each));
  add_elements(table, NFT_MSG_NEWSETELEM, table.elements, to);
}

}  // namespace

std::string fields(const std::vector<std::string>& parts) {
  std::string all;
  for (const auto& each : parts) {
    all += each;
    all.resize((all.size() + kRegister - 1) / kRegister * kRegister);
  }
  return all;
}

std::string interface_key(const std::string& name) {
  std::string key = name;
  key.resize(kInterface.length);
  return key;
}

std::vector<Message> replace(const Table& table) {
  std::vector<Message> all = remove(table.family, table.name);
  all.push_back(table_message(NFT_MSG_NEWTABLE, NLM_F_CREATE, table.family, table.name));
  add_parts(table, all);
  return all;
}

std::vector<Message> remove(std::uint8_t family, const std::string& name) {
  // Made first, since the kernel refuses to remove what is not there, and with it the whole transaction.
  return {table_message(NFT_MSG_NEWTABLE, NLM_F_CREATE, family, name),
          table_message(NFT_MSG_DELTABLE, 0, family, name)};
}

std::vector<Message> change(const Table& added, const Table& removed) {
  std::vector<Message> all;
  // What refers to something goes before it.
  add_elements(removed, NFT_MSG_DELSETELEM, removed.elements, all);
  for (const auto& each : removed.chains) all.push_back(empty_message(removed, each.name));
  for (const auto& each : removed.chains) all.push_back(removal_message(removed, each));
  for (const auto& each : removed.sets) all.push_back(removal_message(removed, each));
  add_parts(added, all);
  return all;
}

}  // namespace mete::runtime::network::nft
