// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "runtime/file.h"
#include "runtime/image/layer_note.h"
#include "runtime/image/store.h"
#include "tests/support/temp_dir.h"

namespace mete::runtime::image {
namespace {

namespace fs = std::filesystem;

void put(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << text;
}

std::string get(const std::string& path) {
  return read_file(AT_FDCWD, path).value_or("<none>");
}

class ImageStore : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: owners and devices are made";
    auto opened = Store::open(dir_ / "store");
    ASSERT_TRUE(opened) << opened.error().what;
    store_.emplace(std::move(*opened));
  }
  std::string rootfs(const std::string& name) {
    const std::string root = dir_ / name;
    put(root + "/bin/busybox", "#!program of " + name);
    fs::create_symlink("/bin/busybox", root + "/bin/sh");
    put(root + "/etc/passwd", "root:x:0:0::/:/bin/sh\n");
    return root;
  }
  [[nodiscard]] std::vector<std::string> layers_on_disk() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(store_->layers_directory()))
      names.push_back(entry.path().filename());
    return names;
  }
  [[nodiscard]] std::string in_layer(const Image& image, const std::string& path) const {
    return store_->layers_directory() + "/" + image.layers.at(0) + "/" + path;
  }
  testing::TempDir dir_;
  std::optional<Store> store_;
};

