// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/manifests/manifest_files.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "agent/cli/output/output.h"
#include "agent/cli/output/table.h"
#include "config/model/diagnostics.h"
#include "config/reading/yaml/yaml_reader.h"
#include "runtime/file.h"

namespace mete::agent::cli {

Result<std::vector<ManifestText>> read_sources(const std::vector<std::string>& files) {
  constexpr std::size_t kLongest = config::kMaxManifestBytes + 1;
  std::vector<ManifestText> sources;
  for (const auto& file : files) {
    if (file == "-") {
      // Read by descriptor: /dev/stdin may be missing, and a socket cannot be opened by that name.
      METE_TRY(std::string text, runtime::read_all(STDIN_FILENO, "standard input", kLongest));
      sources.push_back({"<stdin>", std::move(text)});
      continue;
    }
    std::error_code error;
    if (!std::filesystem::is_directory(file, error)) {
      METE_TRY(std::string text, runtime::read_file(AT_FDCWD, file, kLongest));
      sources.push_back({file, std::move(text)});
      continue;
    }
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(file, error)) {
      const auto extension = entry.path().extension();
      if (extension == ".yaml" || extension == ".yml" || extension == ".json") names.insert(entry.path().string());
    }
    if (error) return fail(file + ": " + error.message());
    if (names.empty()) return fail(file + ": found no *.yaml, *.yml or *.json in the directory");
    for (const auto& name : names) {
      METE_TRY(std::string text, runtime::read_file(AT_FDCWD, name, kLongest));
      sources.push_back({name, std::move(text)});
    }
  }
  return sources;
}

void say(const std::vector<config::Diagnostic>& diagnostics, const char* prefix) {
  for (const auto& each : diagnostics)
    std::fprintf(stderr, "%s%s\n", prefix, printable(config::to_string(each)).c_str());
}

std::string Joined::reword(const std::string& error) const {
  const std::string prefix = std::string(kJoined) + ":";
  if (!error.starts_with(prefix)) return error;
  char* rest = nullptr;
  const int line = static_cast<int>(std::strtol(error.c_str() + prefix.size(), &rest, 10));
  for (auto at = starts.rbegin(); at != starts.rend(); ++at) {
    if (line >= at->first) return at->second + ":" + std::to_string(line - at->first + 1) + rest;
  }
  return error;
}

std::optional<Joined> checked_text(const std::vector<std::string>& files, int& code) {
  const auto sources = read_sources(files);
  if (!sources) {
    code = complain(sources.error().what);
    return std::nullopt;
  }
  Joined whole;
  int line = 1;
  bool right = true;
  for (const auto& source : *sources) {
    const auto documents = config::read_documents(source.text, source.name);
    say(documents.errors, "error: ");
    say(documents.warnings, "warning: ");
    right = right && documents.ok();
    whole.starts.emplace_back(line + 1, source.name);
    const std::string piece = "---\n" + source.text + "\n";
    line += static_cast<int>(std::count(piece.begin(), piece.end(), '\n'));
    whole.text += piece;
  }
  code = right ? kDone : kFailed;
  if (!right) complain("nothing was changed");
  return right ? std::optional(whole) : std::nullopt;
}

}  // namespace mete::agent::cli
