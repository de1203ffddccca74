// SPDX-License-Identifier: Apache-2.0
#include "runtime/registry/search.h"

#include <algorithm>
#include <set>

namespace mete::runtime::registry {
namespace {

constexpr std::size_t kMostFoundText = 4U << 20U;
constexpr int kMostPages = 1000;
constexpr const char* kHubSearch = "index.docker.io";

// Nothing: the registry has no such search.
Result<std::optional<std::vector<FoundImage>>> ask_search(Session& session, const SearchTerm& term) {
  Call call;
  call.target = "/v1/search?q=" + percent_encoded(term.text) + "&n=" + std::to_string(kMostFound);
  METE_TRY(const Answer answer, session.ask(call, kMostFoundText));
  if (answer.head.status == 404 || answer.head.status == 405) return std::nullopt;
  if (answer.head.status != 200) return tl::unexpected(refusal(term.host, answer));
  auto found = parse_search(answer.body, term.host);
  // Some answer every path with a page for people.
  if (!found && term.host != kDockerHub) return std::nullopt;
  if (!found) return fail_in(term.host, found.error());
  return std::optional(std::move(*found));
}

Result<std::vector<FoundImage>> ask_catalog(Session& session, const SearchTerm& term) {
  std::set<std::string> names;
  Call call;
  call.target = "/v2/_catalog?n=1000";
  call.scopes = {"registry:catalog:*"};
  for (int page = 0; page < kMostPages && !call.target.empty(); ++page) {
    METE_TRY(const Answer answer, session.ask(call, kMostFoundText));
    const long status = answer.head.status;
    if (status == 404 || status == 405 || status == 501)
      return tl::unexpected(Error{EOPNOTSUPP, term.host + ": found neither /v1/search nor /v2/_catalog, expected a "
                                                          "registry that tells which images it has"});
    if (status != 200) return tl::unexpected(refusal(term.host + "/v2/_catalog", answer));
    auto repositories = parse_catalog(answer.body);
    if (!repositories) return fail_in(term.host, repositories.error());
    const std::size_t before = names.size();
    names.insert(repositories->begin(), repositories->end());
    const std::string next = next_page(answer.head.header("link"));
    call.target.clear();
    // A registry that gives the same page for ever is at its end.
    if (next.empty() || names.size() == before) break;
    METE_TRY(const Url url, resolve_location(answer.head.url, next));
    call.target = url.text();
  }
  return matching({names.begin(), names.end()}, term);
}

}  // namespace

Result<std::vector<FoundImage>> search(const SearchTerm& term, const SearchFilter& filter, int limit,
                                       const Access& access) {
  METE_TRY(auto endpoints, endpoints_of(term.host, access.policy, false));
  Endpoint endpoint = endpoints.back();
  if (term.host == kDockerHub) endpoint.host = kHubSearch;
  METE_TRY(auto state, open_registry(endpoint, access.logins));
  Session session(std::move(state));
  METE_TRY(auto answered, ask_search(session, term));
  std::vector<FoundImage> found;
  if (answered) {
    found = std::move(*answered);
  } else {
    METE_TRY(found, ask_catalog(session, term));
  }
  std::erase_if(found, [&](const FoundImage& each) { return !fits(each, filter); });
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.stars > b.stars; });
  if (found.size() > static_cast<std::size_t>(limit)) found.resize(static_cast<std::size_t>(limit));
  return found;
}

}  // namespace mete::runtime::registry
