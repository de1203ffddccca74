// SPDX-License-Identifier: Apache-2.0
// What is pure of images in archives and of names: kinds of archives, references, removal, changes of a configuration.
#include <gtest/gtest.h>

#include "runtime/image/archives/archive_kind.h"
#include "runtime/image/config_changes.h"
#include "runtime/image/image_documents.h"
#include "runtime/image/references.h"

namespace mete::runtime::image {
namespace {

const std::string kOne(64, '1');
const std::string kTwo = "1" + std::string(63, '2');
const std::string kDigest = "sha256:" + std::string(64, 'd');

Image made(const std::string& name, const std::string& id, std::vector<std::string> layers = {"a"}) {
  Image image;
  image.name = name;
  image.id = id;
  image.layers = std::move(layers);
  return image;
}

Result<ArchiveKind> kind(const std::vector<std::pair<std::string, EntryType>>& names) {
  KindOfNames seen;
  for (const auto& [name, type] : names) seen.see(name, type);
  return seen.kind();
}

constexpr EntryType kFile = EntryType::kFile;
constexpr EntryType kFolder = EntryType::kDirectory;

TEST(ArchiveKinds, ByTheNames) {
  const std::string hex(64, 'a');
  for (const char* marker : {"manifest.json", "./manifest.json", "/index.json", "oci-layout", "repositories"}) {
    const auto images = kind({{hex + ".tar", kFile}, {marker, kFile}});
    ASSERT_TRUE(images) << marker;
    EXPECT_EQ(*images, ArchiveKind::kImages) << marker;
  }
  for (const char* system : {"bin/", "./etc/passwd", "usr", "lib"}) {
    const EntryType type = std::string(system).ends_with("passwd") ? kFile : kFolder;
    const auto rootfs = kind({{"manifest.json", kFile}, {system, type}});
    ASSERT_TRUE(rootfs) << system;
    EXPECT_EQ(*rootfs, ArchiveKind::kRootfs) << system;
  }
  EXPECT_EQ(kind({{"bin", EntryType::kSymlink}, {"index.json", kFile}}).value(), ArchiveKind::kRootfs);
  // A file called bin is not the folder of a system, and a folder is no list of images.
  EXPECT_EQ(kind({{"bin", kFile}, {"manifest.json", kFile}}).value(), ArchiveKind::kImages);
  EXPECT_EQ(kind({{"manifest.json", kFolder}, {"hello", kFile}}).value(), ArchiveKind::kRootfs);
  EXPECT_EQ(kind({{"./", kFolder}, {"data/x.tar.gz", kFile}, {"config.json", kFile}}).value(), ArchiveKind::kRootfs);
  for (const std::string& part : {hex, hex + ".json", hex + ".tar.gz", "sha256:" + hex, std::string("blobs/sha256/x")})
    EXPECT_FALSE(kind({{part, kFile}})) << part;
  EXPECT_FALSE(kind({{"config.json", kFile}, {"rootfs/bin", kFolder}}));
}

TEST(ImageReferences, NamesDigestsAndIds) {
  std::vector<Image> images = {made("app:1", kOne), made(nameless(kTwo), kTwo), made("deadbeef:latest", kTwo),
                               made("r.example/x:1", kOne)};
  images[3].digest = kDigest;
  EXPECT_EQ(choose_reference(images, "app:1").value(), 0U);
  EXPECT_EQ(choose_reference(images, "docker.io/library/app:1").value(), 0U);
  EXPECT_EQ(choose_reference(images, kOne).value(), 0U);
  EXPECT_EQ(choose_reference(images, "sha256:" + kTwo).value(), 2U) << "the one that has a name";
  EXPECT_EQ(choose_reference(images, "11").value(), 0U);
  EXPECT_EQ(choose_reference(images, "deadbeef").value(), 2U) << "a name goes before the start of an id";
  EXPECT_EQ(choose_reference(images, "r.example/x@" + kDigest).value(), 3U);
  const auto several = choose_reference(images, "1");
  ASSERT_FALSE(several);
  EXPECT_NE(several.error().what.find("several ids"), std::string::npos);
  for (const char* none : {"app:2", "f", "x@sha256:0", "nothing"}) EXPECT_FALSE(choose_reference(images, none)) << none;
  EXPECT_EQ(choose_reference(images, "nothing").error().code, ENOENT);
}

TEST(ImageReferences, WholeNames) {
  EXPECT_EQ(full_name("busybox:latest"), "docker.io/library/busybox:latest");
  EXPECT_EQ(full_name("team/app:1"), "docker.io/team/app:1");
  EXPECT_EQ(full_name("localhost/app:1"), "localhost/app:1");
  EXPECT_EQ(full_name("r.example:5000/app:1"), "r.example:5000/app:1");
  EXPECT_EQ(repository_of("r.example:5000/app:1"), "r.example:5000/app");
  EXPECT_EQ(repository_of("app@" + kDigest), "app");
}

TEST(ImageReferences, ATagThatIsNewerThanTheWholeName) {
  const auto reference = [](const std::string& annotations) {
    const auto index =
        parse_index(R"({"manifests":[{"digest":")" + kDigest + R"(","size":1,"annotations":{)" + annotations + "}}]}");
    return index ? index->at(0).reference : index.error().what;
  };
  const std::string whole = R"("io.containerd.image.name":"docker.io/library/a:1")";
  const std::string tag = R"("org.opencontainers.image.ref.name":)";
  EXPECT_EQ(reference(whole), "docker.io/library/a:1");
  EXPECT_EQ(reference(whole + "," + tag + "\"1\""), "docker.io/library/a:1");
  EXPECT_EQ(reference(whole + "," + tag + "\"2\""), "docker.io/library/a:2");
  EXPECT_EQ(reference(tag + "\"2\""), "2");
  EXPECT_EQ(reference(tag + "\"x/y:2\""), "x/y:2");
}

TEST(ImageRemoval, ANameOrTheImage) {
  const std::vector<Image> images = {made("a:1", kOne), made("a:2", kOne), made("a@" + kDigest, kOne),
                                     made("b:1", kTwo)};
  auto plan = plan_removal(images, "a:1", {}, false);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->names, std::vector<std::string>{"a:1"});
  EXPECT_TRUE(plan->stays);
  // The last tag of a repository takes its digests with it.
  plan = plan_removal({images[0], images[2]}, "a:1", {}, false);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->names, (std::vector<std::string>{"a:1", "a@" + kDigest}));
  EXPECT_FALSE(plan->stays);
  EXPECT_FALSE(plan_removal(images, kOne, {}, false)) << "two tags";
  plan = plan_removal(images, kOne, {}, true);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->names.size(), 3U);
  EXPECT_TRUE(plan_removal(images, kTwo, {}, false));
}

