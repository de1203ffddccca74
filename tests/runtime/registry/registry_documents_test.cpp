// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "runtime/image/archives/layout.h"
#include "runtime/image/layer_note.h"
#include "runtime/registry/documents.h"
#include "runtime/registry/side_by_side.h"

namespace mete::runtime::registry {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');
const std::string kOther = "sha256:" + std::string(64, 'b');

std::string manifest(const std::string& type) {
  return R"({"schemaVersion":2,"mediaType":")" + type + R"(","config":{},"layers":[]})";
}

TEST(ManifestType, IsThatOfTheDocument) {
  for (const char* type : {kOciManifest, "application/vnd.docker.distribution.manifest.v2+json"}) {
    EXPECT_EQ(manifest_type(manifest(type), type).value(), type);
    EXPECT_EQ(manifest_type(manifest(type), "application/json; charset=utf-8").value(), type);
    EXPECT_EQ(manifest_type(manifest(type), std::string(type) + "; charset=utf-8").value(), type);
  }
  EXPECT_EQ(manifest_type(R"({"config":{},"layers":[]})", kOciManifest).value(), kOciManifest);
  EXPECT_EQ(manifest_type(R"({"manifests":[]})", "application/vnd.oci.image.index.v1+json").value(),
            "application/vnd.oci.image.index.v1+json");
}

TEST(ManifestType, ALieIsRefused) {
  const char* const index = "application/vnd.oci.image.index.v1+json";
  EXPECT_FALSE(manifest_type(manifest(kOciManifest), index));
  EXPECT_FALSE(manifest_type(R"({"manifests":[]})", kOciManifest));
  EXPECT_FALSE(manifest_type(R"({"config":{},"layers":[]})", index));
  EXPECT_FALSE(manifest_type(R"({"config":{},"layers":[]})", "text/html"));
  EXPECT_FALSE(manifest_type("<html>", kOciManifest));
  const auto old = manifest_type(R"({"schemaVersion":1})", "application/vnd.docker.distribution.manifest.v1+prettyjws");
  EXPECT_NE(old.error().what.find("version 1"), std::string::npos);
}

TEST(Index, ThisMachinesManifestIsChosen) {
  const auto entry = [](const std::string& digest, const std::string& os, const std::string& machine) {
    return R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")" + digest +
           R"(","size":7,"platform":{"os":")" + os + R"(","architecture":")" + machine + R"("}})";
  };
  const std::string own = image::machine_architecture();
  const auto index = [](const std::string& entries) { return R"({"manifests":[)" + entries + "]}"; };
  EXPECT_EQ(choose_from_index(index(entry(kOther, "windows", own) + "," + entry(kDigest, "linux", own)))->digest,
            kDigest);
  const auto none = choose_from_index(index(entry(kOther, "linux", "z80")));
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().what.find("linux/z80"), std::string::npos);
  EXPECT_FALSE(choose_from_index(index("")));
  const auto two = index(entry(kDigest, "linux", own) + "," + entry(kOther, "linux", own));
  EXPECT_FALSE(choose_from_index(two)) << "which of the two is meant is not known";
}

TEST(Manifest, EqualValuesGiveEqualBytes) {
  const image::Descriptor config{kOciConfig, kDigest, 10, {}, "", false};
  const std::vector<image::Descriptor> layers = {{kOciLayer, kOther, 20, {}, "", false}};
  const std::string text = make_manifest(config, layers);
  EXPECT_EQ(text, make_manifest(config, layers));
  const auto parsed = image::parse_manifest(text);
  ASSERT_TRUE(parsed) << parsed.error().what;
  EXPECT_EQ(parsed->config.digest, kDigest);
  EXPECT_EQ(parsed->layers.at(0).size, 20);
  EXPECT_EQ(manifest_type(text, kOciManifest).value(), kOciManifest);
  EXPECT_EQ(oci_layer_type("application/vnd.docker.image.rootfs.diff.tar.gzip"), kOciLayer);
  EXPECT_EQ(oci_layer_type("application/vnd.docker.image.rootfs.diff.tar"), "application/vnd.oci.image.layer.v1.tar");
  EXPECT_EQ(oci_layer_type("application/vnd.oci.image.layer.v1.tar+zstd"),
            "application/vnd.oci.image.layer.v1.tar+zstd");
}

