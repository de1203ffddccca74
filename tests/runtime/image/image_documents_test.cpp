// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/image_documents.h"

#include <gtest/gtest.h>

#include "runtime/image/image_record.h"

namespace mete::runtime::image {
namespace {

TEST(ImageDocuments, NumbersAreWholeAndNotCut) {
  const std::string part = R"("digest":"sha256:)" + std::string(64, 'a') + R"(","size":)";
  const auto manifest = [&](const std::string& version, const std::string& size) {
    return parse_manifest(R"({"schemaVersion":)" + version +
                          R"(,"config":{"mediaType":"application/vnd.oci.image.config.v1+json",)" + part + size +
                          R"(},"layers":[]})");
  };
  EXPECT_EQ(manifest("2", "7")->config.size, 7);
  for (const char* wrong : {"-1", "1e300", "1.5", "18446744073709551615", "\"7\"", "null"}) {
    EXPECT_FALSE(manifest("2", wrong)) << wrong;
    EXPECT_FALSE(parse_index(R"({"manifests":[{)" + part + wrong + "}]}")) << wrong;
  }
  EXPECT_FALSE(manifest("4294967298", "7")) << "cut to 32 bits it is 2";
  EXPECT_FALSE(manifest("2.5", "7"));
}

TEST(ImageDocuments, ARecordsNumbersAreThoseOfTheKernel) {
  Image image;
  image.name = "a:1";
  image.layers = {"0a"};
  image.config.groups = {7};
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string record = to_record(image);
    record.replace(record.find(from), from.size(), to);
    return from_record(record);
  };
  EXPECT_EQ(changed("\"uid\": 0", "\"uid\": 5")->config.uid, 5U);
  EXPECT_FALSE(changed("\"uid\": 0", "\"uid\": -1"));
  EXPECT_FALSE(changed("\"gid\": 0", "\"gid\": 4294967296"));
  EXPECT_FALSE(changed("7", "-7"));
  EXPECT_FALSE(changed("[\n      7\n    ]", "7"));
  EXPECT_FALSE(changed("\"version\": 1", "\"version\": 1.5"));
  EXPECT_EQ(changed("\"created\": 0", "\"created\": 9223372036854775807")->created, Image().created);
  EXPECT_EQ(changed("\"created\": 0", "\"created\": 7")->created,
            std::chrono::system_clock::time_point(std::chrono::seconds(7)));
}

TEST(ImageDocuments, WhatIsNotOfTheFormatIsAnError) {
  for (const char* text : {"", "null", "[]", "7", "{", R"({"manifests":{}})", R"({"manifests":[null]})",
                           R"({"schemaVersion":"2"})", R"({"schemaVersion":1,"config":{},"layers":[]})",
                           R"({"rootfs":{"diff_ids":[7]}})", R"({"rootfs":{"diff_ids":["sha256:x"]}})"}) {
    EXPECT_FALSE(parse_manifest(text)) << text;
    EXPECT_FALSE(parse_config(text)) << text;
  }
  EXPECT_FALSE(parse_saved("{}"));
  EXPECT_FALSE(parse_saved(R"([{"Config":7}])"));
  EXPECT_FALSE(parse_config(R"({"rootfs":{"diff_ids":[]},"config":{"Cmd":["a\u0000b"]}})"));
  EXPECT_FALSE(parse_config(R"({"rootfs":{"diff_ids":[]},"config":{"Cmd":"sh -c"}})"));
  EXPECT_TRUE(parse_config(R"({"rootfs":{"diff_ids":[]},"config":null,"created":"yesterday"})"));
}

}  // namespace
}  // namespace mete::runtime::image
