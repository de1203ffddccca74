// SPDX-License-Identifier: Apache-2.0
// Any bytes as an image's configuration: for containers (a), for a build (b), with other layers (c); and as the record
// that the store keeps of it (d). What is written reads back the same.
#include "runtime/build/language/image_settings.h"
#include "runtime/image/image_documents.h"
#include "runtime/image/image_record.h"
#include "runtime/image/made_documents.h"
#include "tests/fuzz/chosen.h"

namespace {

using namespace mete::runtime;
using mete::fuzz::require;

void for_containers(const std::string& text) {
  const auto config = image::parse_config(text);
  if (!config) return;
  image::Image image;
  image.name = "a:b";
  image.layers = {"0a"};
  image.config = config->config;
  image.created = config->created;
  const auto back = image::from_record(image::to_record(image));
  require(back && back->created == image.created && back->config == image.config);
  // A build and a push take what a container takes.
  require(image::make_config(text, {}, config->diff_ids).has_value());
}

void for_a_build(const std::string& text) {
  const auto settings = build::read_settings(text);
  if (!settings) return;
  const std::string document = build::settings_document(*settings, "amd64", 0);
  const auto again = build::read_settings(document);
  require(again && *again == *settings && build::settings_document(*again, "amd64", 0) == document);
  require(build::settings_identity(*again) == build::settings_identity(*settings));
}

void with_other_layers(const std::string& text) {
  const std::vector<std::string> layers = {"sha256:" + std::string(64, 'a')};
  const auto made = image::make_config(text, {}, layers);
  if (!made) return;
  const auto again = image::make_config(*made, {}, layers);
  require(again && *again == *made);
  if (const auto config = image::parse_config(*made)) require(config->diff_ids == layers);
}

void as_record(const std::string& text) {
  const auto image = image::from_record(text);
  if (!image) return;
  const std::string record = image::to_record(*image);
  const auto again = image::from_record(record);
  require(again && image::to_record(*again) == record && again->config == image->config);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mete::fuzz::give({for_containers, for_a_build, with_other_layers, as_record}, data, size);
  return 0;
}
