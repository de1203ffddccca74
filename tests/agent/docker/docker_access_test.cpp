// SPDX-License-Identifier: Apache-2.0
// Who may do what over which socket; and where a stopped container's files are.
#include <gtest/gtest.h>

#include "agent/docker/access.h"
#include "agent/docker/container/stopped_root.h"
#include "agent/docker/routes.h"

namespace mete::agent::docker {
namespace {

TEST(DockerAccess, DashboardsReadAndDoNothing) {
  for (const char* path :
       {"/_ping", "/version", "/info", "/events", "/system/df", "/containers/json", "/containers/web/json",
        "/containers/web/logs", "/containers/web/stats", "/containers/web/top", "/containers/web/changes",
        "/images/json", "/images/a/b/json", "/networks", "/volumes", "/volumes/data", "/swarm"})
    EXPECT_TRUE(is_for_dashboards("GET", path) && is_for_dashboards("HEAD", path)) << path;
  for (const char* path : {"/containers/web/archive", "/containers/web/export", "/images/get", "/images/a/b/get",
                           "/containers/web/attach/ws"})
    EXPECT_FALSE(is_for_dashboards("GET", path)) << path;
}

TEST(DockerAccess, NoRouteThatChangesIsForDashboards) {
  for (const Route& route : all_routes()) {
    const std::string method = route.method;
    if (method == "GET" || method == "HEAD") continue;
    EXPECT_FALSE(is_for_dashboards(method, route.pattern)) << method << " " << route.pattern;
  }
}

TEST(DockerAccess, WhatChangesIsLogged) {
  EXPECT_TRUE(changes_something("POST", "/containers/web/kill"));
  EXPECT_TRUE(changes_something("POST", "/containers/web/exec"));
  EXPECT_TRUE(changes_something("DELETE", "/volumes/data"));
  EXPECT_TRUE(changes_something("PUT", "/containers/web/archive"));
  EXPECT_FALSE(changes_something("POST", "/containers/web/wait"));
  EXPECT_FALSE(changes_something("POST", "/containers/web/resize"));
  EXPECT_FALSE(changes_something("GET", "/containers/json"));
}

TEST(StoppedRoots, PathsInMounts) {
  const std::vector<std::string> targets = {"/data", "/srv/www/"};
  EXPECT_EQ(mount_above("/data/x", targets), "/data");
  EXPECT_EQ(mount_above("/tmp/../data", targets), "/data");
  EXPECT_EQ(mount_above("srv/www", targets), "/srv/www/");
  EXPECT_EQ(mount_above("/database", targets), "");
  EXPECT_EQ(mount_above("/", targets), "");
}

}  // namespace
}  // namespace mete::agent::docker
