// SPDX-License-Identifier: Apache-2.0
// Tar archives, the well-meant and the hostile.
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "tests/runtime/image/image_fixture.h"

namespace mete::runtime::image {
namespace {

using namespace mete::testing;

class ImageExtract : public ImageFixture {};

bool is_whiteout(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0);
}

std::string xattr(const std::string& path, const char* name) {
  char value[256];
  const ssize_t size = ::lgetxattr(path.c_str(), name, value, sizeof value);
  return size < 0 ? "<none>" : std::string(value, static_cast<std::size_t>(size));
}

TEST_F(ImageExtract, AllKindsOfFiles) {
  const std::string capability("\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20);
  const auto image = import_tar({
      directory("./"),
      directory("./tmp/", 01777),
      {.path = "./bin/sh", .content = "shell", .mode = 04755, .uid = 3},
      {.path = "./bin/sh2", .hardlink = "./bin/sh"},
      {.path = "./bin/ping",
       .content = "ping",
       .mode = 0755,
       .xattrs = {{"security.capability", capability},
                  {"user.note", "x"},
                  {"user.overlay.opaque", "y"},
                  {"trusted.overlay.metacopy", "y"},
                  {"trusted.x", "y"},
                  {"security.selinux", "label"}}},
      symlink("lib", "usr/lib"),
      {.path = "fifo", .type = S_IFIFO, .mode = 0600},
      {.path = "dev/null", .type = S_IFCHR, .mode = 0666, .device = makedev(1, 3)},
      {.path = "dev/sda", .type = S_IFBLK, .mode = 0666, .device = makedev(8, 0)},
      {.path = "gr\xc3\xbc\xc3\x9f", .content = "umlaut"},
  });
  ASSERT_TRUE(image) << image.error().what;
  EXPECT_EQ(image->config.cmd, std::vector<std::string>{"/bin/sh"});
  const auto shell = status(in_layer(*image, "bin/sh"));
  EXPECT_EQ(shell.st_mode, S_IFREG | 04755U);
  EXPECT_EQ(shell.st_uid, 3U);
  EXPECT_EQ(shell.st_nlink, 2U);
  EXPECT_EQ(shell.st_mtim.tv_sec, 1'000'000);
  EXPECT_EQ(status(in_layer(*image, "tmp")).st_mode, S_IFDIR | 01777U);
  EXPECT_EQ(status(in_layer(*image, "tmp")).st_mtim.tv_sec, 1'000'000);
  EXPECT_EQ(xattr(in_layer(*image, "bin/ping"), "security.capability"), capability);
  EXPECT_EQ(xattr(in_layer(*image, "bin/ping"), "user.note"), "x");
  for (const char* name : {"user.overlay.opaque", "trusted.overlay.metacopy", "trusted.x"}) {
    EXPECT_EQ(xattr(in_layer(*image, "bin/ping"), name), "<none>") << name;
  }
  EXPECT_EQ(std::filesystem::read_symlink(in_layer(*image, "lib")), "usr/lib");
  EXPECT_TRUE(S_ISFIFO(status(in_layer(*image, "fifo")).st_mode));
  EXPECT_FALSE(std::filesystem::exists(in_layer(*image, "dev"))) << "devices are not of an image";
  EXPECT_EQ(text(in_layer(*image, "gr\xc3\xbc\xc3\x9f")), "umlaut");
}

TEST_F(ImageExtract, CompressedArchivesAreTheSameLayer) {
  const std::vector<TarItem> items = {{.path = "etc/a", .content = std::string(100'000, 'a')}};
  const auto plain = import_tar(items);
  ASSERT_TRUE(plain) << plain.error().what;
  for (const int filter : {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_ZSTD}) {
    const auto packed = import_bytes(tar(items, filter), "packed");
    ASSERT_TRUE(packed) << filter << ": " << packed.error().what;
    EXPECT_EQ(packed->layers, plain->layers) << filter;
  }
}

TEST_F(ImageExtract, WhiteoutsBecomeOverlayfsOwn) {
  const auto image = import_tar({
      directory("etc"),
      {.path = "etc/.wh.gone"},
      {.path = "opaque/.wh..wh..opq"},
      {.path = "opaque/new", .content = "new"},
      {.path = "dev0", .type = S_IFCHR, .device = makedev(0, 0)},
      {.path = ".wh..wh.plnk"},
      {.path = "both", .content = "stays"},
      {.path = ".wh.both"},
      directory("dir"),
      {.path = ".wh.dir"},
      {.path = ".wh.dir2"},
      directory("dir2"),
  });
  ASSERT_TRUE(image) << image.error().what;
  EXPECT_TRUE(is_whiteout(status(in_layer(*image, "etc/gone"))));
  EXPECT_TRUE(is_whiteout(status(in_layer(*image, "dev0"))));
  EXPECT_EQ(xattr(in_layer(*image, "opaque"), "trusted.overlay.opaque"), "y");
  EXPECT_EQ(text(in_layer(*image, "opaque/new")), "new");
  EXPECT_FALSE(std::filesystem::exists(in_layer(*image, "opaque/.wh..wh..opq")));
  EXPECT_FALSE(std::filesystem::exists(in_layer(*image, ".wh..wh.plnk")));
  EXPECT_EQ(text(in_layer(*image, "both")), "stays");
  EXPECT_EQ(xattr(in_layer(*image, "dir"), "trusted.overlay.opaque"), "y");
  EXPECT_EQ(xattr(in_layer(*image, "dir2"), "trusted.overlay.opaque"), "y");
  EXPECT_TRUE(S_ISDIR(status(in_layer(*image, "dir2")).st_mode));
}

TEST_F(ImageExtract, NothingIsWrittenOutside) {
  const std::string host = dir_ / "host";
  const auto image = import_tar({
      {.path = "/absolute", .content = "inside"},
      directory(host),
      symlink("out", host),
      {.path = "out/secret", .content = "through a link"},
      symlink("up", "../../../../../../../.." + host),
      {.path = "up/other", .content = "through a relative link"},
      symlink("file", host + "/secret"),
      {.path = "file", .content = "a link replaced by a file"},
      symlink("out2", host),
      directory("out2"),
      {.path = "out2/secret", .content = "a link replaced by a directory"},
      symlink("wh", host),
      {.path = "wh/.wh.secret"},
      {.path = "wh/.wh..wh..opq"},
      symlink("self", "/proc/self/root"),
  });
  ASSERT_TRUE(image) << image.error().what;
  EXPECT_EQ(text(in_layer(*image, "absolute")), "inside");
  EXPECT_EQ(text(in_layer(*image, host.substr(1) + "/secret")), "through a link");
  EXPECT_EQ(text(in_layer(*image, host.substr(1) + "/other")), "through a relative link");
  EXPECT_EQ(text(in_layer(*image, "file")), "a link replaced by a file");
  EXPECT_EQ(text(in_layer(*image, "out2/secret")), "a link replaced by a directory");
  EXPECT_EQ(xattr(host, "trusted.overlay.opaque"), "<none>");
}

TEST_F(ImageExtract, NamesAndLinksThatLeaveAreRefused) {
  const std::string host = dir_ / "host";
  expect_refused(tar({{.path = "../evil", .content = "x"}}), "\"..\"");
  expect_refused(tar({{.path = "a/../../evil", .content = "x"}}), "\"..\"");
  expect_refused(tar({{.path = "hard", .hardlink = "../host/secret"}}), "\"..\"");
  expect_refused(tar({{.path = "hard", .hardlink = host + "/secret"}}), "");
  expect_refused(tar({symlink("out", host), {.path = "hard", .hardlink = "out/secret"}}), "");
  expect_refused(tar({directory("d"), {.path = "hard", .hardlink = "d"}}), "hard link");
  expect_refused(tar({{.path = "etc/.wh."}}), "whiteout without a name");
  expect_refused(tar({{.path = "etc/.wh..."}}), "whiteout without a name");
  expect_refused(tar({{.path = "etc/.wh.."}}), "whiteout without a name");
  expect_refused(tar({{.path = "a", .content = "file"}, {.path = "a/b", .content = "x"}}), "a");
  expect_refused(tar({symlink("loop", "loop"), {.path = "loop/b", .content = "x"}}), "loop");
  expect_refused(tar({{.path = std::string(300, 'n'), .content = "x"}}), "too long");
}

TEST_F(ImageExtract, HardLinkToALinkOutsideLinksTheLinkItself) {
  const auto image = import_tar({symlink("l", dir_ / "host/secret"), {.path = "hard", .hardlink = "l"}});
  ASSERT_TRUE(image) << image.error().what;
  EXPECT_TRUE(S_ISLNK(status(in_layer(*image, "hard")).st_mode));
  EXPECT_EQ(status(dir_ / "host/secret").st_nlink, 1U);
}

TEST_F(ImageExtract, LaterEntriesReplaceEarlierOnes) {
  const auto image = import_tar({
      {.path = "d/e/f", .content = "1"},
      {.path = "d/e/g", .content = "1"},
      {.path = "d", .content = "a file now"},
      {.path = "x", .content = "1"},
      directory("x"),
      {.path = "x/y", .content = "2"},
      {.path = "x/y", .content = "3"},
      {.path = "same", .content = "4"},
      {.path = "same", .hardlink = "./same"},
  });
  ASSERT_TRUE(image) << image.error().what;
  EXPECT_EQ(text(in_layer(*image, "d")), "a file now");
  EXPECT_EQ(text(in_layer(*image, "x/y")), "3");
  EXPECT_EQ(text(in_layer(*image, "same")), "4");
}

TEST_F(ImageExtract, DamagedArchivesAreRefused) {
  std::string random(20'000, '\0');  // does not compress
  for (std::size_t i = 0, x = 1; i < random.size(); ++i)
    random[i] = static_cast<char>((x = x * 6364136223846793005U + 1) >> 56U);
  const std::vector<TarItem> items = {{.path = "a", .content = random}, {.path = "b", .content = "b"}};
  const std::string whole = tar(items);
  for (const std::size_t size : {1U, 511U, 512U, 513U, 5000U, 20'992U, 21'000U})
    expect_refused(whole.substr(0, size), "");
  for (const int filter : {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_ZSTD}) {
    const std::string packed = tar(items, filter);
    expect_refused(packed.substr(0, packed.size() / 2), "");
    if (filter != ARCHIVE_FILTER_XZ) continue;  // libarchive checks no other's sum
    std::string flipped = packed;
    flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 0x55);
    expect_refused(flipped, "");
  }
  expect_refused(std::string("PK\x03\x04") + std::string(1000, 'z'), "tar");
  expect_refused("", "empty file");
}

TEST_F(ImageExtract, FullDiskIsOneErrorAndLeavesNothing) {
  const std::string small = dir_ / "small";
  std::filesystem::create_directory(small);
  if (::mount("tmpfs", small.c_str(), "tmpfs", 0, "size=1m") != 0) GTEST_SKIP() << "needs to mount a tmpfs";
  {
    auto store = Store::open(small + "/store");
    ASSERT_TRUE(store);
    write_file(dir_ / "archive", tar({{.path = "a", .content = std::string(600'000, 'a')},
                                      {.path = "b", .content = std::string(600'000, 'b')}}));
    const auto image = store->import(dir_ / "archive", "big");
    EXPECT_FALSE(image);
    if (!image) {
      EXPECT_EQ(image.error().code, ENOSPC) << image.error().what;
      EXPECT_NE(image.error().what.find("found"), std::string::npos) << image.error().what;
    }
    EXPECT_TRUE(std::filesystem::is_empty(small + "/store/layers"));
    EXPECT_TRUE(std::filesystem::is_empty(small + "/store/tmp"));
    EXPECT_TRUE(std::filesystem::is_empty(small + "/store/images"));
  }
  EXPECT_EQ(::umount(small.c_str()), 0);
}

}  // namespace
}  // namespace mete::runtime::image
