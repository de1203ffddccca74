// SPDX-License-Identifier: Apache-2.0
// Tables and status lines of device mapper, and the book of a thin pool.
#include <gtest/gtest.h>

#include "runtime/storage/mapper/mapper_tables.h"
#include "runtime/storage/mapper/thin_book.h"

namespace mete::testing {
namespace {

using namespace runtime::storage;  // NOLINT(google-build-using-namespace) - the subject of this file

constexpr std::int64_t kMiB = 1 << 20;

TEST(MapperTables, SizesBecomeSectors) {
  const auto linear = linear_table("7:3", Bytes(16 * kMiB), Bytes(kMiB));
  EXPECT_EQ(linear.target, "linear");
  EXPECT_EQ(linear.parameters, "7:3 32768");
  EXPECT_EQ(linear.sectors, 2048U);
  const auto pool = pool_table("252:0", "252:1", Bytes(kMiB + 4096));
  EXPECT_EQ(pool.target, "thin-pool");
  EXPECT_EQ(pool.parameters, "252:0 252:1 128 0 1 error_if_no_space");
  EXPECT_EQ(pool.sectors, 2048U) << "whole blocks of the pool";
  const auto thin = thin_table("252:2", 17, Bytes(kMiB));
  EXPECT_EQ(thin.target + " " + thin.parameters, "thin 252:2 17");
}

TEST(MapperTables, AreReadBack) {
  const auto pool = parse_pool_table("252:0 252:1 128 0 1 error_if_no_space");
  ASSERT_TRUE(pool);
  EXPECT_EQ(pool->metadata + " " + pool->data, "252:0 252:1");
  EXPECT_EQ(pool->block, Bytes(64 << 10));
  const auto linear = parse_linear_table("7:3 32768");
  ASSERT_TRUE(linear);
  EXPECT_EQ(linear->device, "7:3");
  EXPECT_EQ(linear->offset, Bytes(16 * kMiB));
  for (const char* bad : {"", "252:0", "252:0 252:1 x 0", "252:0 252:1 0 0"})
    EXPECT_FALSE(parse_pool_table(bad)) << bad;
  for (const char* bad : {"", "7:3", "7:3 x", "7:3 1 2"}) EXPECT_FALSE(parse_linear_table(bad)) << bad;
}

TEST(MapperTables, MetadataIsAHundredthWithinBounds) {
  EXPECT_EQ(metadata_size(Bytes(128 * kMiB)), Bytes(16 * kMiB));
  EXPECT_EQ(metadata_size(Bytes(10'000 * kMiB)), Bytes(100 * kMiB));
  EXPECT_EQ(metadata_size(Bytes(10'000'000 * kMiB)), Bytes(8192 * kMiB));
}

TEST(PoolStatus, TheKernelsLinesAreRead) {
  const auto usual = parse_pool_status("7 15/4096 120/7936 - rw discard_passdown error_if_no_space - 1024 ");
  ASSERT_TRUE(usual);
  EXPECT_EQ(usual->transaction, 7U);
  EXPECT_EQ(usual->metadata_used, 15);
  EXPECT_EQ(usual->metadata_blocks, 4096);
  EXPECT_EQ(usual->data_used, 120);
  EXPECT_EQ(usual->data_blocks, 7936);
  EXPECT_EQ(usual->mode, "rw");
  EXPECT_EQ(fault_of(*usual), "");
  EXPECT_TRUE(check_room(*usual));
  const auto full =
      parse_pool_status("7 15/4096 7936/7936 - out_of_data_space discard_passdown error_if_no_space - 1024 ");
  ASSERT_TRUE(full);
  EXPECT_EQ(fault_of(*full), "its data is full");
  const auto broken =
      parse_pool_status("7 4090/4096 12/7936 99 ro discard_passdown error_if_no_space needs_check 1024 ");
  ASSERT_TRUE(broken);
  EXPECT_TRUE(broken->needs_check);
  EXPECT_NE(fault_of(*broken).find("thin_repair"), std::string::npos);
  const auto failed = parse_pool_status("Fail");
  ASSERT_TRUE(failed);
  EXPECT_NE(fault_of(*failed), "");
  for (const char* bad : {"", "x 1/2 3/4 - rw", "7 15 120/7936 - rw", "7 15/4096"})
    EXPECT_FALSE(parse_pool_status(bad)) << bad;
}

TEST(PoolStatus, ATwentiethStaysFree) {
  const auto refusal = [](std::int64_t metadata, std::int64_t data) {
    const auto done = check_room({1, metadata, 1000, data, 1000, "rw", false});
    return done ? std::string() : done.error().what;
  };
  EXPECT_EQ(refusal(950, 950), "");
  EXPECT_EQ(
      refusal(1, 951),
      "thin pool: found 951 of 1000 blocks of data used, expected a twentieth free: containers or images are to be "
      "removed, or the pool made larger");
  EXPECT_NE(refusal(951, 1).find("of metadata used"), std::string::npos);
}

TEST(ThinBook, IsReadAsItWasWritten) {
  ThinBook book{"1f2e3d4c", {PoolKind::kDevice, "/dev/disk/by-id/a b"}, Bytes(16 * kMiB), 17, {}};
  book.volumes = {{0, Bytes(64 * kMiB), "images"}, {16, Bytes(kMiB), "../../pods/u/containers/a name"}};
  const std::string text = text_of(book);
  EXPECT_EQ(text,
            "pool 1f2e3d4c device /dev/disk/by-id/a b\nmetadata 16777216\ntransaction 17\nvolume 0 67108864 images\n"
            "volume 16 1048576 ../../pods/u/containers/a name\n");
  const auto read = parse_book(text);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(text_of(*read), text);
  const auto file = parse_book("pool 00000001 file\n");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->source, PoolSource());
}

TEST(ThinBook, WhatCannotBeReadIsNamedByItsLine) {
  const auto refusal = [](const std::string& text) {
    const auto read = parse_book(text);
    return read ? std::string() : read.error().what;
  };
  EXPECT_EQ(refusal("pool 00000001 file\nvolume x 1 a\n"),
            "line 2: found \"volume x 1 a\", expected pool, metadata, transaction or volume with its values");
  for (const char* bad :
       {"", "pool 1 file\n", "pool 00000001 tape a\n", "pool 00000001 device\n", "pool 00000001 file x\n",
        "pool 00000001 file\nmetadata -1\n", "pool 00000001 file\nvolume 1 2\n", "pool 00000001 file\n\n"})
    EXPECT_NE(refusal(bad), "") << bad;
}

TEST(ThinBook, ANumberIsFreeAndHas24Bits) {
  ThinBook book{"1f2e3d4c", {}, Bytes(0), 5, {}};
  EXPECT_EQ(free_volume_id(book), 5U);
  book.volumes = {{5, Bytes(1), "a"}, {6, Bytes(1), "a"}};
  EXPECT_EQ(free_volume_id(book), 7U);
  book.transaction = (1U << 24U) - 1;
  EXPECT_EQ(free_volume_id(book), (1U << 24U) - 1);
  book.volumes.push_back({(1U << 24U) - 1, Bytes(1), "a"});
  EXPECT_EQ(free_volume_id(book), 0U);
  book.transaction = 1U << 24U;
  EXPECT_EQ(free_volume_id(book), 0U);
}

TEST(ThinBook, APoolOfAnotherTimeIsRefused) {
  const ThinBook book{"1f2e3d4c", {}, Bytes(0), 5, {}};
  EXPECT_EQ(compare_transaction(book, 5).value(), PoolAge::kSame);
  EXPECT_EQ(compare_transaction(book, 4).value(), PoolAge::kHalfMade);
  EXPECT_FALSE(compare_transaction(book, 3));
  const auto newer = compare_transaction(book, 6);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().what.find("found transaction 6 in the pool, expected 5"), 0U);
}

TEST(ThinBook, ANoteNamesVolumeAndBook) {
  const auto note = parse_note(text_of(VolumeNote{12, "../../../../../storage/devicemapper"}));
  ASSERT_TRUE(note);
  EXPECT_EQ(note->id, 12U);
  EXPECT_EQ(note->directory, "../../../../../storage/devicemapper");
  for (const char* bad : {"", "12", "12 ", "x a", "\n"}) EXPECT_FALSE(parse_note(bad)) << bad;
}

}  // namespace
}  // namespace mete::testing
