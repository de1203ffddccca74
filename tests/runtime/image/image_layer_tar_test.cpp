// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/xattr.h>

#include "runtime/image/archives/layer_tar.h"
#include "runtime/image/sha256.h"
#include "tests/runtime/image/image_fixture.h"

namespace mete::testing {
namespace {

using runtime::image::LayerTar;

class LayerTars : public ImageFixture {
 protected:
  // Packs the image's only layer, and imports it again under another name.
  LayerTar pack(const runtime::image::Image& image, const std::string& file) {
    const runtime::UniqueFd out(::open((dir_ / file).c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const auto packed = runtime::image::write_layer_tar(in_layer(image, ""), out.get());
    EXPECT_TRUE(packed) << packed.error().what;
    return packed.value_or(LayerTar());
  }
  [[nodiscard]] std::string bytes(const std::string& file) const { return text(dir_ / file); }
};

std::vector<TarItem> all_kinds() {
  return {directory("etc", 0750),
          {.path = "etc/passwd", .content = "root:x:0:0::/:/bin/sh\n", .uid = 7},
          symlink("etc/link", "../passwd"),
          {.path = "etc/hard", .hardlink = "etc/passwd"},
          {.path = "bin/su", .content = "program", .mode = 04755},
          {.path = "bin/capable", .content = "p", .xattrs = {{"user.note", "text"}}},
          {.path = "fifo", .type = S_IFIFO},
          {.path = "n\xc3\xa4me", .content = "utf-8"},
          {.path = "big", .content = std::string(300'000, 'x')},
          directory("empty", 01777)};
}

TEST_F(LayerTars, ALayerComesBackAsItWas) {
  const auto image = import_tar(all_kinds());
  ASSERT_TRUE(image) << image.error().what;
  const LayerTar packed = pack(*image, "packed");
  EXPECT_EQ(packed.digest, "sha256:" + runtime::image::sha256_hex(bytes("packed")));
  EXPECT_EQ(packed.size, static_cast<std::int64_t>(bytes("packed").size()));
  EXPECT_LT(packed.size, 2000) << "compressed, and nothing behind it";
  const auto again = store_->import(dir_ / "packed", "again");
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ("sha256:" + packed.diff_id.substr(7, 24), "sha256:" + again->layers.at(0)) << "the sum is the tar's";
  for (const char* path : {"etc", "etc/passwd", "etc/link", "bin/su", "fifo", "n\xc3\xa4me", "big", "empty"}) {
    const auto before = status(in_layer(*image, path));
    const auto after = status(in_layer(*again, path));
    EXPECT_EQ(before.st_mode, after.st_mode) << path;
    EXPECT_EQ(before.st_uid, after.st_uid) << path;
    EXPECT_EQ(before.st_size, after.st_size) << path;
    EXPECT_EQ(before.st_mtim.tv_sec, after.st_mtim.tv_sec) << path;
  }
  EXPECT_EQ(text(in_layer(*again, "big")), std::string(300'000, 'x'));
  EXPECT_EQ(status(in_layer(*again, "etc/hard")).st_ino, status(in_layer(*again, "etc/passwd")).st_ino);
  char value[8] = {};
  const std::string capable = in_layer(*image, "bin/capable");
  if (::getxattr(capable.c_str(), "user.note", value, sizeof value) == 4) {
    EXPECT_EQ(::getxattr(in_layer(*again, "bin/capable").c_str(), "user.note", value, sizeof value), 4);
  }
}

TEST_F(LayerTars, TheSameLayerGivesTheSameBytes) {
  const auto image = import_tar(all_kinds());
  ASSERT_TRUE(image);
  const LayerTar first = pack(*image, "first");
  const LayerTar second = pack(*image, "second");
  EXPECT_EQ(first.diff_id, second.diff_id);
  EXPECT_EQ(bytes("first"), bytes("second"));
  // And so does what was packed and unpacked.
  const auto again = store_->import(dir_ / "first", "again");
  ASSERT_TRUE(again);
  EXPECT_EQ(pack(*again, "third").digest, first.digest);
  EXPECT_EQ(bytes("third"), bytes("first"));
}

TEST_F(LayerTars, WhiteoutsBecomeNames) {
  const auto image = import_tar({directory("a"),
                                 {.path = "a/.wh.gone"},
                                 directory("b"),
                                 {.path = "b/.wh..wh..opq"},
                                 {.path = "b/new", .content = "x"}});
  ASSERT_TRUE(image);
  const LayerTar packed = pack(*image, "packed");
  const auto again = store_->import(dir_ / "packed", "again");
  ASSERT_TRUE(again);
  const auto gone = status(in_layer(*again, "a/gone"));
  EXPECT_TRUE(S_ISCHR(gone.st_mode));
  EXPECT_EQ(gone.st_rdev, 0U);
  char opaque = 0;
  EXPECT_EQ(::getxattr(in_layer(*again, "b").c_str(), "trusted.overlay.opaque", &opaque, 1), 1);
  EXPECT_EQ(pack(*again, "more").diff_id, packed.diff_id);
}

}  // namespace
}  // namespace mete::testing
