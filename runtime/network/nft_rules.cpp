// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/nft_rules.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>

namespace mete::runtime::network::nft {
namespace {

constexpr std::size_t kRegister = 4;
constexpr unsigned kTypeBits = 6;  // of each field's type in a concatenation's (nftables' own numbers)

// `bytes` as whole registers.
std::uint32_t filled_up(std::uint32_t bytes) {
  constexpr std::uint32_t kSize = kRegister;
  return (bytes + kSize - 1) / kSize * kSize;
}

std::uint32_t register_of(std::uint32_t number) {
  return NFT_REG32_00 + number;
}

Message message_of(unsigned type, unsigned flags, std::uint8_t family) {
  struct nfgenmsg head {};
  head.nfgen_family = family;
  head.version = NFNETLINK_V0;
  return {NFNL_SUBSYS_NFTABLES << 8U | type, flags, head};
}

void add_data(Message& message, unsigned type, const std::string& bytes) {
  const auto data = message.begin(type | NLA_F_NESTED);
  message.add_bytes(NFTA_DATA_VALUE, bytes);
  message.end(data);
}

// Each writes its name, then its attributes.
class Writer {
 public:
  explicit Writer(Message& message) : message_(message) {}

  void operator()(const Meta& each) {
    const auto data = begin("meta");
    message_.add_big32(NFTA_META_DREG, register_of(each.to));
    message_.add_big32(NFTA_META_KEY, each.key);
    message_.end(data);
  }
  void operator()(const Payload& each) {
    const auto data = begin("payload");
    message_.add_big32(NFTA_PAYLOAD_DREG, register_of(each.to));
    message_.add_big32(NFTA_PAYLOAD_BASE, each.base);
    message_.add_big32(NFTA_PAYLOAD_OFFSET, each.offset);
    message_.add_big32(NFTA_PAYLOAD_LEN, each.length);
    message_.end(data);
  }
  void operator()(const Conntrack& each) {
    const auto data = begin("ct");
    message_.add_big32(NFTA_CT_DREG, register_of(each.to));
    message_.add_big32(NFTA_CT_KEY, each.key);
    message_.end(data);
  }
  void operator()(const DestinationType& each) {
    const auto data = begin("fib");
    message_.add_big32(NFTA_FIB_DREG, register_of(each.to));
    message_.add_big32(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
    message_.add_big32(NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
    message_.end(data);
  }
  void operator()(const Random& each) {
    const auto data = begin("numgen");
    message_.add_big32(NFTA_NG_DREG, register_of(each.to));
    message_.add_big32(NFTA_NG_MODULUS, each.modulus);
    message_.add_big32(NFTA_NG_TYPE, NFT_NG_RANDOM);
    message_.end(data);
  }
  void operator()(const Hash& each) {
    constexpr std::uint32_t kSeed = 0x6d657465;  // one and the same, so that new rules choose as the old ones did
    const auto data = begin("hash");
    message_.add_big32(NFTA_HASH_SREG, register_of(each.from));
    message_.add_big32(NFTA_HASH_DREG, register_of(each.to));
    message_.add_big32(NFTA_HASH_LEN, each.length);
    message_.add_big32(NFTA_HASH_MODULUS, each.modulus);
    message_.add_big32(NFTA_HASH_SEED, kSeed);
    message_.add_big32(NFTA_HASH_TYPE, NFT_HASH_JENKINS);
    message_.end(data);
  }
  void operator()(const Mask& each) {
    const auto data = begin("bitwise");
    message_.add_big32(NFTA_BITWISE_SREG, register_of(each.at));
    message_.add_big32(NFTA_BITWISE_DREG, register_of(each.at));
    message_.add_big32(NFTA_BITWISE_LEN, static_cast<std::uint32_t>(each.mask.size()));
    add_data(message_, NFTA_BITWISE_MASK, each.mask);
    add_data(message_, NFTA_BITWISE_XOR, std::string(each.mask.size(), '\0'));
    message_.end(data);
  }
  void operator()(const Compare& each) {
    const auto data = begin("cmp");
    message_.add_big32(NFTA_CMP_SREG, register_of(each.at));
    message_.add_big32(NFTA_CMP_OP, each.equal ? NFT_CMP_EQ : NFT_CMP_NEQ);
    add_data(message_, NFTA_CMP_DATA, each.value);
    message_.end(data);
  }
  void operator()(const Lookup& each) {
    const auto data = begin("lookup");
    message_.add_text(NFTA_LOOKUP_SET, each.set);
    message_.add_big32(NFTA_LOOKUP_SREG, register_of(each.at));
    if (each.to) message_.add_big32(NFTA_LOOKUP_DREG, register_of(*each.to));
    if (each.inverted) message_.add_big32(NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
    message_.end(data);
  }
  void operator()(const Count&) { message_.end(begin("counter")); }
  void operator()(const Verdict& each) {
    const auto data = begin("immediate");
    message_.add_big32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    const auto value = message_.begin(NFTA_IMMEDIATE_DATA | NLA_F_NESTED);
    const auto verdict = message_.begin(NFTA_DATA_VERDICT | NLA_F_NESTED);
    message_.add_big32(NFTA_VERDICT_CODE, static_cast<std::uint32_t>(each.code));
    if (!each.chain.empty()) message_.add_text(NFTA_VERDICT_CHAIN, each.chain);
    message_.end(verdict);
    message_.end(value);
    message_.end(data);
  }
  void operator()(const DestinationNat& each) {
    const auto data = begin("nat");
    message_.add_big32(NFTA_NAT_TYPE, NFT_NAT_DNAT);
    message_.add_big32(NFTA_NAT_FAMILY, each.family);
    message_.add_big32(NFTA_NAT_REG_ADDR_MIN, register_of(each.address));
    message_.add_big32(NFTA_NAT_REG_PROTO_MIN, register_of(each.port));
    message_.end(data);
  }
  void operator()(const Masquerade&) { message_.end(begin("masq")); }
  void operator()(const Reject&) {
    const auto data = begin("reject");
    message_.add_big32(NFTA_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
    message_.add_u8(NFTA_REJECT_ICMP_CODE, NFT_REJECT_ICMPX_PORT_UNREACH);
    message_.end(data);
  }

 private:
  std::size_t begin(const char* name) {
    message_.add_text(NFTA_EXPR_NAME, name);
    return message_.begin(NFTA_EXPR_DATA | NLA_F_NESTED);
  }
  Message& message_;
};

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
  if (!set.value.empty()) flags |= NFT_SET_MAP;
  if (set.spans) flags |= static_cast<std::uint32_t>(NFT_SET_INTERVAL) | static_cast<std::uint32_t>(NFT_SET_CONCAT);
  message.add_big32(NFTA_SET_FLAGS, flags);
  message.add_big32(NFTA_SET_KEY_TYPE, type_of(set.key));
  message.add_big32(NFTA_SET_KEY_LEN, length_of(set.key));
  if (!set.value.empty()) {
    message.add_big32(NFTA_SET_DATA_TYPE, type_of(set.value));
    message.add_big32(NFTA_SET_DATA_LEN, length_of(set.value));
  }
  message.add_big32(NFTA_SET_ID, id);
  if (!set.spans) return message;
  const auto description = message.begin(NFTA_SET_DESC | NLA_F_NESTED);
  const auto fields = message.begin(NFTA_SET_DESC_CONCAT | NLA_F_NESTED);
  for (const auto& each : set.key) {
    const auto field = message.begin(NFTA_LIST_ELEM | NLA_F_NESTED);
    message.add_big32(NFTA_SET_FIELD_LEN, each.length);
    message.end(field);
  }
  message.end(fields);
  message.end(description);
  return message;
}

Message rule_message(const Table& table, const Rule& rule) {
  Message message = message_of(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, table.family);
  message.add_text(NFTA_RULE_TABLE, table.name);
  message.add_text(NFTA_RULE_CHAIN, rule.chain);
  const auto all = message.begin(NFTA_RULE_EXPRESSIONS | NLA_F_NESTED);
  for (const auto& expression : rule.expressions) {
    const auto one = message.begin(NFTA_LIST_ELEM | NLA_F_NESTED);
    std::visit(Writer(message), expression);
    message.end(one);
  }
  message.end(all);
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
      if (!at->last.empty()) add_data(message, NFTA_SET_ELEM_KEY_END, at->last);
      if (!at->value.empty()) add_data(message, NFTA_SET_ELEM_DATA, at->value);
      message.end(one);
    }
    message.end(all);
    to.push_back(std::move(message));
  }
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
  std::uint32_t id = 0;
  for (const auto& each : table.sets) all.push_back(set_message(table, each, ++id));
  for (const auto& each : table.chains) all.push_back(chain_message(table, each));
  for (const auto& each : table.rules) all.push_back(rule_message(table, each));
  add_elements(table, NFT_MSG_NEWSETELEM, table.elements, all);
  return all;
}

std::vector<Message> remove(std::uint8_t family, const std::string& name) {
  // Made first, since the kernel refuses to remove what is not there, and with it the whole transaction.
  return {table_message(NFT_MSG_NEWTABLE, NLM_F_CREATE, family, name),
          table_message(NFT_MSG_DELTABLE, 0, family, name)};
}

std::vector<Message> change(const Table& table, const std::vector<Element>& added,
                            const std::vector<Element>& removed) {
  std::vector<Message> all;
  add_elements(table, NFT_MSG_DELSETELEM, removed, all);
  add_elements(table, NFT_MSG_NEWSETELEM, added, all);
  return all;
}

}  // namespace mete::runtime::network::nft