TEST(ImageRemoval, ContainersHoldIt) {
  const std::vector<Image> images = {made("a:1", kOne, {"x", "y"}), made("b:1", kTwo, {"y"})};
  const std::vector<ImageUser> running = {{"ns/p/c", true, {"x", "y", "of a volume"}}};
  const std::vector<ImageUser> stopped = {{"ns/p/c", false, {"x", "y"}}};
  for (const auto* users : {&running, &stopped}) {
    const auto refused = plan_removal(images, "a:1", *users, false);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what.find("container ns/p/c is using its referenced image 111111111111"),
              std::string::npos);
    EXPECT_FALSE(plan_removal(images, kOne, *users, false));
  }
  // By force: the name goes, and what runs keeps an image without a name.
  EXPECT_TRUE(plan_removal(images, "a:1", running, true)->nameless);
  EXPECT_FALSE(plan_removal(images, "a:1", stopped, true)->stays);
  EXPECT_FALSE(plan_removal(images, kOne, running, true)) << "cannot be forced";
  EXPECT_TRUE(plan_removal(images, kOne, stopped, true));
  EXPECT_TRUE(uses({"", true, {"y", "x", "y"}}, images[0])) << "of an image volume";
  EXPECT_FALSE(uses({"", true, {"x"}}, images[0]));
}

TEST(ImageRemoval, ChainIds) {
  const std::string a = "sha256:" + std::string(64, 'a');
  EXPECT_TRUE(chain_ids({}).empty());
  const auto ids = chain_ids({a, a});
  ASSERT_EQ(ids.size(), 2U);
  EXPECT_EQ(ids[0], a);
  // printf 'sha256:aa.. sha256:aa..' | sha256sum
  EXPECT_EQ(ids[1], "sha256:9d2cc34dc7dc748dba0ed439e6987c2f2c39ec504fa0c1527531d9bc7d0f1052");
}

std::string changed(const std::string& config, const std::vector<std::string>& changes) {
  auto value = nlohmann::ordered_json::parse(config);
  const auto done = apply_changes(value, changes);
  return done ? value.dump() : "error: " + done.error().what;
}

