// SPDX-License-Identifier: Apache-2.0
#include "config/model/selector_text.h"

#include <gtest/gtest.h>

namespace mete::config {
namespace {

using Labels = std::map<std::string, std::string>;

bool selects(std::string_view text, const Labels& labels) {
  const auto selector = parse_selector(text);
  EXPECT_TRUE(selector) << text;
  return selector && matches(*selector, labels);
}

TEST(SelectorText, AllPartsMustMatch) {
  const Labels web = {{"app", "web"}, {"tier", "front"}};
  EXPECT_TRUE(selects("app=web", web));
  EXPECT_TRUE(selects("app==web", web));
  EXPECT_TRUE(selects("app=web, tier=front", web));
  EXPECT_FALSE(selects("app=web,tier=back", web));
  EXPECT_TRUE(selects("app!=db", web));
  EXPECT_TRUE(selects("zone!=a", web)) << "also without the label";
  EXPECT_FALSE(selects("app!=web", web));
  EXPECT_TRUE(selects("tier", web));
  EXPECT_FALSE(selects("!tier", web));
  EXPECT_TRUE(selects("!zone", web));
  EXPECT_TRUE(selects("app in (db, web),tier", web));
  EXPECT_FALSE(selects("app notin (db,web)", web));
  EXPECT_TRUE(selects("zone=", {{"zone", ""}}));
}

TEST(SelectorText, WhatIsNoSelectorIsAnError) {
  for (const char* text : {"", ",", "app=web,", "=web", "a b", "app=we b", "in (a)", "app in a", "!"})
    EXPECT_FALSE(parse_selector(text)) << text;
}

}  // namespace
}  // namespace mete::config
