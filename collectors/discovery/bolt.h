// SPDX-License-Identifier: Apache-2.0
// Reads one value of a bbolt database (containerd's meta.db, podman's bolt_state.db) without bbolt's library and
// without its lock. The file is a copy-on-write B+tree: the pages of the last commit stay valid while the owner writes
// the next one. A changed transaction number shows that a commit overtook a read; the read is then repeated. Everything
// read is checked and bounded: the worst outcome is that a value is not found.
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
  // Reads `size` bytes at `offset` into `into`. False: the range ends past the end of the file, or reading failed.
  using ReadAt = std::function<bool(std::uint64_t offset, std::size_t size, std::string& into)>;
  explicit BoltFile(ReadAt read_at) : read_at_(std::move(read_at)) {}

  // The value of `key` in the bucket at the end of the path `buckets`; empty when there is no such value.
  [[nodiscard]] std::optional<std::string> get(std::initializer_list<std::string_view> buckets,
                                               std::string_view key) const;
  // All keys and values of a bucket, at most 1,000, without its nested buckets. Empty when the bucket does not exist.
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
