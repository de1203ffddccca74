// SPDX-License-Identifier: Apache-2.0
// OCI layouts and `docker save`, as directories and archives.
#include <sys/mount.h>

#include <algorithm>

#include "runtime/image/image_documents.h"
#include "tests/runtime/image/image_fixture.h"

namespace mete::runtime::image {
namespace {

using namespace mete::testing;

class ImageLayout : public ImageFixture {
 protected:
  static std::string base_layer() {
    return tar({{.path = "etc/passwd", .content = "root:x:0:0::/:/bin/sh\napp:x:1000:1001::/:/bin/sh\n"},
                {.path = "etc/group", .content = "apps:x:1001:\nstaff:x:50:app\n"},
                {.path = "bin/app", .content = "1"}});
  }
  static std::string upper_layer() { return tar({{.path = "bin/app", .content = "2"}, {.path = "etc/.wh.group"}}); }
  std::string put_directory(const std::vector<TarItem>& items) {
    const std::string path = dir_ / "layout";
    std::filesystem::remove_all(path);
    for (const TarItem& item : items) write_file(path + "/" + item.path, item.content);
    return path;
  }
  static std::string platform(const std::string& os, const std::string& architecture) {
    return R"(,"platform":{"os":")" + os + R"(","architecture":")" + architecture + "\"}";
  }
};

TEST_F(ImageLayout, ArchiveAndDirectoryAreTheSameImage) {
  LayoutMaker maker;
  maker.add(base_layer());
  const std::string upper = upper_layer();
  maker.layers.push_back({upper,
                          tar({{.path = "bin/app", .content = "2"}, {.path = "etc/.wh.group"}}, ARCHIVE_FILTER_GZIP),
                          "application/vnd.oci.image.layer.v1.tar+gzip"});
  maker.config = R"({"Entrypoint":["/bin/app"],"Cmd":["-x"],"Env":["A=b","NOVALUE"],"WorkingDir":"srv","User":"app",)"
                 R"("StopSignal":"SIGINT","Labels":{"k":"v"}})";
  maker.put_image();
  const auto items = maker.finish();
  const auto image = import_tar(items, "one");
  ASSERT_TRUE(image) << image.error().what;
  const ImageConfig& config = image->config;
  EXPECT_EQ(config.entrypoint, std::vector<std::string>{"/bin/app"});
  EXPECT_EQ(config.cmd, std::vector<std::string>{"-x"});
  EXPECT_EQ(config.env, std::vector<std::string>{"A=b"});
  EXPECT_EQ(config.working_dir, "/srv");
  EXPECT_EQ(config.stop_signal, "SIGINT");
  EXPECT_EQ(config.labels.at("k"), "v");
  EXPECT_EQ(config.uid, 1000U);
  EXPECT_EQ(config.gid, 1001U);
  EXPECT_TRUE(config.groups.empty()) << "the upper layer removed /etc/group";
  EXPECT_EQ(image->created, std::chrono::system_clock::time_point(std::chrono::seconds(1'709'210'096)));
  ASSERT_EQ(image->layers.size(), 2U);
  EXPECT_EQ(text(in_layer(*image, "bin/app", 0)), "2");
  EXPECT_EQ(text(in_layer(*image, "bin/app", 1)), "1");
  EXPECT_EQ("sha256:" + image->id, digest(maker.config_text()));

  const auto again = store_->import(put_directory(items), "two");
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(again->layers, image->layers);
  EXPECT_EQ(again->id, image->id);
  const auto packed = import_bytes(tar(items, ARCHIVE_FILTER_ZSTD), "three");
  ASSERT_TRUE(packed) << packed.error().what;
  EXPECT_EQ(packed->layers, image->layers);
}

TEST_F(ImageLayout, OverlayfsShowsTheImage) {
  LayoutMaker maker;
  maker.add(tar({{.path = "etc/group", .content = "g"},
                 {.path = "etc/keep", .content = "k"},
                 {.path = "srv/old", .content = "o"}}));
  maker.add(tar({{.path = "etc/.wh.group"}, {.path = "srv/new", .content = "n"}, {.path = "srv/.wh..wh..opq"}}));
  maker.put_image();
  const auto image = import_tar(maker.finish());
  ASSERT_TRUE(image) << image.error().what;
  const std::string merged = dir_ / "merged";
  std::filesystem::create_directory(merged);
  const std::string options = "lowerdir=" + in_layer(*image, "", 0) + ":" + in_layer(*image, "", 1);
  if (::mount("overlay", merged.c_str(), "overlay", MS_RDONLY, options.c_str()) != 0) GTEST_SKIP() << "needs overlayfs";
  EXPECT_FALSE(std::filesystem::exists(merged + "/etc/group"));
  EXPECT_EQ(text(merged + "/etc/keep"), "k");
  EXPECT_FALSE(std::filesystem::exists(merged + "/srv/old"));
  EXPECT_EQ(text(merged + "/srv/new"), "n");
  EXPECT_EQ(::umount(merged.c_str()), 0);
}

TEST_F(ImageLayout, LayersAreSharedAndGoWithTheLast) {
  LayoutMaker first;
  first.add(base_layer());
  first.put_image();
  LayoutMaker second;
  second.add(base_layer());
  second.add(upper_layer());
  second.add(base_layer());  // again: overlayfs refuses a directory twice
  second.put_image();
  const auto one = import_tar(first.finish(), "one");
  const auto two = import_tar(second.finish(), "two");
  ASSERT_TRUE(one && two) << (two ? "" : two.error().what);
  ASSERT_EQ(two->layers.size(), 2U);
  EXPECT_EQ(two->layers[0], one->layers[0]) << "the topmost of the two is the one that counts";
  const auto kept = [&] { return std::distance(std::filesystem::directory_iterator(store_->layers_directory()), {}); };
  EXPECT_EQ(kept(), 2);
  ASSERT_TRUE(store_->remove("two"));
  EXPECT_EQ(kept(), 1);
  EXPECT_TRUE(store_->find("one"));
  ASSERT_TRUE(store_->remove("one"));
  EXPECT_EQ(kept(), 0);
}

TEST_F(ImageLayout, ThisMachinesPlatformIsChosen) {
  LayoutMaker maker;
  maker.add(base_layer());
  maker.put_image(platform("linux", maker.architecture));
  const std::string mine = maker.config_text();
  const std::string real = maker.architecture;
  maker.architecture = "vax";
  maker.put_image(platform("linux", "vax"));
  maker.architecture = real;
  maker.put_image(
      R"(,"platform":{"os":"unknown","architecture":"unknown"},"annotations":{"vnd.docker.reference.type":"attestation-manifest"})");
  const auto image = import_tar(maker.finish());
  ASSERT_TRUE(image) << image.error().what;
  EXPECT_EQ("sha256:" + image->id, digest(mine));
}

TEST_F(ImageLayout, OtherPlatformsAreNamed) {
  LayoutMaker maker;
  maker.add(base_layer());
  maker.architecture = "vax";
  maker.put_image(platform("linux", "vax"));
  maker.put_image();  // the platform is in the configuration
  expect_refused(tar(maker.finish()), "linux/vax, linux/vax, expected one for linux/");
}

TEST_F(ImageLayout, OfSeveralTheNamedOne) {
  LayoutMaker maker;
  maker.add(base_layer());
  maker.put_image(R"(,"annotations":{"io.containerd.image.name":"docker.io/library/one:latest"})");
  maker.add(upper_layer());
  maker.put_image(R"(,"annotations":{"io.containerd.image.name":"docker.io/library/two:latest"})");
  const auto items = maker.finish();
  const auto two = import_tar(items, "two");
  ASSERT_TRUE(two) << two.error().what;
  EXPECT_EQ(two->layers.size(), 2U);
  ASSERT_TRUE(store_->remove("two"));
  expect_refused(tar(items), "found several images");
}

TEST_F(ImageLayout, DigestsAreChecked) {
  LayoutMaker maker;
  maker.add(base_layer());
  maker.put_image();
  const auto items = maker.finish();
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!items[i].path.starts_with("blobs/")) continue;
    auto changed = items;
    char& byte = changed[i].content[changed[i].content.size() / 2];
    byte = static_cast<char>(byte ^ 1);
    // In a layer, the tar format's own check may come first.
    expect_refused(tar(changed), changed[i].content.starts_with("{") ? "expected sha256:" : "");
    changed = items;
    changed[i].content.pop_back();
    expect_refused(tar(changed), "bytes, expected");
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
    expect_refused(tar(changed), "No such file");
  }
  LayoutMaker wrong;
  wrong.layers.push_back({upper_layer(), base_layer()});
  wrong.put_image();
  expect_refused(tar(wrong.finish()), "diff_id");
}

TEST_F(ImageLayout, UnknownTypesAndUsersAreRefused) {
  LayoutMaker maker;
  maker.layers.push_back({base_layer(), base_layer(), "application/vnd.oci.image.layer.v1.tar+encrypted"});
  maker.put_image();
  expect_refused(tar(maker.finish()), "+encrypted");
  LayoutMaker user;
  user.add(base_layer());
  user.config = R"({"User":"nobody"})";
  user.put_image();
  expect_refused(tar(user.finish()), "\"nobody\"");
  LayoutMaker none;
  none.put_image();
  expect_refused(tar(none.finish()), "found 0 layers");
  expect_refused(tar({{.path = "oci-layout", .content = "{}"}, {.path = "index.json", .content = "{"}}), "image index");
  expect_refused(
      tar({{.path = "oci-layout", .content = "{}"}, {.path = "index.json", .content = R"({"manifests":7})"}}), "");
}

TEST_F(ImageLayout, LinksInALayoutLeadNowhereElse) {
  LayoutMaker maker;
  maker.add(base_layer());
  maker.put_image();
  auto items = maker.finish();
  items.back() = symlink("index.json", dir_ / "host/secret");
  expect_refused(tar(items), "");
}

std::vector<TarItem> docker_save(const std::string& base, const std::string& upper, const std::string& tags) {
  LayoutMaker maker;
  maker.add(base);
  maker.add(upper);
  const std::string config = maker.config_text();
  const std::string name = sha256_hex(config) + ".json";
  const std::string a(64, 'a');
  const std::string b(64, 'b');
  return {directory(a),
          {.path = a + "/VERSION", .content = "1.0"},
          {.path = a + "/layer.tar", .content = base},
          directory(b),
          {.path = b + "/real.tar", .content = upper},
          symlink(b + "/layer.tar", "../" + b + "/real.tar"),
          {.path = name, .content = config},
          {.path = "manifest.json",
           .content = R"([{"Config":")" + name + R"(","RepoTags":)" + tags + R"(,"Layers":[")" + a +
                      R"(/layer.tar",")" + b + R"(/layer.tar"]}])"},
          {.path = "repositories", .content = "{}"}};
}

