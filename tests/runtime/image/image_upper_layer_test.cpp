// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "runtime/image/archives/layer_tar.h"
#include "runtime/image/upper_layer.h"
#include "tests/runtime/image/image_fixture.h"

namespace mete::testing {
namespace {

using runtime::image::Budget;
using runtime::image::LayerWriter;

class UpperLayers : public ImageFixture {
 protected:
  void SetUp() override {
    ImageFixture::SetUp();
    if (IsSkipped()) return;
    upper_ = dir_ / "upper";
    std::filesystem::create_directories(upper_ + "/etc/opaque");
    write_file(upper_ + "/etc/file", "text");
    std::filesystem::create_hard_link(upper_ + "/etc/file", upper_ + "/etc/hard");
    std::filesystem::create_symlink("file", upper_ + "/etc/link");
    ASSERT_EQ(::mknod((upper_ + "/etc/gone").c_str(), S_IFCHR, 0), 0);
    ASSERT_EQ(::mknod((upper_ + "/device").c_str(), S_IFCHR | 0600, makedev(1, 3)), 0);
    ASSERT_EQ(::mknod((upper_ + "/socket").c_str(), S_IFSOCK | 0600, 0), 0);
    ASSERT_EQ(::setxattr((upper_ + "/etc/opaque").c_str(), "trusted.overlay.opaque", "y", 1, 0), 0);
    ASSERT_EQ(::setxattr((upper_ + "/etc/file").c_str(), "trusted.overlay.origin", "h", 1, 0), 0);
    set_time("/etc/file", 2'000'000'000);
    set_time("/etc", 1'000'000'000);
  }
  void set_time(const std::string& path, std::int64_t seconds) const {
    const timespec times[2] = {{seconds, 5}, {seconds, 5}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (upper_ + path).c_str(), times, 0), 0);
  }
  static bool has_attribute(const std::string& path, const char* name) {
    return ::lgetxattr(path.c_str(), name, nullptr, 0) >= 0;
  }
  static void expect_layer(const std::string& layer) {
    EXPECT_EQ(text(layer + "/etc/file"), "text");
    EXPECT_EQ(status(layer + "/etc/hard").st_ino, status(layer + "/etc/file").st_ino);
    EXPECT_TRUE(S_ISLNK(status(layer + "/etc/link").st_mode));
    EXPECT_EQ(status(layer + "/etc/gone").st_rdev, makedev(0, 0));
    EXPECT_TRUE(S_ISCHR(status(layer + "/etc/gone").st_mode));
    EXPECT_TRUE(has_attribute(layer + "/etc/opaque", "trusted.overlay.opaque"));
    EXPECT_FALSE(has_attribute(layer + "/etc/file", "trusted.overlay.origin"));
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(layer + "/device")));
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(layer + "/socket")));
    EXPECT_EQ(status(layer + "/etc").st_mtim.tv_sec, 1'000'000'000);
    EXPECT_EQ(status(layer + "/etc").st_mtim.tv_nsec, 0);
    EXPECT_EQ(status(layer + "/etc/file").st_mtim.tv_sec, 1'500'000'000) << "not later than was said";
  }
  std::string upper_;
};

TEST_F(UpperLayers, CleanedInPlaceAndCopiedAreTheSameLayer) {
  const runtime::image::UpperOptions options{.latest = 1'500'000'000, .on_device = {}};
  const std::string copy = dir_ / "copy";
  std::filesystem::create_directory(copy);
  auto writer = LayerWriter::open(copy);
  auto budget = Budget::of(dir_ / ".");
  ASSERT_TRUE(writer && budget);
  const auto copied = runtime::image::copy_upper(upper_, *writer, *budget, options);
  ASSERT_TRUE(copied) << copied.error().what;
  ASSERT_TRUE(writer->finish());
  std::vector<std::string> devices;
  auto telling = options;
  telling.on_device = [&](const std::string& path) { devices.push_back(path); };
  const auto cleaned = runtime::image::clean_upper(upper_, telling);
  ASSERT_TRUE(cleaned) << cleaned.error().what;
  EXPECT_EQ(devices, std::vector<std::string>{"device"}) << "whiteouts and sockets are none";
  expect_layer(upper_);
  expect_layer(copy);
  const auto one = runtime::image::layer_diff_id(upper_);
  const auto other = runtime::image::layer_diff_id(copy);
  ASSERT_TRUE(one && other);
  EXPECT_EQ(*one, *other);
  const runtime::UniqueFd out(::open((dir_ / "tar").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const auto packed = runtime::image::write_layer_tar(copy, out.get());
  ASSERT_TRUE(packed);
  EXPECT_EQ(packed->diff_id, *one);
}

TEST_F(UpperLayers, AFileThatAnArchiveCannotNameIsRefused) {
  write_file(upper_ + "/etc/.wh.file", "");
  const auto cleaned = runtime::image::clean_upper(upper_, {});
  ASSERT_FALSE(cleaned);
  EXPECT_NE(cleaned.error().what.find("/etc/.wh.file"), std::string::npos) << cleaned.error().what;
}

TEST_F(UpperLayers, APartOfAFileIsRefused) {
  ASSERT_EQ(::setxattr((upper_ + "/etc/file").c_str(), "trusted.overlay.metacopy", "", 0, 0), 0);
  const auto cleaned = runtime::image::clean_upper(upper_, {});
  ASSERT_FALSE(cleaned);
  EXPECT_NE(cleaned.error().what.find("trusted.overlay.metacopy"), std::string::npos) << cleaned.error().what;
}

TEST_F(UpperLayers, AnEmptyLayerIsTold) {
  EXPECT_FALSE(runtime::image::is_empty_layer(upper_).value_or(true));
  std::filesystem::create_directory(dir_ / "nothing");
  EXPECT_TRUE(runtime::image::is_empty_layer(dir_ / "nothing").value_or(false));
}

}  // namespace
}  // namespace mete::testing
