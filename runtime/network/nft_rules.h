// SPDX-License-Identifier: Apache-2.0
// Tables of nftables as data, and as the netlink messages that make them. Pure. The words are the kernel's
// (include/uapi/linux/netfilter/nf_tables.h): an expression loads a value into registers, or decides by what they hold.
// Registers are of 4 bytes; a value takes as many as it needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/network/netlink.h"

namespace mete::runtime::network::nft {

// Loads.
struct Meta {
  std::uint32_t key = 0;  // NFT_META_*
  std::uint32_t to = 0;   // the first register, from 0
  bool operator==(const Meta&) const = default;
};
struct Payload {
  std::uint32_t base = 0;  // NFT_PAYLOAD_*
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
  std::uint32_t to = 0;
  bool operator==(const Payload&) const = default;
};
struct Conntrack {
  std::uint32_t key = 0;  // NFT_CT_*
  std::uint32_t to = 0;
  bool operator==(const Conntrack&) const = default;
};
struct DestinationType {  // RTN_* of the packet's destination, as this machine would route it
  std::uint32_t to = 0;
  bool operator==(const DestinationType&) const = default;
};
struct Random {  // a number from 0 to modulus - 1, another one for each packet
  std::uint32_t modulus = 0;
  std::uint32_t to = 0;
  bool operator==(const Random&) const = default;
};
struct Hash {  // the same, of the bytes in registers
  std::uint32_t from = 0;
  std::uint32_t length = 0;  // bytes
  std::uint32_t modulus = 0;
  std::uint32_t to = 0;
  bool operator==(const Hash&) const = default;
};
struct Value {  // these bytes
  std::uint32_t to = 0;
  std::string bytes;
  bool operator==(const Value&) const = default;
};
struct Mask {  // the register's bits that are not in the mask become 0
  std::uint32_t at = 0;
  std::string mask;
  bool operator==(const Mask&) const = default;
};

// Decisions: a rule ends at the first that does not hold.
struct Compare {
  std::uint32_t at = 0;
  bool equal = true;
  std::string value;
  bool operator==(const Compare&) const = default;
};
struct Lookup {
  std::string set;
  std::uint32_t at = 0;
  bool inverted = false;
  std::optional<std::uint32_t> to;  // of a map: where its value goes
  bool operator==(const Lookup&) const = default;
};
struct Between {  // two bounds of the same length, both included
  std::uint32_t at = 0;
  std::string first;
  std::string last;
  bool operator==(const Between&) const = default;
};

// What is done.
struct Dispatch {  // the verdict that a map of verdicts has for the bytes in registers; without one the rule ends
  std::string map;
  std::uint32_t at = 0;
  bool operator==(const Dispatch&) const = default;
};
struct Count {
  bool operator==(const Count&) const = default;
};
struct Verdict {
  std::int32_t code = 0;  // NF_ACCEPT, NF_DROP, NFT_JUMP
  std::string chain;      // of a jump
  bool operator==(const Verdict&) const = default;
};
struct DestinationNat {
  std::uint32_t family = 0;  // NFPROTO_*
  std::uint32_t address = 0;
  std::uint32_t port = 0;
  bool operator==(const DestinationNat&) const = default;
};
struct Rewrite {  // what registers hold goes into the packet, and the 16-bit checksum of the same header follows
  std::uint32_t base = 0;  // NFT_PAYLOAD_*
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
  std::uint32_t checksum = 0;  // its offset
  std::uint32_t from = 0;
  bool operator==(const Rewrite&) const = default;
};
struct Masquerade {
  bool operator==(const Masquerade&) const = default;
};
struct Reject {  // with "port unreachable"
  bool operator==(const Reject&) const = default;
};

using Expression = std::variant<Meta, Payload, Conntrack, DestinationType, Random, Hash, Value, Mask, Compare, Lookup,
                                Between, Dispatch, Count, Verdict, DestinationNat, Rewrite, Masquerade, Reject>;

struct Rule {
  std::string chain;
  std::vector<Expression> expressions;
  bool operator==(const Rule&) const = default;
};

struct Hook {
  std::uint32_t number = 0;  // NF_INET_PRE_ROUTING, ...; the same numbers in family bridge
  std::int32_t priority = 0;
  std::string type = "filter";
  bool operator==(const Hook&) const = default;
};
struct Chain {
  std::string name;
  std::optional<Hook> hook;  // empty: only jumped to
  bool operator==(const Chain&) const = default;
};

// The parts of a key or a value, each with its type as `nft` shows it and its length in bytes.
struct Field {
  std::uint32_t type = 0;
  std::uint32_t length = 0;
  bool operator==(const Field&) const = default;
};
inline constexpr Field kAddress4{7, 4};
inline constexpr Field kAddress6{8, 16};
inline constexpr Field kHardware{9, 6};
inline constexpr Field kProtocol{12, 1};
inline constexpr Field kPort{13, 2};
inline constexpr Field kMark{19, 4};
inline constexpr Field kInterface{41, 16};

struct Set {
  std::string name;
  std::vector<Field> key;
  std::vector<Field> value;  // empty: a set; otherwise a map
  bool verdicts = false;     // it is a map whose values are chains
  bool operator==(const Set&) const = default;
};
struct Element {
  std::string set;
  std::string key;        // fields(), so each part begins at a register
  std::string value;      // the same; empty in a set
  std::string jump = {};  // of verdicts: the chain that goes on, and comes back here
  bool operator==(const Element&) const = default;
  auto operator<=>(const Element&) const = default;
};

struct Table {
  std::uint8_t family = 0;  // NFPROTO_*
  std::string name;
  std::vector<Chain> chains;
  std::vector<Set> sets;
  std::vector<Rule> rules;  // of one chain in their order
  std::vector<Element> elements;
  bool operator==(const Table&) const = default;
};

// Bytes side by side, each part filled up to a whole register.
[[nodiscard]] std::string fields(const std::vector<std::string>& parts);
// A name of an interface as a key.
[[nodiscard]] std::string interface_key(const std::string& name);

// The messages of one transaction. Replaces the table, whatever is there, or makes it.
[[nodiscard]] std::vector<Message> replace(const Table& table);
// Removes the table; an absent one is no error.
[[nodiscard]] std::vector<Message> remove(std::uint8_t family, const std::string& name);
// Parts of an existing table go and others come: `removed` (of its rules nothing is read: those of a chain go with it,
// and the elements of a set with that), then `added`. An element to be added that is there already is no error when its
// value is the same; one to be removed must be there.
[[nodiscard]] std::vector<Message> change(const Table& added, const Table& removed);

}  // namespace mete::runtime::network::nft
