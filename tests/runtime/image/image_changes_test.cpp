// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "runtime/image/changes.h"
#include "tests/runtime/image/image_fixture.h"

namespace mete::runtime::image {
namespace {

using namespace mete::testing;

// Three folders: upper, and two layers below it.
class ImageChanges : public ImageFixture {
 protected:
  void SetUp() override {
    ImageFixture::SetUp();
    if (IsSkipped()) return;
    for (const char* each : {"upper", "middle", "lowest"}) std::filesystem::create_directories(at(each));
  }
  std::string at(const std::string& path) const { return dir_ / path; }
  void put(const std::string& path, const std::string& text = "x") { write_file(at(path), text); }
  void folder(const std::string& path) { std::filesystem::create_directories(at(path)); }
  void hide(const std::string& path) {
    std::filesystem::create_directories(std::filesystem::path(at(path)).parent_path());
    ASSERT_EQ(::mknod(at(path).c_str(), S_IFCHR, makedev(0, 0)), 0);
  }
  void opaque(const std::string& path) {
    folder(path);
    ASSERT_EQ(::setxattr(at(path).c_str(), "trusted.overlay.opaque", "y", 1, 0), 0);
  }
  std::string changes() {
    const auto found = changes_of(at("upper"), {at("middle"), at("lowest")});
    if (!found) return found.error().what;
    std::string text;
    for (const auto& each : *found) {
      const char kind = each.kind == ChangeKind::kAdded ? 'A' : each.kind == ChangeKind::kDeleted ? 'D' : 'C';
      text += std::string(1, kind) + each.path + " ";
    }
    return text;
  }
};

TEST_F(ImageChanges, AddedChangedDeleted) {
  EXPECT_EQ(changes(), "");
  put("lowest/a");
  put("middle/b/c");
  put("upper/a");
  put("upper/b/d");
  hide("upper/b/c");
  put("upper/new/deep/file");
  EXPECT_EQ(changes(), "C/a C/b D/b/c A/b/d A/new A/new/deep A/new/deep/file ");
}

TEST_F(ImageChanges, WhatAMiddleLayerHidesIsNotBelow) {
  put("lowest/gone");
  hide("middle/gone");
  put("upper/gone");
  put("lowest/folder/old");
  opaque("middle/folder");
  put("upper/folder/old");
  put("lowest/became_file/x");
  put("middle/became_file");
  put("upper/became_file");
  // A whiteout of what nobody sees hides nothing.
  hide("upper/never");
  EXPECT_EQ(changes(), "C/became_file C/folder A/folder/old A/gone ");
}

TEST_F(ImageChanges, AFolderThatWasReplaced) {
  put("lowest/d/one");
  put("middle/d/two");
  put("lowest/d/kept");
  opaque("upper/d");
  put("upper/d/kept");
  put("lowest/d/sub/old");
  put("upper/d/new");
  put("upper/d/sub/new");
  EXPECT_EQ(changes(), "C/d C/d/kept A/d/new D/d/one C/d/sub A/d/sub/new D/d/sub/old D/d/two ");
}

TEST_F(ImageChanges, PlacesOfMountsAreNone) {
  folder("lowest/etc");
  folder("upper/proc");
  folder("upper/dev");
  put("upper/etc/hosts", "");
  EXPECT_EQ(changes(), "");
  // What is in them is one, and so is a folder whose rights changed.
  put("upper/etc/hostname", "mine");
  put("upper/dev/file");
  EXPECT_EQ(changes(), "A/dev A/dev/file C/etc A/etc/hostname ");
  std::filesystem::remove(at("upper/etc/hostname"));
  ASSERT_EQ(::chmod(at("upper/etc").c_str(), 0700), 0);
  EXPECT_EQ(changes(), "A/dev A/dev/file C/etc ");
  ASSERT_TRUE(drop_mount_points(at("upper"), {at("middle"), at("lowest")}));
  EXPECT_FALSE(std::filesystem::exists(at("upper/proc")));
  EXPECT_FALSE(std::filesystem::exists(at("upper/etc/hosts")));
  EXPECT_TRUE(std::filesystem::exists(at("upper/dev/file")));
  EXPECT_TRUE(std::filesystem::exists(at("upper/etc")));
}

TEST_F(ImageChanges, LinksAreNotFollowed) {
  put("lowest/real/file");
  std::filesystem::create_symlink("real", at("lowest/link"));
  put("upper/link/file");
  std::filesystem::create_symlink("/etc", at("upper/away"));
  EXPECT_EQ(changes(), "A/away C/link A/link/file ");
}

}  // namespace
}  // namespace mete::runtime::image
