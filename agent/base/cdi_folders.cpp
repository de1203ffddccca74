// SPDX-License-Identifier: Apache-2.0
#include "agent/base/cdi_folders.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "config/reading/cdi_reader.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

constexpr std::size_t kLargestSpec = std::size_t{1} << 20U;

std::vector<std::string> spec_files(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string extension = at->path().extension().string();
    if (extension == ".json" || extension == ".yaml") files.push_back(at->path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::string cdi_folders_text(const std::vector<std::string>& folders) {
  std::string text;
  for (const auto& folder : folders) {
    for (const auto& file : spec_files(folder)) {
      struct stat info {};
      if (::stat(file.c_str(), &info) != 0) continue;
      text += file + " " + std::to_string(info.st_ino) + " " + std::to_string(info.st_size) + " " +
              std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec) + "\n";
    }
  }
  return text;
}

CdiFolders read_cdi_folders(const std::vector<std::string>& folders) {
  CdiFolders all;
  for (std::size_t i = 0; i < folders.size(); ++i) {
    for (const auto& file : spec_files(folders[i])) {
      const auto text = runtime::read_file(AT_FDCWD, file, kLargestSpec);
      if (!text) {
        if (text.error().code != ENOENT) all.faults.push_back(text.error().what);
        continue;
      }
      auto read = config::read_cdi_spec(*text, file);
      for (const auto& error : read.errors) all.faults.push_back(config::to_string(error));
      if (!read.errors.empty()) continue;
      read.spec.priority = static_cast<int>(i);
      all.specs.push_back(std::move(read.spec));
    }
  }
  return all;
}

}  // namespace mete::agent