TEST_F(ImageLayout, DockerSave) {
  for (const char* tags : {"null", R"(["x:1"])"}) {
    const auto image = import_tar(docker_save(base_layer(), upper_layer(), tags), "saved");
    ASSERT_TRUE(image) << image.error().what;
    ASSERT_EQ(image->layers.size(), 2U);
    EXPECT_EQ(text(in_layer(*image, "bin/app", 0)), "2");
    EXPECT_EQ(image->config.cmd, std::vector<std::string>{"/bin/app"});
  }
}

TEST_F(ImageLayout, DockerSaveIsChecked) {
  auto items = docker_save(base_layer(), upper_layer(), "null");
  auto changed = items;
  changed[2].content = upper_layer();
  expect_refused(tar(changed), "diff_id");
  changed = items;
  changed[6].content += " ";
  expect_refused(tar(changed), "expected sha256:");
  changed = items;
  changed[7].content = R"([{"Config":"/etc/passwd","Layers":["../../x"]}])";
  expect_refused(tar(changed), "No such file");
  changed[7].content = "[]";
  expect_refused(tar(changed), "found an empty list");
}

// An index that names another many times is read so often, four deep: 10^8 documents with 100 entries each.
TEST_F(ImageLayout, IndexesThatLeadToNoManifestAreNotReadWithoutEnd) {
  std::vector<TarItem> items = {{.path = "oci-layout", .content = R"({"imageLayoutVersion":"1.0.0"})"}};
  std::string index = R"({"schemaVersion":2,"manifests":[]})";
  for (int depth = 0; depth < 4; ++depth) {
    const std::string inner = digest(index);
    items.push_back({.path = "blobs/sha256/" + inner.substr(7), .content = index});
    const std::string entry = R"({"mediaType":"application/vnd.oci.image.index.v1+json","digest":")" + inner +
                              R"(","size":)" + std::to_string(index.size()) + "}";
    index = R"({"schemaVersion":2,"manifests":[)" + entry;
    for (int i = 1; i < 100; ++i) index += "," + entry;
    index += "]}";
  }
  items.push_back({.path = "index.json", .content = index});
  expect_refused(tar(items), "found more than 1000 manifests and indexes");
}

}  // namespace
}  // namespace mete::runtime::image
