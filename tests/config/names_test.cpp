// SPDX-License-Identifier: Apache-2.0
#include "config/values/names.h"

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
  // Kubernetes has no bound for a part of the name.
  EXPECT_TRUE(check_dns_subdomain(std::string(253, 'a')));
  EXPECT_FALSE(check_dns_subdomain(std::string(254, 'a')));
  for (const char* bad : {"", ".", "..", "a.", ".a", "a..b", "a/b"}) EXPECT_FALSE(check_dns_subdomain(bad)) << bad;
}

TEST(Names, TheErrorShowsWhatWasFound) {
  EXPECT_NE(check_dns_label("We b").error().what.find("\"We b\""), std::string::npos);
}

TEST(Names, Labels) {
  for (const std::string key : {"app", "a", "App_1.x-y", "app.kubernetes.io/name", "x/Y"}) {
    EXPECT_TRUE(check_label_key(key).has_value()) << key;
  }
  for (const std::string key : {"", "/", "a/", "/a", "A.b/c", "a/b/c", "-a", "a b", "a:"}) {
    EXPECT_FALSE(check_label_key(key).has_value()) << key;
  }
  EXPECT_TRUE(check_label_value("").has_value());
  EXPECT_TRUE(check_label_value(std::string(63, 'a')).has_value());
  EXPECT_FALSE(check_label_value(std::string(64, 'a')).has_value());
}

TEST(Names, DataKeysAreFileNames) {
  for (const std::string key : {"a", ".bashrc", "index.html", "A_b-c", "-"}) {
    EXPECT_TRUE(check_data_key(key).has_value()) << key;
  }
  for (const std::string key : {"", ".", "..", "..a", "a/b", "a b"})
    EXPECT_FALSE(check_data_key(key).has_value()) << key;
}

TEST(Names, EnvironmentNames) {
  for (const std::string name : {"A", "a.b-c", "1", "_"}) EXPECT_TRUE(check_env_name(name).has_value()) << name;
  for (const std::string name : {"", "A=B", "a b", "\xc3\xa4"}) EXPECT_FALSE(check_env_name(name).has_value()) << name;
}

TEST(Names, PathsDoNotLeadOut) {
  for (const std::string path : {"/", "/a", "/a/b/", "/a/..b", "/..."}) {
    EXPECT_TRUE(check_absolute_path(path).has_value()) << path;
    EXPECT_FALSE(check_relative_path(path).has_value()) << path;
  }
  for (const std::string path : {"a", "a/b", "a..b/c", "."}) {
    EXPECT_TRUE(check_relative_path(path).has_value()) << path;
    EXPECT_FALSE(check_absolute_path(path).has_value()) << path;
  }
  for (const std::string path : {"", "..", "/..", "a/..", "/a/../b", "../a"}) {
    EXPECT_FALSE(check_absolute_path(path).has_value()) << path;
    EXPECT_FALSE(check_relative_path(path).has_value()) << path;
  }
  EXPECT_FALSE(check_absolute_path("/" + std::string(5000, 'a')).has_value());
}

TEST(Names, PathsInAContainer) {
  EXPECT_EQ(normal_path("/d/./x//"), "/d/x");
  EXPECT_EQ(normal_path("d"), "/d");
  EXPECT_EQ(normal_path("//"), "/");
  EXPECT_EQ(normal_path(""), "/");
  for (const char* fine : {"/a", "a/b", "/a/.b", "//a"}) EXPECT_TRUE(check_mount_path(fine)) << fine;
  for (const char* bad : {"/", "//", "/.", "", "/a/..", "/a:b"}) EXPECT_FALSE(check_mount_path(bad)) << bad;
  EXPECT_TRUE(check_working_dir("/"));
  EXPECT_TRUE(check_working_dir("srv"));
  EXPECT_FALSE(check_working_dir("../srv"));
}

}  // namespace
}  // namespace mete::config
