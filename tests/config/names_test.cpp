// SPDX-License-Identifier: Apache-2.0
#include "config/names.h"

#include <gtest/gtest.h>

#include <string>

namespace mete::config {
namespace {

TEST(Names, LabelsAreLowerCaseLettersDigitsAndDashes) {
  for (const char* good : {"a", "0", "web-1", "a0-b"}) EXPECT_TRUE(check_dns_label(good)) << good;
  for (const char* bad : {"", "-a", "a-", "A", "a.b", "a/b", "..", "a_b", "a b"})
    EXPECT_FALSE(check_dns_label(bad)) << bad;
  EXPECT_TRUE(check_dns_label(std::string(63, 'a')));
  EXPECT_FALSE(check_dns_label(std::string(64, 'a')));
}

TEST(Names, SubdomainsAreLabelsJoinedByDots) {
  for (const char* good : {"a", "web.prod", "a.b.c-1"}) EXPECT_TRUE(check_dns_subdomain(good)) << good;
  for (const char* bad : {"", ".", "..", "a.", ".a", "a..b", "a/b"}) EXPECT_FALSE(check_dns_subdomain(bad)) << bad;
}

TEST(Names, TheErrorShowsWhatWasFound) {
  EXPECT_NE(check_dns_label("We b").error().what.find("\"We b\""), std::string::npos);
}

}  // namespace
}  // namespace mete::config