TEST_F(ImageStore, DirectoryIsImportedAsItIs) {
  const std::string root = rootfs("root");
  put(root + "/bin/su", "setuid");
  ASSERT_EQ(::chown((root + "/bin/su").c_str(), 7, 8), 0);
  ASSERT_EQ(::chmod((root + "/bin/su").c_str(), 04755), 0);
  ASSERT_EQ(::link((root + "/bin/su").c_str(), (root + "/bin/su2").c_str()), 0);
  ASSERT_EQ(::mkfifo((root + "/fifo").c_str(), 0640), 0);
  ASSERT_EQ(::mknod((root + "/null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
  ASSERT_EQ(::mkdir((root + "/tmp").c_str(), 0777), 0);
  ASSERT_EQ(::chmod((root + "/tmp").c_str(), 01777), 0);
  const timespec times[2] = {{1000, 0}, {1000, 5}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (root + "/tmp").c_str(), times, 0), 0);

  const auto image = store_->import(root, "docker.io/library/box");
  ASSERT_TRUE(image) << image.error().what;
  EXPECT_EQ(image->name, "box:latest");
  EXPECT_EQ(image->id.size(), 64U);
  ASSERT_EQ(image->layers.size(), 1U);
  EXPECT_LE(image->layers[0].size(), 32U);
  EXPECT_EQ(image->config.cmd, std::vector<std::string>{"/bin/sh"});
  EXPECT_TRUE(image->config.entrypoint.empty());
  EXPECT_GT(image->size, 0);
  // The next image that has this layer needs no walk.
  EXPECT_EQ(runtime::image::read_note(store_->directory(), image->layers[0]).size, image->size);

  struct stat info {};
  ASSERT_EQ(::lstat(in_layer(*image, "bin/su").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 04755U);
  EXPECT_EQ(info.st_uid, 7U);
  EXPECT_EQ(info.st_gid, 8U);
  EXPECT_EQ(info.st_nlink, 2U);
  ASSERT_EQ(::lstat(in_layer(*image, "fifo").c_str(), &info), 0);
  EXPECT_TRUE(S_ISFIFO(info.st_mode));
  ASSERT_EQ(::lstat(in_layer(*image, "tmp").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 01777U);
  EXPECT_EQ(info.st_mtim.tv_sec, 1000);
  EXPECT_EQ(info.st_mtim.tv_nsec, 5);
  EXPECT_NE(::lstat(in_layer(*image, "null").c_str(), &info), 0) << "devices are not of an image";
  EXPECT_EQ(fs::read_symlink(in_layer(*image, "bin/sh")), "/bin/busybox");
}

TEST_F(ImageStore, FindAndListReadWhatImportWrote) {
  ASSERT_TRUE(store_->import(rootfs("b"), "b:2"));
  const auto made = store_->import(rootfs("a"), "registry.example/a");
  ASSERT_TRUE(made);
  const auto found = store_->find("registry.example/a:latest");
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(found->config, made->config);
  EXPECT_EQ(found->layers, made->layers);
  EXPECT_EQ(found->id, made->id);
  EXPECT_EQ(found->size, made->size);
  EXPECT_EQ(found->created, made->created);
  const auto all = store_->list();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ((*all)[0].name, "b:2");
  EXPECT_EQ((*all)[1].name, "registry.example/a:latest");
}

TEST_F(ImageStore, MissingImageIsNamedWithTheWayToImportIt) {
  const auto found = store_->find("nginx");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ENOENT);
  EXPECT_NE(found.error().what.find("\"nginx\""), std::string::npos);
  EXPECT_NE(found.error().what.find("mete image import"), std::string::npos);
  EXPECT_FALSE(store_->find("../x"));
  const auto removed = store_->remove("nginx");
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, ENOENT);
}

TEST_F(ImageStore, SameDirectoryTwiceIsOneLayer) {
  const std::string root = rootfs("root");
  const auto first = store_->import(root, "one");
  const auto second = store_->import(root, "two");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->layers, second->layers);
  EXPECT_EQ(layers_on_disk().size(), 1U);
  put(root + "/etc/new", "x");
  const auto third = store_->import(root, "two");
  ASSERT_TRUE(third);
  EXPECT_NE(third->layers, first->layers);
  EXPECT_EQ(store_->list()->size(), 2U);
}

TEST_F(ImageStore, LayersGoWithTheirLastUser) {
  const std::string root = rootfs("root");
  const auto image = store_->import(root, "one");
  ASSERT_TRUE(image && store_->import(root, "two"));
  ASSERT_TRUE(store_->remove("one"));
  EXPECT_EQ(layers_on_disk().size(), 1U);
  ASSERT_TRUE(store_->remove("two", image->layers));
  EXPECT_EQ(layers_on_disk(), image->layers) << "a container still runs on it";
  ASSERT_TRUE(store_->prune(image->layers));
  EXPECT_EQ(layers_on_disk(), image->layers);
  ASSERT_TRUE(store_->prune());
  EXPECT_TRUE(layers_on_disk().empty());
  EXPECT_TRUE(store_->list()->empty());
}

TEST_F(ImageStore, UnreadableRecordKeepsAllLayers) {
  const auto image = store_->import(rootfs("root"), "one");
  ASSERT_TRUE(image);
  put(dir_ / "store/images/one:latest.json", "{\"version\": 1");
  const auto pruned = store_->prune();
  ASSERT_FALSE(pruned);
  EXPECT_NE(pruned.error().what.find("one:latest.json"), std::string::npos);
  EXPECT_EQ(layers_on_disk(), image->layers);
}

TEST_F(ImageStore, KilledImportIsCleanedUpByTheNext) {
  put(dir_ / "store/tmp/1234.1/etc/passwd", "half");
  put(dir_ / "store/tmp/1234.2", "half");
  ASSERT_TRUE(store_->import(rootfs("root"), "one"));
  EXPECT_TRUE(fs::is_empty(dir_ / "store/tmp"));
}

TEST_F(ImageStore, FailedImportLeavesNothing) {
  put(dir_ / "empty", "");
  fs::create_directory(dir_ / "void");
  put(dir_ / "text", std::string(3000, 'x'));
  for (const char* name : {"missing", "empty", "void", "text"}) {
    const auto image = store_->import(dir_ / name, "one");
    ASSERT_FALSE(image) << name;
    EXPECT_NE(image.error().what.find(dir_ / name), std::string::npos) << image.error().what;
  }
  EXPECT_FALSE(store_->import(rootfs("root"), "No Such Name"));
  EXPECT_TRUE(layers_on_disk().empty());
  EXPECT_TRUE(store_->list()->empty());
  EXPECT_TRUE(fs::is_empty(dir_ / "store/tmp"));
}

TEST_F(ImageStore, DirectoryThatHoldsTheStoreDoesNotImportTheStore) {
  put(dir_ / "etc/passwd", "root:x:0:0::/:/bin/sh\n");
  const auto image = store_->import(dir_.path(), "all");
  ASSERT_TRUE(image) << image.error().what;
  EXPECT_TRUE(fs::is_empty(in_layer(*image, "store")));
  EXPECT_EQ(get(in_layer(*image, "etc/passwd")), "root:x:0:0::/:/bin/sh\n");
}

TEST_F(ImageStore, CollectDoesNotWaitForAnImport) {
  const UniqueFd lock(::open((dir_ / "store/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
  EXPECT_TRUE(store_->prune());
}

}  // namespace
}  // namespace mete::runtime::image
