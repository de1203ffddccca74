// SPDX-License-Identifier: Apache-2.0
#include <linux/netfilter/nf_tables.h>

#include "runtime/network/nft_rules.h"
#include "runtime/network/nft_words.h"

namespace mete::runtime::network::nft {
namespace {

std::uint32_t register_of(std::uint32_t number) {
  return NFT_REG32_00 + number;
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
  void operator()(const Value& each) {
    const auto data = begin("immediate");
    message_.add_big32(NFTA_IMMEDIATE_DREG, register_of(each.to));
    add_data(message_, NFTA_IMMEDIATE_DATA, each.bytes);
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
  void operator()(const Between& each) {
    const auto data = begin("range");
    message_.add_big32(NFTA_RANGE_SREG, register_of(each.at));
    message_.add_big32(NFTA_RANGE_OP, NFT_RANGE_EQ);
    add_data(message_, NFTA_RANGE_FROM_DATA, each.first);
    add_data(message_, NFTA_RANGE_TO_DATA, each.last);
    message_.end(data);
  }
  void operator()(const Dispatch& each) {
    const auto data = begin("lookup");
    message_.add_text(NFTA_LOOKUP_SET, each.map);
    message_.add_big32(NFTA_LOOKUP_SREG, register_of(each.at));
    message_.add_big32(NFTA_LOOKUP_DREG, NFT_REG_VERDICT);
    message_.end(data);
  }
  void operator()(const Count&) { message_.end(begin("counter")); }
  void operator()(const Verdict& each) {
    const auto data = begin("immediate");
    message_.add_big32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    add_verdict(message_, NFTA_IMMEDIATE_DATA, each.code, each.chain);
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
  void operator()(const Rewrite& each) {
    const auto data = begin("payload");
    message_.add_big32(NFTA_PAYLOAD_SREG, register_of(each.from));
    message_.add_big32(NFTA_PAYLOAD_BASE, each.base);
    message_.add_big32(NFTA_PAYLOAD_OFFSET, each.offset);
    message_.add_big32(NFTA_PAYLOAD_LEN, each.length);
    message_.add_big32(NFTA_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_INET);
    message_.add_big32(NFTA_PAYLOAD_CSUM_OFFSET, each.checksum);
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

}  // namespace

void add_data(Message& message, unsigned type, const std::string& bytes) {
  const auto data = message.begin(type | NLA_F_NESTED);
  message.add_bytes(NFTA_DATA_VALUE, bytes);
  message.end(data);
}

void add_verdict(Message& message, unsigned type, std::int32_t code, const std::string& chain) {
  const auto value = message.begin(type | NLA_F_NESTED);
  const auto verdict = message.begin(NFTA_DATA_VERDICT | NLA_F_NESTED);
  message.add_big32(NFTA_VERDICT_CODE, static_cast<std::uint32_t>(code));
  if (!chain.empty()) message.add_text(NFTA_VERDICT_CHAIN, chain);
  message.end(verdict);
  message.end(value);
}

void add_expression(Message& message, const Expression& expression) {
  std::visit(Writer(message), expression);
}

}  // namespace mete::runtime::network::nft
