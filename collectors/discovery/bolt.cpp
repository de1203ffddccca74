// SPDX-License-Identifier: Apache-2.0
// The file format is bbolt's: pages of a head (id u64, flags u16, count u16, overflow u32) and elements; branch
// elements are (pos u32, key size u32, page u64), leaf elements (flags u32, pos u32, key size u32, value size u32),
// with pos counted from the element. A bucket is a leaf value (root page u64, sequence u64); root page 0: its only page
// follows.
#include "collectors/discovery/bolt.h"

#include <array>
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
constexpr int kDeepest = 32;

// Little-endian, as on every machine that containerd runs on. False: the number lies past the end of the text.
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

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

// An element of a page. In a branch page it has a page below instead of a value.
struct Element {
  std::uint32_t flags = 0;
  std::string_view key, value;
  std::uint64_t below = 0;
};

// Calls each(element, is_leaf) until it returns false. False: the page has no valid format.
template <class Each>
bool for_each_element(std::string_view text, Each each) {
  std::uint16_t flags = 0;
  std::uint16_t count = 0;
  if (!take(text, 8, flags) || !take(text, 10, count) || (flags != kLeaf && flags != kBranch)) return false;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = kHead + i * kElement;
    std::array<std::uint32_t, 4> head{};
    for (std::size_t part = 0; part < head.size(); ++part) {
      if (!take(text, at + 4 * part, head[part])) return false;
    }
    const bool leaf = flags == kLeaf;
    const auto key = leaf ? part(text, at + head[1], head[2]) : part(text, at + head[0], head[1]);
    const auto value = leaf ? part(text, at + head[1] + head[2], head[3]) : std::string_view();
    if (!key || !value) return false;
    if (!each(Element{leaf ? head[0] : 0, *key, *value, leaf ? 0 : head[2] | (std::uint64_t{head[3]} << 32U)}, leaf))
      break;
  }
  return true;
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

struct BoltFile::Bounds {
  int levels;  // of branches, further down
  int& pages;  // pages that may still be read, in total
};

// The valid one of the two meta pages that has the higher transaction number.
std::optional<BoltFile::Meta> BoltFile::meta() const {
  constexpr std::size_t kMeta = 64;
  std::string text;
  const auto read = [&](std::uint64_t offset) -> std::optional<Meta> {
    if (!read_at_(offset + kHead, kMeta, text)) return std::nullopt;
    std::uint32_t magic = 0;
    std::uint32_t version = 0;
    std::uint64_t sum = 0;
    Meta meta;
    const bool whole = take(text, 0, magic) && take(text, 4, version) && take(text, 8, meta.page_size) &&
                       take(text, 16, meta.root) && take(text, 48, meta.transaction) && take(text, 56, sum);
    if (!whole || magic != kMagic || version != kVersion || sum != fnv1a(std::string_view(text).substr(0, 56)))
      return std::nullopt;
    return meta.page_size >= 512 && meta.page_size <= 65536 ? std::optional(meta) : std::nullopt;
  };
  const auto first = read(0);
  if (first) {
    const auto second = read(first->page_size);
    return second && second->transaction > first->transaction ? second : first;
  }
  // The first meta page is being written, or broken. The second one lies at the page size, which is then unknown.
  for (const std::size_t size : {4096, 8192, 16384, 65536}) {
    const auto second = read(size);
    if (second && second->page_size == size) return second;
  }
  return std::nullopt;
}

std::optional<std::string> BoltFile::page(const Meta& meta, std::uint64_t number) const {
  constexpr std::uint64_t kMost = std::uint64_t{8} << 20U;
  std::string head;
  if (number > (std::uint64_t{1} << 40U) || !read_at_(number * meta.page_size, kHead, head)) return std::nullopt;
  std::uint32_t overflow = 0;
  if (!take(head, 12, overflow)) return std::nullopt;
  const std::uint64_t size = std::uint64_t{meta.page_size} * (std::uint64_t{overflow} + 1);
  std::string text;
  if (size > kMost || !read_at_(number * meta.page_size, size, text)) return std::nullopt;
  return text;
}

std::optional<BoltFile::Found> BoltFile::find(const Meta& meta, std::string text, std::string_view key) const {
  for (int depth = 0; depth < kDeepest; ++depth) {
    std::optional<std::uint64_t> below;
    std::optional<Found> found;
    const bool whole = for_each_element(text, [&](const Element& element, bool leaf) {
      if (leaf && element.key == key) found = Found{element.flags, std::string(element.value)};
      if (leaf) return !found;
      if (element.key > key && below) return false;
      below = element.below;  // the last child whose first key is not after `key`
      return true;
    });
    if (found) return found;
    if (!whole || !below) return std::nullopt;
    auto next = page(meta, *below);
    if (!next) return std::nullopt;
    text = std::move(*next);
  }
  return std::nullopt;
}

// The bucket's root page.
std::optional<std::string> BoltFile::bucket(const Meta& meta, Buckets names) const {
  auto text = page(meta, meta.root);
  for (const std::string_view name : names) {
    if (!text) return std::nullopt;
    auto found = find(meta, std::move(*text), name);
    std::uint64_t root = 0;
    if (!found || (found->flags & kBucket) == 0 || !take(found->value, 0, root)) return std::nullopt;
    text = root == 0 && found->value.size() >= kBucketHead ? std::optional(found->value.substr(kBucketHead))
                                                           : page(meta, root);
  }
  return text;
}

bool BoltFile::collect(const Meta& meta, const std::string& text, Bounds bounds, Entries& into) const {
  constexpr std::size_t kMost = 1'000;
  std::vector<std::uint64_t> below;
  const bool whole = for_each_element(text, [&](const Element& element, bool leaf) {
    if (!leaf) below.push_back(element.below);
    if (leaf && (element.flags & kBucket) == 0) into.emplace_back(element.key, element.value);
    return into.size() < kMost;
  });
  if (!whole || (bounds.levels-- == 0 && !below.empty())) return false;
  for (const std::uint64_t number : below) {
    if (into.size() >= kMost) return true;
    if (bounds.pages-- == 0) return false;
    const auto next = page(meta, number);
    if (!next || !collect(meta, *next, bounds, into)) return false;
  }
  return true;
}

// Repeats a read until no commit has overtaken it: the next commit but one may write over the pages of the read.
template <class Read>
auto BoltFile::unchanged(Read read) const -> decltype(read(std::declval<const Meta&>())) {
  constexpr int kTries = 5;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const auto before = meta();
    if (!before) return {};
    auto value = read(*before);
    const auto after = meta();
    if (after && after->transaction == before->transaction) return value;
  }
  return {};
}

std::optional<std::string> BoltFile::get(Buckets buckets, std::string_view key) const {
  return unchanged([&](const Meta& meta) -> std::optional<std::string> {
    auto text = bucket(meta, buckets);
    if (!text) return std::nullopt;
    auto found = find(meta, std::move(*text), key);
    if (!found || (found->flags & kBucket) != 0) return std::nullopt;
    return std::move(found->value);
  });
}

BoltFile::Entries BoltFile::entries(Buckets buckets) const {
  return unchanged([&](const Meta& meta) -> Entries {
    Entries all;
    int pages = 100;
    const auto text = bucket(meta, buckets);
    return text && collect(meta, *text, Bounds{3, pages}, all) ? all : Entries();
  });
}

}  // namespace mete::collectors
