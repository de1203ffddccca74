// SPDX-License-Identifier: Apache-2.0
// The bytes in an archive: sums, gzip in all its forms, and input in pieces of any size.
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>

#include "runtime/image/archives/gunzip.h"
#include "runtime/image/archives/plain_bytes.h"
#include "runtime/image/sha256.h"

namespace mete::runtime::image {
namespace {

std::string gzip(const std::string& content, int level = 6) {
  std::string packed(content.size() * 2 + 1000, '\0');
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// Words between numbers: matches, literals and every length.
std::string content_of(std::size_t size) {
  std::string text;
  for (unsigned i = 1; text.size() < size; i = i * 1664525U + 1013904223U)
    text += i % 3 == 0   ? std::string(1, static_cast<char>(i >> 24U))
            : i % 3 == 1 ? "layer of an image "
                         : std::to_string(i);
  text.resize(size);
  return text;
}

struct Read {
  std::string content;
  PlainBytes::Sums sums;
};

Result<Read> read_all(std::string_view file, std::size_t piece) {
  METE_TRY(const auto bytes, PlainBytes::open([&](char* buffer, std::size_t size) -> Result<std::size_t> {
             const std::size_t part = std::min({piece, size, file.size()});
             file.copy(buffer, part);
             file.remove_prefix(part);
             return part;
           }));
  Read read;
  while (true) {
    METE_TRY(const std::string_view part, bytes->next());
    if (part.empty()) break;
    read.content += part;
  }
  METE_CHECK(bytes->finish());
  read.sums = bytes->sums();
  return read;
}

void expect_content(const std::string& file, const std::string& content, std::size_t piece) {
  const auto read = read_all(file, piece);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->content, content);
  EXPECT_EQ(read->sums.content, sha256_hex(content));
  EXPECT_EQ(read->sums.file, sha256_hex(file));
}

TEST(PlainBytes, GzipInPiecesOfAnySize) {
  for (const std::size_t size : {0U, 1U, 300U, 70'000U, 400'000U}) {
    const std::string content = content_of(size);
    for (const int level : {0, 1, 9}) {
      const std::string file = gzip(content, level);
      for (const std::size_t piece : {1'000'000U, 4096U, 7U}) expect_content(file, content, piece);
    }
  }
  expect_content(gzip(content_of(3000)), content_of(3000), 1);
}

TEST(PlainBytes, MembersOfGzipAreOneContent) {
  const std::string content = content_of(200'000);
  std::string file;
  for (std::size_t at = 0; at < content.size(); at += 50'000) file += gzip(content.substr(at, 50'000));
  for (const std::size_t piece : {1'000'000U, 1000U, 3U}) expect_content(file, content, piece);
}

TEST(PlainBytes, WhatFollowsGzipBelongsToTheFileAlone) {
  const std::string file = gzip("content") + std::string(1000, '\0');
  expect_content(file, "content", 5);
}

TEST(PlainBytes, NoCompressionIsOneSum) {
  expect_content(content_of(300'000), content_of(300'000), 1000);
}

TEST(PlainBytes, DamagedAndShortenedGzipAreErrors) {
  const std::string file = gzip(content_of(50'000));
  EXPECT_FALSE(read_all(file.substr(0, file.size() / 2), 1000));
  EXPECT_FALSE(read_all(file.substr(0, file.size() - 1), 1000));
  std::string damaged = file;
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
  EXPECT_FALSE(read_all(damaged, 1000));
  damaged = file;
  damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);  // its sum
  EXPECT_FALSE(read_all(damaged, 1000));
}

TEST(Sha256Blocks, TheProcessorsInstructionsGiveTheSame) {
  if (sha256_blocks() == sha256_blocks_plain) GTEST_SKIP() << "the processor has no instructions for SHA-256";
  const std::string content = content_of(64 * 50);
  const auto* bytes = reinterpret_cast<const unsigned char*>(content.data());
  for (const std::size_t count : {1U, 2U, 3U, 50U}) {
    Sha256State plain = {1, 2, 3, 4, 5, 6, 7, 8};
    Sha256State fast = plain;
    sha256_blocks_plain(plain, bytes, count);
    sha256_blocks()(fast, bytes, count);
    EXPECT_EQ(plain, fast) << count;
  }
}

TEST(Gunzip, SaysWhichInputItHasTaken) {
  const auto gunzip = Gunzip::open();
  if (!gunzip) GTEST_SKIP() << "libisal2 is not installed";
  const std::string file = gzip("hello");
  char out[100];
  const auto step = gunzip->step(file + "behind", &out[0], sizeof out);
  ASSERT_TRUE(step);
  EXPECT_TRUE(step->end);
  EXPECT_EQ(step->taken, file.size());
  EXPECT_EQ(std::string(&out[0], step->made), "hello");
}

}  // namespace
}  // namespace mete::runtime::image
