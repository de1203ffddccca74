// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/mapper/mapper_tables.h"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <vector>

namespace mete::runtime::storage {
namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(std::move(word));
  return words;
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool read_pair(std::string_view text, std::int64_t& used, std::int64_t& all) {
  const auto slash = text.find('/');
  return slash != std::string_view::npos && read_number(text.substr(0, slash), used) &&
         read_number(text.substr(slash + 1), all);
}

std::uint64_t sectors_of(Bytes size) {
  return static_cast<std::uint64_t>(size.count() / kSector);
}

bool is_nearly_full(std::int64_t used, std::int64_t all) {
  constexpr std::int64_t kLeastFreePart = 20;
  return all - used < all / kLeastFreePart;
}

}  // namespace

MapperTable linear_table(const std::string& device, Bytes offset, Bytes size) {
  return {"linear", device + " " + std::to_string(sectors_of(offset)), sectors_of(size)};
}

MapperTable pool_table(const std::string& metadata, const std::string& data, Bytes data_size) {
  constexpr int kNoLowWater = 0;  // look_after() asks
  return {"thin-pool",
          metadata + " " + data + " " + std::to_string(kPoolBlock / kSector) + " " + std::to_string(kNoLowWater) +
              " 1 error_if_no_space",
          sectors_of(Bytes(data_size.count() / kPoolBlock * kPoolBlock))};
}

MapperTable thin_table(const std::string& pool, std::uint32_t volume, Bytes size) {
  return {"thin", pool + " " + std::to_string(volume), sectors_of(size)};
}

Bytes metadata_size(Bytes pool) {
  constexpr std::int64_t kPart = 100;
  constexpr std::int64_t kLeast = std::int64_t{16} << 20U;
  constexpr std::int64_t kMost = std::int64_t{8} << 30U;  // the kernel uses less than 16 GiB
  const std::int64_t size = std::clamp(pool.count() / kPart, kLeast, kMost);
  return Bytes(size / kPoolBlock * kPoolBlock);
}

Result<PoolStatus> parse_pool_status(std::string_view line) {
  const auto words = words_of(line);
  PoolStatus status;
  if (!words.empty() && words.front() == "Fail") {
    status.mode = words.front();
    return status;
  }
  constexpr std::size_t kLeastWords = 5;  // transaction, metadata, data, held root, mode
  if (words.size() < kLeastWords || !read_number(words[0], status.transaction) ||
      !read_pair(words[1], status.metadata_used, status.metadata_blocks) ||
      !read_pair(words[2], status.data_used, status.data_blocks))
    return fail("status of a thin pool: found \"" + std::string(line) +
                "\", expected a transaction, metadata and data, as used/all");
  status.mode = words[4];
  status.needs_check = std::find(words.begin(), words.end(), "needs_check") != words.end();
  return status;
}

std::string fault_of(const PoolStatus& status) {
  if (status.mode == "Fail") return "the pool failed: its metadata cannot be read or written";
  const std::string check = "; thin_repair(8) mends it";
  if (status.mode == "ro")
    return status.needs_check ? "its metadata is full or has a fault" + check : "it is read-only";
  if (status.mode == "out_of_data_space") return "its data is full";
  if (status.needs_check) return "its metadata has to be checked" + check;
  return {};
}

Status check_room(const PoolStatus& status) {
  if (const std::string fault = fault_of(status); !fault.empty())
    return fail("thin pool: found that it takes no writes: " + fault + "; expected one that does");
  const auto full = [](const char* what, std::int64_t used, std::int64_t all) {
    return fail("thin pool: found " + std::to_string(used) + " of " + std::to_string(all) + " blocks of " + what +
                " used, expected a twentieth free: containers or images are to be removed, or the pool made larger");
  };
  if (is_nearly_full(status.data_used, status.data_blocks)) return full("data", status.data_used, status.data_blocks);
  if (is_nearly_full(status.metadata_used, status.metadata_blocks))
    return full("metadata", status.metadata_used, status.metadata_blocks);
  return {};
}

std::optional<PoolParts> parse_pool_table(std::string_view parameters) {
  const auto words = words_of(parameters);
  std::int64_t sectors = 0;
  if (words.size() < 4 || !read_number(words[2], sectors) || sectors <= 0) return std::nullopt;
  return PoolParts{words[0], words[1], Bytes(sectors * kSector)};
}

std::optional<LinearPart> parse_linear_table(std::string_view parameters) {
  const auto words = words_of(parameters);
  std::int64_t sectors = 0;
  if (words.size() != 2 || !read_number(words[1], sectors)) return std::nullopt;
  return LinearPart{words[0], Bytes(sectors * kSector)};
}

}  // namespace mete::runtime::storage
