// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/netlink.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <optional>

namespace mete::runtime::network {
namespace {

constexpr std::size_t kReceiveBytes = std::size_t{64} << 10U;

// The kernel's own words for an error, where it has some (NETLINK_EXT_ACK).
std::string words_of(const struct nlmsghdr& message) {
  if ((message.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
  const std::string_view body = body_of(message);
  std::size_t skipped = sizeof(struct nlmsgerr);
  if ((message.nlmsg_flags & NLM_F_CAPPED) == 0) {
    struct nlmsgerr head {};
    std::memcpy(&head, body.data(), std::min(sizeof head, body.size()));
    skipped += NLMSG_ALIGN(head.msg.nlmsg_len) - sizeof(struct nlmsghdr);
  }
  if (skipped >= body.size()) return {};
  for (const auto& each : attributes_in(body.substr(skipped))) {
    if (each.type == NLMSGERR_ATTR_MSG) return each.text();
  }
  return {};
}

int error_of(const struct nlmsghdr& message) {
  int error = 0;
  const std::string_view body = body_of(message);
  if (body.size() >= sizeof error) std::memcpy(&error, body.data(), sizeof error);
  return -error;
}

Error as_error(int code, const std::string& words) {
  return {code, std::strerror(code) + (words.empty() ? "" : " (" + words + ")")};
}

// Calls `take` with each message of a datagram until it returns false.
template <class Take>
bool each_message(const char* bytes, std::size_t size, Take take) {
  while (size >= sizeof(struct nlmsghdr)) {
    struct nlmsghdr head {};
    std::memcpy(&head, bytes, sizeof head);
    if (head.nlmsg_len < sizeof head || head.nlmsg_len > size) return true;
    if (!take(*static_cast<const struct nlmsghdr*>(static_cast<const void*>(bytes)))) return false;
    const std::size_t step = std::min<std::size_t>(NLMSG_ALIGN(head.nlmsg_len), size);
    bytes += step;
    size -= step;
  }
  return true;
}

}  // namespace

void Message::append(const void* data, std::size_t size) {
  bytes_.append(static_cast<const char*>(data), size);
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
}

void Message::finish() {
  const auto length = static_cast<__u32>(bytes_.size());
  std::memcpy(bytes_.data(), &length, sizeof length);
}

void Message::add(unsigned type, const void* data, std::size_t size) {
  struct nlattr head {};
  head.nla_type = static_cast<__u16>(type);
  head.nla_len = static_cast<__u16>(NLA_HDRLEN + size);
  append(&head, sizeof head);
  append(data, size);
  finish();
}

void Message::add_big32(unsigned type, std::uint32_t value) {
  add_u32(type, htonl(value));
}

std::size_t Message::begin(unsigned type) {
  const std::size_t at = bytes_.size();
  struct nlattr head {};
  head.nla_type = static_cast<__u16>(type);
  append(&head, sizeof head);
  return at;
}

void Message::end(std::size_t begun) {
  const auto length = static_cast<__u16>(bytes_.size() - begun);
  std::memcpy(bytes_.data() + begun, &length, sizeof length);
  finish();
}

void Message::set_sequence(std::uint32_t sequence) {
  std::memcpy(bytes_.data() + offsetof(struct nlmsghdr, nlmsg_seq), &sequence, sizeof sequence);
}

void Message::add_flags(unsigned flags) {
  __u16 all = 0;
  std::memcpy(&all, bytes_.data() + offsetof(struct nlmsghdr, nlmsg_flags), sizeof all);
  all = static_cast<__u16>(all | flags);
  std::memcpy(bytes_.data() + offsetof(struct nlmsghdr, nlmsg_flags), &all, sizeof all);
}

std::uint16_t Message::type() const {
  std::uint16_t type = 0;
  std::memcpy(&type, bytes_.data() + offsetof(struct nlmsghdr, nlmsg_type), sizeof type);
  return type;
}

std::uint32_t Attribute::u32() const {
  std::uint32_t value = 0;
  std::memcpy(&value, data.data(), std::min(sizeof value, data.size()));
  return value;
}

std::string Attribute::text() const {
  return std::string(data.substr(0, data.find('\0')));
}

std::vector<Attribute> attributes_in(std::string_view bytes) {
  std::vector<Attribute> found;
  while (bytes.size() >= NLA_HDRLEN) {
    struct nlattr head {};
    std::memcpy(&head, bytes.data(), sizeof head);
    if (head.nla_len < NLA_HDRLEN || head.nla_len > bytes.size()) break;
    found.push_back({static_cast<unsigned>(head.nla_type) & static_cast<unsigned>(NLA_TYPE_MASK),
                     bytes.substr(NLA_HDRLEN, head.nla_len - NLA_HDRLEN)});
    bytes.remove_prefix(std::min<std::size_t>(NLA_ALIGN(head.nla_len), bytes.size()));
  }
  return found;
}

std::string_view body_of(const struct nlmsghdr& message) {
  return {static_cast<const char*>(static_cast<const void*>(&message)) + NLMSG_HDRLEN,
          message.nlmsg_len - static_cast<std::size_t>(NLMSG_HDRLEN)};
}

Result<NetlinkSocket> NetlinkSocket::open(int protocol) {
  UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!socket.valid()) return fail_errno("open a netlink socket");
  const int on = 1;
  (void)::setsockopt(socket.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  (void)::setsockopt(socket.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  // A transaction with all elements of a thousand containers is one datagram.
  constexpr int kSendBytes = 4 << 20;
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kSendBytes, sizeof kSendBytes);
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kSendBytes, sizeof kSendBytes);
  // An answer that never comes is a fault of the kernel, and must not hold the thread for ever.
  constexpr struct timeval kPatience { 20, 0 };
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  return NetlinkSocket(std::move(socket));
}

Status NetlinkSocket::send(const std::string& bytes) {
  ssize_t sent = 0;
  do {
    sent = ::send(socket_.get(), bytes.data(), bytes.size(), 0);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? fail_errno("send to the kernel by netlink") : Status();
}

NetlinkSocket::Done NetlinkSocket::receive(std::uint32_t first, std::uint32_t last, std::size_t expected) {
  std::vector<char> buffer(kReceiveBytes);
  std::optional<Failure> failure;
  while (expected > 0) {
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return tl::unexpected(Failure{0, as_error(got == 0 ? EPIPE : errno, "no answer by netlink")});
    (void)each_message(buffer.data(), static_cast<std::size_t>(got), [&](const struct nlmsghdr& message) {
      if (message.nlmsg_type != NLMSG_ERROR) return true;
      const int code = error_of(message);
      // A transaction that is refused as a whole is answered at its first word.
      if (message.nlmsg_seq + 1 == first && code != 0) {
        failure = Failure{0, as_error(code, words_of(message))};
        expected = 0;
        return false;
      }
      // Of an earlier request that ended early: nothing of this one.
      if (message.nlmsg_seq - first > last - first) return true;
      const std::size_t index = message.nlmsg_seq - first;
      if (code != 0 && (!failure || index < failure->index))
        failure = Failure{index, as_error(code, words_of(message))};
      // In a transaction only errors and the last one are answered.
      if (expected > 1 || message.nlmsg_seq == last) --expected;
      return true;
    });
  }
  if (failure) return tl::unexpected(std::move(*failure));
  return {};
}

NetlinkSocket::Done NetlinkSocket::request(std::vector<Message> messages) {
  if (messages.empty()) return {};
  std::string bytes;
  const std::uint32_t first = sequence_ + 1;
  for (auto& message : messages) {
    message.set_sequence(++sequence_);
    message.add_flags(NLM_F_ACK);
    bytes += message.bytes();
  }
  if (auto sent = send(bytes); !sent) return tl::unexpected(Failure{0, std::move(sent.error())});
  return receive(first, sequence_, messages.size());
}

NetlinkSocket::Done NetlinkSocket::transact(std::vector<Message> messages) {
  if (messages.empty()) return {};
  struct nfgenmsg head {};
  head.version = NFNETLINK_V0;
  head.res_id = htons(NFNL_SUBSYS_NFTABLES);
  Message begin(NFNL_MSG_BATCH_BEGIN, 0, head);
  Message end(NFNL_MSG_BATCH_END, 0, head);
  begin.set_sequence(++sequence_);
  const std::uint32_t first = sequence_ + 1;
  std::string bytes = begin.bytes();
  // Errors are answered without being asked for; the last message's answer says that there are no more.
  messages.back().add_flags(NLM_F_ACK);
  for (auto& message : messages) {
    message.set_sequence(++sequence_);
    bytes += message.bytes();
  }
  const std::uint32_t last = sequence_;
  end.set_sequence(++sequence_);
  bytes += end.bytes();
  if (auto sent = send(bytes); !sent) return tl::unexpected(Failure{0, std::move(sent.error())});
  return receive(first, last, 1);
}

Status NetlinkSocket::dump(Message message, const std::function<void(const struct nlmsghdr&)>& take) {
  message.set_sequence(++sequence_);
  message.add_flags(NLM_F_DUMP);
  METE_CHECK(send(message.bytes()));
  std::vector<char> buffer(kReceiveBytes);
  std::optional<Error> failure;
  bool more = true;
  while (more) {
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail_errno("read from the kernel by netlink", got == 0 ? EPIPE : errno);
    more = each_message(buffer.data(), static_cast<std::size_t>(got), [&](const struct nlmsghdr& each) {
      if (each.nlmsg_seq != sequence_) return true;
      if (each.nlmsg_type == NLMSG_DONE) return false;
      if (each.nlmsg_type == NLMSG_ERROR) {
        if (const int code = error_of(each); code != 0) failure = as_error(code, words_of(each));
        return false;
      }
      take(each);
      return true;
    });
  }
  if (failure) return tl::unexpected(std::move(*failure));
  return {};
}

}  // namespace mete::runtime::network
