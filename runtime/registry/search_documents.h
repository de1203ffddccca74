// SPDX-License-Identifier: Apache-2.0
// What registries answer to a search: Docker Hub's (/v1/search) and the list of all repositories that the distribution
// project's have (/v2/_catalog). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::registry {

struct FoundImage {
  std::string name;  // as `mete pull` takes it
  std::string description;
  std::int64_t stars = 0;
  bool official = false;
  bool automated = false;
  bool operator==(const FoundImage&) const = default;
};

struct SearchTerm {
  std::string host;  // "docker.io"
  std::string text;
};
// "nginx", or "HOST[:PORT]/nginx" for another registry than Docker Hub. "HOST/" is all that it has.
[[nodiscard]] Result<SearchTerm> parse_search_term(const std::string& words);

struct SearchFilter {
  std::optional<bool> official;
  std::optional<bool> automated;
  std::int64_t stars = 0;  // at least
};
// Words of --filter: "is-official=true", "is-automated=false", "stars=3".
[[nodiscard]] Result<SearchFilter> parse_search_filter(const std::vector<std::string>& words);
[[nodiscard]] bool fits(const FoundImage& image, const SearchFilter& filter);

// Names begin with `host`, but for Docker Hub's.
[[nodiscard]] Result<std::vector<FoundImage>> parse_search(std::string_view answer, const std::string& host);
[[nodiscard]] Result<std::vector<std::string>> parse_catalog(std::string_view answer);
// The names with the text in them, whatever its case.
[[nodiscard]] std::vector<FoundImage> matching(const std::vector<std::string>& repositories, const SearchTerm& term);

// The URL of `Link: <URL>; rel="next"`; empty: there is none.
[[nodiscard]] std::string next_page(std::string_view link);

}  // namespace mete::runtime::registry