TEST(Config, OnlyTheLayersChange) {
  const std::string text =
      R"({"architecture":"amd64","os":"linux","config":{"Env":["A=b"],"X":1},)"
      R"("rootfs":{"type":"layers","diff_ids":["x"]},"history":[{"created_by":"a"},{"empty_layer":true}]})";
  const auto one = make_config(text, {}, {kDigest});
  ASSERT_TRUE(one);
  EXPECT_EQ(*one, R"({"architecture":"amd64","os":"linux","config":{"Env":["A=b"],"X":1},"rootfs":{"type":"layers",)"
                  R"("diff_ids":[")" +
                      kDigest + R"("]},"history":[{"created_by":"a"},{"empty_layer":true}]})");
  // A history that does not fit the layers would be a lie.
  EXPECT_EQ(make_config(text, {}, {kDigest, kOther})->find("history"), std::string::npos);
  // As Go reads it: null is false.
  EXPECT_TRUE(make_config(R"({"history":[{"empty_layer":null},{"empty_layer":true}]})", {}, {kDigest}));
  image::Image image;
  image.config.cmd = {"/bin/sh"};
  image.config.env = {"A=b"};
  const auto made = make_config("", image, {kDigest});
  const auto parsed = image::parse_config(*made);
  ASSERT_TRUE(parsed) << parsed.error().what;
  EXPECT_EQ(parsed->config.cmd, image.config.cmd);
  EXPECT_EQ(parsed->config.env, image.config.env);
  EXPECT_EQ(parsed->platform.architecture, image::machine_architecture());
  EXPECT_FALSE(make_config("[", {}, {}));
}

TEST(LayerNote, IsReadAsItWasWritten) {
  image::LayerNote note{kDigest, {}};
  remember(note, {kOciLayer, kOther, 5, kDigest, {"a/x"}});
  remember(note, {kOciLayer, kOther, 5, kDigest, {"b/y"}});
  remember(note, {kOciLayer, kOther, 5, kDigest, {"a/x"}});
  ASSERT_EQ(note.blobs.size(), 1U);
  EXPECT_EQ(note.blobs[0].sources, (std::vector<std::string>{"b/y", "a/x"}));
  EXPECT_EQ(image::parse_note(to_text(note)).value(), note);
  note.size = 0;
  EXPECT_EQ(image::parse_note(to_text(note)).value(), note);
  note.size = -1;
  EXPECT_FALSE(image::parse_note(to_text(note)));
  for (int i = 0; i < 20; ++i) remember(note, {kOciLayer, kOther, 5, kDigest, {"c/" + std::to_string(i)}});
  EXPECT_EQ(note.blobs[0].sources.size(), 8U);
  EXPECT_FALSE(image::parse_note("{}"));
  EXPECT_FALSE(image::parse_note(R"({"version":1,"diffId":"","blobs":[{"mediaType":"","digest":"x","size":1,)"
                                 R"("diffId":"","sources":[]}]})"));
}

TEST(SideBySide, EachIsDoneOnceAndTheFirstErrorIsReturned) {
  std::vector<int> done(100);
  EXPECT_TRUE(side_by_side(done.size(), 4, [&](std::size_t i) {
    ++done[i];
    return Status();
  }));
  EXPECT_EQ(done, std::vector<int>(100, 1));
  EXPECT_TRUE(side_by_side(0, 4, [](std::size_t) -> Status { return fail("never"); }));
  std::vector<int> begun(1000);
  const auto failed = side_by_side(begun.size(), 2, [&](std::size_t i) -> Status {
    begun[i] = 1;
    if (i == 3) return fail("the fourth");
    return {};
  });
  EXPECT_EQ(failed.error().what, "the fourth");
}

}  // namespace
}  // namespace mete::runtime::registry
