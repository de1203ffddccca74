// SPDX-License-Identifier: Apache-2.0
// Tables of device mapper, and what its thin pools tell (Documentation/admin-guide/device-mapper/thin-provisioning.rst,
// drivers/md/dm-thin.c: pool_status). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "config/base/units.h"

namespace mete::runtime::storage {

inline constexpr std::int64_t kSector = 512;
// Of a pool: what is allocated, shared and given back at a time. The least there is, because containers share most.
inline constexpr std::int64_t kPoolBlock = 64 << 10;
inline constexpr std::int64_t kMetadataBlock = 4 << 10;

// The one target of a device, from its first sector on.
struct MapperTable {
  std::string target = {};
  std::string parameters = {};
  std::uint64_t sectors = 0;
};

// `device` here and below is "MAJOR:MINOR".
[[nodiscard]] MapperTable linear_table(const std::string& device, Bytes offset, Bytes size);
// Writes fail when the pool is full, in place of waiting for room.
[[nodiscard]] MapperTable pool_table(const std::string& metadata, const std::string& data, Bytes data_size);
[[nodiscard]] MapperTable thin_table(const std::string& pool, std::uint32_t volume, Bytes size);

// How much of a pool of this size its metadata gets: a hundredth, at least 16 MiB and at most 8 GiB.
[[nodiscard]] Bytes metadata_size(Bytes pool);

struct PoolStatus {
  std::uint64_t transaction = 0;
  std::int64_t metadata_used = 0;  // blocks of kMetadataBlock
  std::int64_t metadata_blocks = 0;
  std::int64_t data_used = 0;  // the pool's own blocks
  std::int64_t data_blocks = 0;
  std::string mode = {};  // "rw", "ro", "out_of_data_space", "Fail"
  bool needs_check = false;
};
[[nodiscard]] Result<PoolStatus> parse_pool_status(std::string_view line);

// Why a pool takes no writes, as the second half of a sentence with "found"; empty: it does.
[[nodiscard]] std::string fault_of(const PoolStatus& status);

// Whether a volume may be made still: of data and of metadata at least a twentieth is free, so that the containers that
// run go on. The error says what is full.
[[nodiscard]] Status check_room(const PoolStatus& status);

// Of a pool's table: "252:0 252:1 128 0 1 error_if_no_space". Empty: it is none.
struct PoolParts {
  std::string metadata, data;  // devices
  Bytes block;
};
[[nodiscard]] std::optional<PoolParts> parse_pool_table(std::string_view parameters);

// Of a linear table: "7:3 2048".
struct LinearPart {
  std::string device;
  Bytes offset;
};
[[nodiscard]] std::optional<LinearPart> parse_linear_table(std::string_view parameters);

}  // namespace mete::runtime::storage
