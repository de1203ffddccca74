// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "runtime/file.h"
#include "runtime/image/store.h"
#include "tests/runtime/image/image_archives.h"
#include "tests/support/temp_dir.h"

namespace mete::testing {

// A store, and a file beside it that no archive may reach.
class ImageFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: owners, devices and trusted attributes are made";
    auto opened = runtime::image::Store::open(dir_ / "store");
    ASSERT_TRUE(opened) << opened.error().what;
    store_.emplace(std::move(*opened));
    write_file(dir_ / "host/secret", "untouched");
  }
  void TearDown() override {
    if (!store_) return;
    EXPECT_EQ(text(dir_ / "host/secret"), "untouched");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_ / "host"), {}), 1);
    EXPECT_TRUE(std::filesystem::is_empty(dir_ / "store/tmp"));
  }
  Result<runtime::image::Image> import_bytes(const std::string& bytes, const std::string& name = "test") {
    write_file(dir_ / "archive", bytes);
    return store_->import(dir_ / "archive", name);
  }
  Result<runtime::image::Image> import_tar(const std::vector<TarItem>& items, const std::string& name = "test") {
    return import_bytes(tar(items), name);
  }
  // An import that fails, says why, and leaves nothing.
  void expect_refused(const std::string& bytes, const std::string& why) {
    const auto image = import_bytes(bytes, "refused");
    ASSERT_FALSE(image) << "expected an error with: " << why;
    EXPECT_NE(image.error().what.find(why), std::string::npos) << image.error().what;
    EXPECT_NE(image.error().what.find(dir_ / "archive"), std::string::npos) << image.error().what;
    EXPECT_TRUE(std::filesystem::is_empty(store_->layers_directory()));
    EXPECT_FALSE(store_->find("refused"));
  }
  [[nodiscard]] std::string in_layer(const runtime::image::Image& image, const std::string& path,
                                     std::size_t layer = 0) const {
    return store_->layers_directory() + "/" + image.layers.at(layer) + "/" + path;
  }
  [[nodiscard]] static std::string text(const std::string& path) {
    return runtime::read_file(AT_FDCWD, path).value_or("<none>");
  }
  [[nodiscard]] static struct stat status(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info;
  }
  TempDir dir_;
  std::optional<runtime::image::Store> store_;
};

}  // namespace mete::testing
