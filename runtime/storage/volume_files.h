// SPDX-License-Identifier: Apache-2.0
// The files of a volume that the agent writes, exchanged all at once, as the kubelet does it
// (pkg/volume/util/atomic_writer.go has the same names on disk, which programs know):
//
//   VOLUME/..2026_01_02_03_04_05.678901234/    the files
//   VOLUME/..data -> ..2026_01_02_03_04_05.678901234
//   VOLUME/name -> ..data/name                 for the first part of each file's path
//
// A reader that opens two files through ..data sees both of one version. A subPath mount is of a file in the first
// folder, and does not follow.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::storage {

struct PlainFile {
  std::string path;  // relative, without ".."
  std::string content;
  std::uint32_t mode = 0644;
  bool operator==(const PlainFile&) const = default;
};

// ".." at the beginning, in UTC.
[[nodiscard]] std::string version_name(std::chrono::system_clock::time_point at);

// Makes `volume` hold these files and no others. `group`: fsGroup, which gets the right to read. Nothing is changed
// when they are there already; then the result is false. An error leaves the files as they were.
[[nodiscard]] Result<bool> exchange_files(const std::string& volume, const std::vector<PlainFile>& files,
                                          std::optional<std::uint32_t> group);

}  // namespace mete::runtime::storage
