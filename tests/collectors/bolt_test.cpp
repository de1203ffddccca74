// SPDX-License-Identifier: Apache-2.0
// On databases that containerd 1.6 and podman 4.3 wrote, and on broken ones.
#include "collectors/discovery/bolt.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "tests/support/fake_proc.h"

namespace mete::collectors {
namespace {

const std::string& containerd_database() {
  static const std::string text = testing::read_text(
      METE_SOURCE_DIR
      "/tests/fixtures/runtimes/containerd/files/srv/containerd/root/io.containerd.metadata.v1.bolt/meta.db");
  return text;
}

BoltFile::ReadAt reader_of(const std::string& text) {
  return [&text](std::uint64_t offset, std::size_t size, std::string& into) {
    if (offset > text.size() || text.size() - offset < size) return false;
    into.assign(text, offset, size);
    return true;
  };
}

std::optional<std::string> image(const std::string& database) {
  return BoltFile(reader_of(database)).get({"v1", "default", "containers", "plain-1"}, "image");
}

using Entries = std::vector<std::pair<std::string, std::string>>;
Entries labels(const std::string& database, std::string_view container = "plain-1") {
  return BoltFile(reader_of(database)).entries({"v1", "default", "containers", container, "labels"});
}

TEST(Bolt, FindsValuesAndEntries) {
  ASSERT_EQ(containerd_database().size(), 131'072U);
  EXPECT_EQ(image(containerd_database()), "containerd.example/team/sleeper:2.0");
  const auto found = labels(containerd_database());
  const std::map<std::string, std::string> all(found.begin(), found.end());
  EXPECT_EQ(all.at("team"), "blue");
  EXPECT_EQ(all.at("tier"), "1");
}

TEST(Bolt, WhatIsNotThereIsNotFound) {
  const BoltFile file(reader_of(containerd_database()));
  EXPECT_EQ(file.get({"v1", "default", "containers", "plain-9"}, "image"), std::nullopt);
  EXPECT_EQ(file.get({"v1", "default", "containers", "plain-1"}, "none"), std::nullopt);
  EXPECT_EQ(file.get({"v1", "default", "containers", "plain-1"}, "labels"), std::nullopt) << "a bucket is no value";
  EXPECT_EQ(file.get({"v1", "default", "containers", "plain-1", "image"}, "x"), std::nullopt) << "a value is no bucket";
  EXPECT_EQ(file.get({""}, ""), std::nullopt);
  EXPECT_TRUE(file.entries({"v2"}).empty());
  const auto top = file.entries({"v1", "default", "containers"});
  EXPECT_TRUE(top.empty()) << "there are only buckets in it";
}

// A database made by hand: pages of 4 KiB, number 0 and 1 the heads.
class Database {
 public:
  static constexpr std::size_t kPage = 4096;
  Database() : text_(2 * kPage, '\0') {
    head(0, 1);
    head(1, 2);
  }
  // A valid head on page 0 or 1.
  void head(std::size_t page, std::uint64_t transaction, std::uint64_t root = 2) {
    const std::size_t at = page * kPage + 16;
    put<std::uint32_t>(at, 0xED0CDAED);
    put<std::uint32_t>(at + 4, 2);
    put<std::uint32_t>(at + 8, kPage);
    put<std::uint64_t>(at + 16, root);
    put<std::uint64_t>(at + 48, transaction);
    std::uint64_t hash = 0xcbf29ce484222325;
    for (std::size_t i = at; i < at + 56; ++i) hash = (hash ^ static_cast<unsigned char>(text_[i])) * 0x100000001b3;
    put<std::uint64_t>(at + 56, hash);
  }
  std::size_t add_page(std::uint16_t flags, std::uint16_t count, std::uint32_t overflow = 0) {
    const std::size_t at = text_.size();
    text_.resize(at + kPage * (overflow + 1));
    put(at + 8, flags);
    put(at + 10, count);
    put(at + 12, overflow);
    return at / kPage;
  }
  // Element i of a branch: its key is written at the page's end.
  void branch(std::size_t page, std::size_t i, char key, std::uint64_t below) {
    const std::size_t element = page * kPage + 16 + 16 * i;
    const std::size_t at = (page + 1) * kPage - 1 - i;
    text_[at] = key;
    put<std::uint32_t>(element, static_cast<std::uint32_t>(at - element));
    put<std::uint32_t>(element + 4, 1);
    put<std::uint64_t>(element + 8, below);
  }
  void leaf(std::size_t page, std::size_t i, const std::string& key, const std::string& value,
            std::uint32_t flags = 0) {
    const std::size_t element = page * kPage + 16 + 16 * i;
    const std::size_t at = (page + 1) * kPage - 100 * (i + 1);
    text_.replace(at, key.size() + value.size(), key + value);
    put(element, flags);
    put<std::uint32_t>(element + 4, static_cast<std::uint32_t>(at - element));
    put<std::uint32_t>(element + 8, static_cast<std::uint32_t>(key.size()));
    put<std::uint32_t>(element + 12, static_cast<std::uint32_t>(value.size()));
  }
  template <class Number>
  void put(std::size_t at, Number number) {
    std::memcpy(text_.data() + at, &number, sizeof number);
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] BoltFile file() const { return BoltFile(reader_of(text_)); }

 private:
  std::string text_;
};

constexpr std::uint16_t kBranch = 1;
constexpr std::uint16_t kLeaf = 2;

TEST(Bolt, GoesDownBranches) {
  Database data;
  const auto top = data.add_page(kBranch, 3);
  const std::string keys = "bdf";
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto page = data.add_page(kLeaf, 2);
    data.leaf(page, 0, std::string(1, keys[i]), "first");
    data.leaf(page, 1, std::string(1, keys[i]) + "x", "second");
    data.branch(top, i, keys[i], page);
  }
  EXPECT_EQ(data.file().get({}, "b"), "first");
  EXPECT_EQ(data.file().get({}, "dx"), "second");
  EXPECT_EQ(data.file().get({}, "fx"), "second");
  EXPECT_EQ(data.file().get({}, "a"), std::nullopt);
  EXPECT_EQ(data.file().get({}, "e"), std::nullopt);
  EXPECT_EQ(data.file().get({}, "z"), std::nullopt);
  EXPECT_EQ(data.file().entries({}).size(), 6U);
}

TEST(Bolt, PagesThatLeadToThemselvesEnd) {
  Database data;
  const auto top = data.add_page(kBranch, 2);
  data.branch(top, 0, 'a', top);
  data.branch(top, 1, 'b', top);
  EXPECT_EQ(data.file().get({}, "a"), std::nullopt);
  EXPECT_TRUE(data.file().entries({}).empty());
  const auto bucket = data.add_page(kLeaf, 1);
  std::string value(16, '\0');
  value[0] = static_cast<char>(bucket);  // a bucket whose root is the page it is in
  data.leaf(bucket, 0, "k", value, 1);
  data.head(1, 3, bucket);
  EXPECT_EQ(data.file().get({"k", "k", "k"}, "none"), std::nullopt);
}

TEST(Bolt, LengthsBeyondThePageAreNotFollowed) {
  Database data;
  const auto page = data.add_page(kLeaf, 1);
  data.leaf(page, 0, "key", "value");
  ASSERT_EQ(data.file().get({}, "key"), "value");
  for (const std::size_t field : {4, 8, 12}) {
    Database broken = data;
    broken.put<std::uint32_t>(page * Database::kPage + 16 + field, 0xffffffff);
    EXPECT_EQ(broken.file().get({}, "key"), std::nullopt) << field;
  }
  Database crowded = data;
  crowded.put<std::uint16_t>(page * Database::kPage + 10, 0xffff);
  EXPECT_EQ(crowded.file().get({}, "none"), std::nullopt);
  Database vast = data;
  vast.put<std::uint32_t>(page * Database::kPage + 12, 0xffffffff);
  EXPECT_EQ(vast.file().get({}, "key"), std::nullopt);
}

TEST(Bolt, TheNewerOfTwoValidHeadsCounts) {
  Database data;
  const auto old_page = data.add_page(kLeaf, 1);
  data.leaf(old_page, 0, "key", "old");
  const auto new_page = data.add_page(kLeaf, 1);
  data.leaf(new_page, 0, "key", "new");
  data.head(0, 8, new_page);
  data.head(1, 7, old_page);
  EXPECT_EQ(data.file().get({}, "key"), "new");
  data.head(1, 9, old_page);
  EXPECT_EQ(data.file().get({}, "key"), "old");
  data.put<std::uint64_t>(Database::kPage + 16 + 16, 77);  // half written: the sum is wrong
  EXPECT_EQ(data.file().get({}, "key"), "new");
  data.head(1, 9, old_page);
  data.put<std::uint64_t>(16 + 16, 77);
  EXPECT_EQ(data.file().get({}, "key"), "old") << "the first is broken";
  data.put<std::uint64_t>(Database::kPage + 16 + 16, 77);
  EXPECT_EQ(data.file().get({}, "key"), std::nullopt);
}

TEST(Bolt, AReadThatACommitOvertookIsMadeAgain) {
  Database data;
  const auto page = data.add_page(kLeaf, 1);
  data.leaf(page, 0, "key", "value");
  int reads = 0;
  std::uint64_t transaction = 10;
  int commits = 0;
  const BoltFile file([&](std::uint64_t offset, std::size_t size, std::string& into) {
    ++reads;
    if (offset == page * Database::kPage && size > 16 && commits > 0) {
      --commits;
      data.head(1, ++transaction, page);
    }
    return reader_of(data.text())(offset, size, into);
  });
  commits = 2;
  EXPECT_EQ(file.get({}, "key"), "value");
  EXPECT_EQ(commits, 0);
  commits = 1'000;
  reads = 0;
  EXPECT_EQ(file.get({}, "key"), std::nullopt) << "not for ever";
  EXPECT_LT(reads, 100);
}

TEST(Bolt, CutAnywhereItIsNoHarm) {
  const std::string& whole = containerd_database();
  for (std::size_t size = 0; size < whole.size(); size += 509) {
    const std::string cut = whole.substr(0, size);
    const auto found = image(cut);
    EXPECT_TRUE(!found || found == "containerd.example/team/sleeper:2.0") << size;
    (void)labels(cut);
  }
}

TEST(Bolt, AnyWrongByteIsNoHarm) {
  std::string broken = containerd_database();
  // The pages in use: the rest is never read.
  for (std::size_t at = 0; at < broken.size(); at += 7) {
    const char kept = broken[at];
    for (const int flip : {0x01, 0x80, 0xff}) {
      broken[at] = static_cast<char>(kept ^ flip);
      if (kept == 0 && at % 4096 > 64) continue;
      (void)image(broken);
      (void)labels(broken);
    }
    broken[at] = kept;
  }
  EXPECT_TRUE(image(broken));
}

}  // namespace
}  // namespace mete::collectors
