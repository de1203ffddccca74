// SPDX-License-Identifier: Apache-2.0
// Reads one value of a bbolt database (containerd's meta.db) without its library and without its lock. The file is a
// copy-on-write B+tree: while its owner makes the next commit, the pages of the last one stay; a read that was
// overtaken by a commit is noticed by the transaction number and made again. Everything read is checked and bounded: at
// worst a value is not found.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mete::collectors {

class BoltFile {
 public:
  // Reads `size` bytes at `offset` into the text; false: past the end or an error.
  using ReadAt = std::function<bool(std::uint64_t offset, std::size_t size, std::string& into)>;
  explicit BoltFile(ReadAt read_at) : read_at_(std::move(read_at)) {}

  // The value of `key` in the bucket that the names lead to; empty when there is none.
  [[nodiscard]] std::optional<std::string> get(std::initializer_list<std::string_view> buckets,
                                               std::string_view key) const;
  // All keys and values of the bucket, without the buckets in it; at most 1,000. Empty when there is none.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> entries(
      std::initializer_list<std::string_view> buckets) const;

 private:
  using Entries = std::vector<std::pair<std::string, std::string>>;
  using Buckets = std::initializer_list<std::string_view>;
  struct Meta;
  struct Found;
  [[nodiscard]] std::optional<Meta> meta() const;
  [[nodiscard]] std::optional<std::string> page(const Meta& meta, std::uint64_t number) const;
  [[nodiscard]] std::optional<Found> find(const Meta& meta, std::string page, std::string_view key) const;
  [[nodiscard]] std::optional<std::string> bucket(const Meta& meta, Buckets names) const;
  struct Bounds;
  bool collect(const Meta& meta, const std::string& page, Bounds bounds, Entries& into) const;
  template <class Read>
  auto unchanged(Read read) const -> decltype(read(std::declval<const Meta&>()));
  ReadAt read_at_;
};

}  // namespace mete::collectors
