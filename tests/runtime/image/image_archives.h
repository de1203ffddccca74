// SPDX-License-Identifier: Apache-2.0
// Archives and layouts for the image tests, made on the spot.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "runtime/image/archives/layout.h"
#include "runtime/image/sha256.h"

namespace mete::testing {

struct TarItem {
  std::string path;
  std::string content;
  mode_t type = S_IFREG;
  mode_t mode = 0644;
  std::string target;  // of a symbolic link
  std::string hardlink;
  std::vector<std::pair<std::string, std::string>> xattrs;
  dev_t device = 0;
  uid_t uid = 0;
};

inline TarItem directory(std::string path, mode_t mode = 0755) {
  return {.path = std::move(path), .type = S_IFDIR, .mode = mode};
}
inline TarItem symlink(std::string path, std::string target) {
  return {.path = std::move(path), .type = S_IFLNK, .mode = 0777, .target = std::move(target)};
}

// A pax archive's bytes.
inline std::string tar(const std::vector<TarItem>& items, int filter = ARCHIVE_FILTER_NONE) {
  std::string bytes(4U << 20U, '\0');
  std::size_t used = 0;
  archive* writer = ::archive_write_new();
  ::archive_write_set_format_pax_restricted(writer);
  ::archive_write_add_filter(writer, filter);
  ::archive_write_open_memory(writer, bytes.data(), bytes.size(), &used);
  for (const TarItem& item : items) {
    archive_entry* entry = ::archive_entry_new();
    ::archive_entry_set_pathname(entry, item.path.c_str());
    ::archive_entry_set_filetype(entry, item.type);
    ::archive_entry_set_perm(entry, item.mode);
    ::archive_entry_set_uid(entry, item.uid);
    ::archive_entry_set_gid(entry, item.uid);
    ::archive_entry_set_mtime(entry, 1'000'000, 0);
    if (item.type == S_IFLNK) ::archive_entry_set_symlink(entry, item.target.c_str());
    if (!item.hardlink.empty()) ::archive_entry_set_hardlink(entry, item.hardlink.c_str());
    if (item.type == S_IFREG && item.hardlink.empty()) {
      ::archive_entry_set_size(entry, static_cast<la_int64_t>(item.content.size()));
    }
    if (item.type == S_IFCHR || item.type == S_IFBLK) ::archive_entry_set_rdev(entry, item.device);
    for (const auto& [name, value] : item.xattrs)
      ::archive_entry_xattr_add_entry(entry, name.c_str(), value.data(), value.size());
    ::archive_write_header(writer, entry);
    if (!item.content.empty()) ::archive_write_data(writer, item.content.data(), item.content.size());
    ::archive_entry_free(entry);
  }
  ::archive_write_close(writer);
  ::archive_write_free(writer);
  bytes.resize(used);
  return bytes;
}

inline void write_file(const std::string& path, const std::string& bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string digest(const std::string& bytes) {
  return "sha256:" + runtime::image::sha256_hex(bytes);
}

// An OCI layout as archive items; each of its parts can be changed before they are put together.
struct LayoutMaker {
  struct Layer {
    std::string plain;
    std::string packed;
    std::string type = "application/vnd.oci.image.layer.v1.tar";
  };
  std::vector<Layer> layers;
  std::string config = R"({"Cmd":["/bin/app"],"Env":["A=b","NOVALUE"],"Labels":null})";
  std::string architecture = runtime::image::machine_architecture();
  std::vector<TarItem> items;
  std::vector<std::string> manifests;  // descriptors of the index

  void add(const std::string& plain) { layers.push_back({plain, plain}); }
  std::string put_blob(const std::string& bytes) {
    items.push_back({.path = "blobs/sha256/" + runtime::image::sha256_hex(bytes), .content = bytes});
    return "\"digest\":\"" + digest(bytes) + "\",\"size\":" + std::to_string(bytes.size());
  }
  [[nodiscard]] std::string config_text() const {
    std::string ids;
    for (const Layer& layer : layers) ids += (ids.empty() ? "\"" : ",\"") + digest(layer.plain) + "\"";
    return R"({"os":"linux","architecture":")" + architecture + R"(","created":"2024-02-29T12:34:56.5Z","config":)" +
           config + R"(,"rootfs":{"type":"layers","diff_ids":[)" + ids + "]}}";
  }
  // Puts config, layers and manifest; its descriptor goes into the index with `extra` members.
  void put_image(const std::string& extra = "") {
    const std::string config_part = put_blob(config_text());
    std::string parts;
    for (const Layer& layer : layers) {
      parts += (parts.empty() ? "" : ",") + std::string(R"({"mediaType":")") + layer.type + "\"," +
               put_blob(layer.packed) + "}";
    }
    const std::string manifest =
        R"({"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json",)" + config_part +
        R"(},"layers":[)" + parts + "]}";
    manifests.push_back(R"({"mediaType":"application/vnd.oci.image.manifest.v1+json",)" + put_blob(manifest) + extra +
                        "}");
  }
  std::vector<TarItem> finish() {
    std::string list;
    for (const std::string& at : manifests) list += (list.empty() ? "" : ",") + at;
    items.push_back({.path = "oci-layout", .content = R"({"imageLayoutVersion":"1.0.0"})"});
    items.push_back({.path = "index.json", .content = R"({"schemaVersion":2,"manifests":[)" + list + "]}"});
    return items;
  }
};

}  // namespace mete::testing
