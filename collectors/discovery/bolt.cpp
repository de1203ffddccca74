// SPDX-License-Identifier: Apache-2.0
// The file format is bbolt's: pages of a head (id u64, flags u16, count u16, overflow u32) and elements; branch elements
// are (pos u32, key size u32, page u64), leaf elements (flags u32, pos u32, key size u32, value size u32), with pos
// counted from the element. A bucket is a leaf value (root page u64, sequence u64); root page 0: its only page follows.
#include "collectors/discovery/bolt.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

namespace mete::collectors {
namespace {

constexpr std::uint32_t kMagic = 0xED0CDAED;
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kHead = 16;
constexpr std::size_t kElement = 16;
constexpr std::uint16_t kBranch = 0x01;
constexpr std::uint16_t kLeaf = 0x02;
constexpr std::uint32_t kBucket = 0x01;
constexpr std::size_t kBucketHead = 16;

// Little-endian, as every machine that containerd runs on writes it; false: past the end.
template <class Number>
bool take(std::string_view text, std::size_t at, Number& into) {
  if (at > text.size() || text.size() - at < sizeof into) return false;
  std::memcpy(&into, text.data() + at, sizeof into);
  return true;
}

std::optional<std::string_view> part(std::string_view text, std::size_t at, std::size_t size) {
  if (at > text.size() || text.size() - at < size) return std::nullopt;
  return text.substr(at, size);
}

}  // namespace

struct BoltFile::Meta {
  std::uint32_t page_size = 0;
  std::uint64_t root = 0;
  std::uint64_t transaction = 0;
};

struct BoltFile::Found {
  std::uint32_t flags = 0;
  std::string value;
};

// The valid one of the two with the higher transaction. The checksum is not looked at: what it guards is checked by use.
std::optional<BoltFile::Meta> BoltFile::meta() const {
  std::optional<Meta> best;
  constexpr std::size_t kPages[] = {4096, 8192, 16384, 65536};  // sizes that the second may lie at
  std::string text;
  const auto consider = [&](std::uint64_t offset) {
    constexpr std::size_t kMeta = 64;
    if (!read_at_(offset + kHead, kMeta, text)) return;
    std::uint32_t magic = 0;
    std::uint32_t version = 0;
    Meta meta;
    const bool whole = take(text, 0, magic) && take(text, 4, version) && take(text, 8, meta.page_size) &&
                       take(text, 16, meta.root) && take(text, 48, meta.transaction);
    if (!whole || magic != kMagic || version != kVersion) return;
    if (meta.page_size < 512 || meta.page_size > 65536) return;
    if (!best || meta.transaction > best->transaction) best = meta;
  };
  consider(0);
  for (const std::size_t size : kPages) consider(size);
  return best;
}

std::optional<std::string> BoltFile::page(const Meta& meta, std::uint64_t number) const {
  constexpr std::uint32_t kMostOverflow = 4096;
  std::string head;
  if (number > (std::uint64_t{1} << 40U) || !read_at_(number * meta.page_size, kHead, head)) return std::nullopt;
  std::uint32_t overflow = 0;
  if (!take(head, 12, overflow) || overflow > kMostOverflow) return std::nullopt;
  std::string text;
  if (!read_at_(number * meta.page_size, std::size_t{meta.page_size} * (overflow + 1), text)) return std::nullopt;
  return text;
}

std::optional<BoltFile::Found> BoltFile::find(const Meta& meta, std::string text, std::string_view key) const {
  constexpr int kDeepest = 32;
  for (int depth = 0; depth < kDeepest; ++depth) {
    std::uint16_t flags = 0;
    std::uint16_t count = 0;
    if (!take(text, 8, flags) || !take(text, 10, count)) return std::nullopt;
    std::optional<std::uint64_t> below;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = kHead + i * kElement;
      std::uint32_t first = 0;
      std::uint32_t second = 0;
      std::uint32_t third = 0;
      std::uint32_t fourth = 0;
      const bool whole = take(text, at, first) && take(text, at + 4, second) && take(text, at + 8, third) && take(text, at + 12, fourth);
      if (!whole) return std::nullopt;
      if (flags == kLeaf) {
        const auto name = part(text, at + second, third);
        const auto value = part(text, at + second + third, fourth);
        if (!name || !value) return std::nullopt;
        if (*name == key) return Found{first, std::string(*value)};
      } else if (flags == kBranch) {
        const auto name = part(text, at + first, second);
        if (!name) return std::nullopt;
        if (*name > key && below) break;
        below = third | (std::uint64_t{fourth} << 32U);  // the last child whose first key is not after ours
      } else {
        return std::nullopt;
      }
    }
    if (!below) return std::nullopt;
    auto next = page(meta, *below);
    if (!next) return std::nullopt;
    text = std::move(*next);
  }
  return std::nullopt;
}

std::optional<std::string> BoltFile::get_once(const Meta& meta, std::initializer_list<std::string_view> buckets, std::string_view key) const {
  auto text = page(meta, meta.root);
  for (const std::string_view name : buckets) {
    if (!text) return std::nullopt;
    auto found = find(meta, std::move(*text), name);
    std::uint64_t root = 0;
    if (!found || (found->flags & kBucket) == 0 || !take(found->value, 0, root)) return std::nullopt;
    text = root == 0 && found->value.size() >= kBucketHead ? std::optional(found->value.substr(kBucketHead)) : page(meta, root);
  }
  if (!text) return std::nullopt;
  auto found = find(meta, std::move(*text), key);
  if (!found || (found->flags & kBucket) != 0) return std::nullopt;
  return std::move(found->value);
}

std::optional<std::string> BoltFile::get(std::initializer_list<std::string_view> buckets, std::string_view key) const {
  constexpr int kTries = 3;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const auto before = meta();
    if (!before) return std::nullopt;
    auto value = get_once(*before, buckets, key);
    const auto after = meta();
    if (after && after->transaction - before->transaction < 2) return value;
  }
  return std::nullopt;
}

}  // namespace mete::collectors
