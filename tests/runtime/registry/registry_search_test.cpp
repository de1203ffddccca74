// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "runtime/registry/search_documents.h"

namespace mete::testing {
namespace {

using namespace runtime::registry;

TEST(Search, TermsNameTheirRegistry) {
  const auto hub = parse_search_term("team/app");
  ASSERT_TRUE(hub);
  EXPECT_EQ(hub->host, "docker.io");
  EXPECT_EQ(hub->text, "team/app");
  const auto other = parse_search_term("localhost:5000/team/app");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->host, "localhost:5000");
  EXPECT_EQ(other->text, "team/app");
  EXPECT_EQ(parse_search_term("localhost/")->text, "");
  for (const char* each : {"", "a b", "a\nb"}) EXPECT_FALSE(parse_search_term(each)) << each;
}

TEST(Search, FiltersChoose) {
  const auto filter = parse_search_filter({"is-official=true", "stars=3"});
  ASSERT_TRUE(filter);
  EXPECT_TRUE(fits({"a", "", 3, true, false}, *filter));
  EXPECT_FALSE(fits({"a", "", 2, true, false}, *filter));
  EXPECT_FALSE(fits({"a", "", 3, false, false}, *filter));
  EXPECT_FALSE(fits({"a", "", 3, true, true}, *parse_search_filter({"is-automated=0"})));
  for (const char* each : {"stars", "stars=x", "stars=-1", "is-official=maybe", "name=a", ""})
    EXPECT_FALSE(parse_search_filter({each})) << each;
}

TEST(Search, AnswersOfDockerHub) {
  const auto found = parse_search(
      R"({"num_results":2,"results":[{"name":"nginx","description":"web","star_count":9,"is_official":true},{"name":""},7]})",
      "docker.io");
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(*found, (std::vector<FoundImage>{{"nginx", "web", 9, true, false}}));
  EXPECT_EQ(parse_search(R"({"results":[{"name":"a"}]})", "r:5")->front().name, "r:5/a");
  for (const char* each : {"", "<html>", "[]", "{}", R"({"results":{}})"})
    EXPECT_FALSE(parse_search(each, "docker.io")) << each;
}

TEST(Search, CatalogsAreFiltered) {
  const auto names = parse_catalog(R"({"repositories":["team/App","other",3]})");
  ASSERT_TRUE(names);
  const auto found = matching(*names, {"r:5", "aPP"});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().name, "r:5/team/App");
  EXPECT_EQ(matching(*names, {"r:5", ""}).size(), 2U);
  EXPECT_TRUE(parse_catalog(R"({"repositories":null})")->empty());
  EXPECT_FALSE(parse_catalog("{}"));
}

TEST(Search, PagesFollowTheLink) {
  EXPECT_EQ(next_page("</v2/_catalog?last=a&n=1>; rel=\"next\""), "/v2/_catalog?last=a&n=1");
  EXPECT_EQ(next_page("<a>; rel=\"prev\", <b>; rel=next"), "b");
  for (const char* each : {"", "<", "<a", "a>; rel=\"next\"", "<a>; rel=\"prev\"", ">", "<a>,<b>,"})
    EXPECT_EQ(next_page(each), "") << each;
}

}  // namespace
}  // namespace mete::testing
