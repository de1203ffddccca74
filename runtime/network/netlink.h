// SPDX-License-Identifier: Apache-2.0
// Netlink without a library: messages as bytes, and a socket that sends several in one datagram and reads their answers
// (netlink(7), include/uapi/linux/netlink.h). For links and rules alike. libnftables and libnl are not used: the former
// is GPL-2.0-only, and text that is parsed again costs more than the change itself.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::runtime::network {

// A message that grows by attributes. Numbers are in the machine's order, `big` ones in the network's (nfnetlink).
class Message {
 public:
  template <class Head>
  Message(unsigned type, unsigned flags, const Head& head) {
    struct nlmsghdr header {};
    header.nlmsg_type = static_cast<__u16>(type);
    header.nlmsg_flags = static_cast<__u16>(flags | NLM_F_REQUEST);
    append(&header, sizeof header);
    append(&head, sizeof head);
    finish();
  }

  void add(unsigned type, const void* data, std::size_t size);
  void add_bytes(unsigned type, std::string_view bytes) { add(type, bytes.data(), bytes.size()); }
  void add_text(unsigned type, const std::string& text) { add(type, text.c_str(), text.size() + 1); }  // with its NUL
  void add_u8(unsigned type, std::uint8_t value) { add(type, &value, sizeof value); }
  void add_u16(unsigned type, std::uint16_t value) { add(type, &value, sizeof value); }
  void add_u32(unsigned type, std::uint32_t value) { add(type, &value, sizeof value); }
  void add_big32(unsigned type, std::uint32_t value);
  // Attributes inside an attribute: what is added until end(begin(...)). A plain header may stand before them.
  [[nodiscard]] std::size_t begin(unsigned type);
  template <class Head>
  [[nodiscard]] std::size_t begin(unsigned type, const Head& head) {
    const std::size_t at = begin(type);
    append(&head, sizeof head);
    return at;
  }
  void end(std::size_t begun);

  void set_sequence(std::uint32_t sequence);
  void add_flags(unsigned flags);
  [[nodiscard]] std::uint16_t type() const;
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  void append(const void* data, std::size_t size);
  void finish();
  std::string bytes_;
};

// One attribute of a received message.
struct Attribute {
  unsigned type = 0;
  std::string_view data;
  [[nodiscard]] std::uint32_t u32() const;
  [[nodiscard]] std::string text() const;  // up to a NUL
};
// The attributes in `bytes`, which may be cut or hostile; what does not fit ends the list.
[[nodiscard]] std::vector<Attribute> attributes_in(std::string_view bytes);
// Of a received message: what stands behind its header of `head` bytes.
[[nodiscard]] std::string_view body_of(const struct nlmsghdr& message);

class NetlinkSocket {
 public:
  // `protocol`: NETLINK_ROUTE or NETLINK_NETFILTER. It belongs to the network namespace of the calling thread for ever.
  [[nodiscard]] static Result<NetlinkSocket> open(int protocol);

  // Sends all in one datagram, and waits for an acknowledgement of each. The kernel carries them out in order, and goes
  // on after one that fails. The error is that of the first one that failed; `index` is its place.
  struct Failure {
    std::size_t index = 0;
    Error error;
  };
  using Done = tl::expected<void, Failure>;
  [[nodiscard]] Done request(std::vector<Message> messages);
  // A transaction of nfnetlink: all of it or nothing. The first and the last are the batch's own words.
  [[nodiscard]] Done transact(std::vector<Message> messages);
  // Calls `take` with each message of the answer.
  [[nodiscard]] Status dump(Message message, const std::function<void(const struct nlmsghdr&)>& take);

 private:
  explicit NetlinkSocket(UniqueFd socket) : socket_(std::move(socket)) {}
  Status send(const std::string& bytes);
  Done receive(std::uint32_t first, std::uint32_t last, std::size_t expected);
  UniqueFd socket_;
  std::uint32_t sequence_ = 0;
};

}  // namespace mete::runtime::network
