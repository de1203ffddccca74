// SPDX-License-Identifier: Apache-2.0
// An image in the store: its unpacked layers and its configuration.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mete::runtime::image {

struct ImageConfig {
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::vector<std::string> env;  // NAME=value
  std::string working_dir;
  std::string user;  // as in the configuration: "", "1000", "app", "app:staff"
  // `user`, resolved at import with the image's own /etc/passwd and /etc/group.
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;
  std::string stop_signal;  // "SIGTERM"; empty: SIGTERM
  std::map<std::string, std::string> labels;
  bool operator==(const ImageConfig&) const = default;
};

struct Image {
  std::string name;                 // "busybox:latest"
  std::string id;                   // sha256 of the configuration, hexadecimal
  std::vector<std::string> layers;  // directory names below Store::layers_directory(), topmost first
  ImageConfig config;
  std::int64_t size = 0;  // bytes of all layers unpacked
  std::chrono::system_clock::time_point created;
  std::string digest;    // by which the registry knows what it was pulled by or pushed as; empty: it was imported
  std::string manifest;  // digest of its manifest, which is among the store's documents; empty: none
};

// The name in the store of an image that has none: "<none>@sha256:ID". No name that a person may give is like it.
[[nodiscard]] std::string nameless(const std::string& id);
[[nodiscard]] bool is_nameless(const Image& image);

// Of a normalized name: "busybox:latest" -> "docker.io/library/busybox:latest".
[[nodiscard]] std::string full_name(const std::string& name);
// "a:1" and "a@sha256:..." -> "a"
[[nodiscard]] std::string repository_of(const std::string& name);

}  // namespace mete::runtime::image