TEST(ConfigChanges, InADockerfilesWords) {
  EXPECT_EQ(changed("null", {"CMD [\"a\", \"b c\"]"}), R"({"Cmd":["a","b c"]})");
  EXPECT_EQ(changed("{}", {"cmd a  b"}), R"({"Cmd":["/bin/sh","-c","a  b"]})");
  EXPECT_EQ(changed(R"({"Env":["A=1","B=2"]})", {"ENV B=3 C='x y'", "env D some  words "}),
            R"({"Env":["A=1","B=3","C=x y","D=some  words"]})");
  EXPECT_EQ(changed("{}", {"LABEL a=\"b c\" d=e\\ f"}), R"({"Labels":{"a":"b c","d":"e f"}})");
  EXPECT_EQ(changed("{}", {"EXPOSE 80 53/udp", "VOLUME [\"/a b\"]", "VOLUME /c /d"}),
            R"({"ExposedPorts":{"80/tcp":{},"53/udp":{}},"Volumes":{"/a b":{},"/c":{},"/d":{}}})");
  EXPECT_EQ(changed("{}", {"EXPOSE 80/TCP 8000-8001"}),
            R"({"ExposedPorts":{"80/tcp":{},"8000/tcp":{},"8001/tcp":{}}})");
  EXPECT_EQ(changed("{}", {"LABEL 'a b' c  d", "LABEL \"e\"  'f'"}), R"({"Labels":{"a b":"c  d","e":"'f'"}})");
  EXPECT_EQ(changed("{}", {"VOLUME [1]"}), R"({"Volumes":{"[1]":{}}})") << "no list of strings: words";
  EXPECT_EQ(changed("{}", {"WORKDIR /a", "WORKDIR b"}), R"({"WorkingDir":"/a/b"})");
  for (const char* bad :
       {"RUN x", "", "CMD", "ENV A", "ENV =b", "ENV '' b", "LABEL 'a=b", "VOLUME []", "VOLUME \"\"", "FROM x",
        "EXPOSE abc", "EXPOSE 99999", "EXPOSE 0", "EXPOSE 80/icmp", "EXPOSE 8080:80", "EXPOSE 9-8"})
    EXPECT_TRUE(changed("{}", {bad}).starts_with("error: change \"" + std::string(bad))) << changed("{}", {bad});
}

TEST(ImageReferences, ARepositoryIsSavedWithAllItsTags) {
  const std::vector<Image> images = {made("app:1", kOne), made("app:2", kTwo), made("app:latest", kOne),
                                     made("other/app:1", kOne), made(nameless(kTwo), kTwo)};
  const auto saved = [&](const std::vector<std::string>& references) {
    const auto chosen = choose_to_save(images, references);
    std::string all = chosen ? "" : chosen.error().what;
    for (const auto& each : chosen.value_or(std::vector<ToSave>())) {
      all += images[each.image].id.substr(0, 2);
      for (const auto& name : each.names) all += " " + name;
      all += ";";
    }
    return all;
  };
  EXPECT_EQ(saved({"app"}), "11 app:1 app:latest;12 app:2;");
  EXPECT_EQ(saved({"docker.io/library/app"}), "11 app:1 app:latest;12 app:2;");
  EXPECT_EQ(saved({"app:latest"}), "11 app:latest;");
  EXPECT_EQ(saved({"app:1", "other/app", "app:1"}), "11 app:1 other/app:1;");
  EXPECT_EQ(saved({kTwo}), "12;") << "by its id it has no name";
  EXPECT_EQ(saved({"12"}), "12;");
  EXPECT_EQ(saved({"app:1", "nosuch"}), "No such image: nosuch");
}

TEST(ImageReferences, APatternIsOfTheNameOrOfTheRepository) {
  const Image image = made("shop/app:1.2", kOne);
  for (const char* pattern : {"shop/app", "shop/app:1.2", "shop/*", "s?op/app", "shop/ap[a-p]:*", "*/*"})
    EXPECT_TRUE(is_named_like(image, pattern)) << pattern;
  for (const char* pattern : {"*", "app", "shop", "shop/app:1", "shop/ap[a-o]", ""})
    EXPECT_FALSE(is_named_like(image, pattern)) << pattern;
  EXPECT_FALSE(is_named_like(made(nameless(kOne), kOne), "*"));
}

}  // namespace
}  // namespace mete::runtime::image
