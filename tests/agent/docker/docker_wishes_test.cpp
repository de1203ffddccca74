// SPDX-License-Identifier: Apache-2.0
// What clients ask for beyond a Pod: devices, logs, bounds on disks, and what belongs to other containers.
#include <gtest/gtest.h>

#include "agent/docker/container/container_json.h"
#include "agent/docker/container/of_others.h"
#include "agent/docker/create/device_wishes.h"
#include "agent/docker/create/io_wish.h"
#include "agent/docker/create/log_wish.h"
#include "agent/docker/create/pod_of.h"

namespace mete::agent::docker {
namespace {

Json device(const char* path, const char* inside, const char* rights) {
  return {{"PathOnHost", path}, {"PathInContainer", inside}, {"CgroupPermissions", rights}};
}

std::string device_error(const Json& one) {
  const auto wishes = device_wishes({{"Devices", Json::array({one})}});
  return wishes ? "" : wishes.error().what;
}

TEST(DockerDevices, AreBelowTheContainersDev) {
  const auto wishes =
      device_wishes({{"Devices", {device("/dev/fuse", "/dev/fuse", "rwm"), device("/dev/sda", "/dev//disk/", "r")}}});
  ASSERT_TRUE(wishes);
  EXPECT_EQ(*wishes,
            (std::vector<config::DeviceWish>{{"/dev/fuse", "/dev/fuse", "rwm"}, {"/dev/sda", "/dev/disk", "r"}}));
  const auto short_form = device_wishes({{"Devices", Json::array({device("/dev/fuse", "", "")})}});
  ASSERT_TRUE(short_form);
  EXPECT_EQ(*short_form, (std::vector<config::DeviceWish>{{"/dev/fuse", "/dev/fuse", "rwm"}}));
  EXPECT_NE(device_error(device("/dev/fuse", "/fuse", "rwm")), "");
  EXPECT_NE(device_error(device("/dev/fuse", "/dev/../fuse", "rwm")), "");
  EXPECT_NE(device_error(device("/dev/fuse", "/dev/pts/9", "rwm")), "");
  EXPECT_EQ(device_error(device("/dev/fuse", "/dev/fuse", "rx")), "bad mode specified: rx");
  EXPECT_EQ(device_error(device("fuse", "/dev/fuse", "r")), "fuse is not an absolute path");
}

TEST(DockerDevices, OfTheContainerDeviceInterfaceAreNamed) {
  const auto wishes = cdi_wishes({{"DeviceRequests",
                                   {{{"Driver", "cdi"}, {"DeviceIDs", {"v.com/gpu=0", "v.com/gpu=1"}}},
                                    {{"Driver", "cdi"}, {"DeviceIDs", {"w.com/x=all"}}}}}});
  ASSERT_TRUE(wishes) << wishes.error().what;
  EXPECT_EQ(*wishes, (std::vector<std::string>{"v.com/gpu=0", "v.com/gpu=1", "w.com/x=all"}));
  EXPECT_TRUE(cdi_wishes(Json::object())->empty());
  const auto error = [](const Json& request) {
    const auto made = cdi_wishes({{"DeviceRequests", Json::array({request})}});
    return made ? std::string() : made.error().what;
  };
  EXPECT_EQ(error({{"Driver", "cdi"}, {"DeviceIDs", {"gpu0"}}}), "invalid CDI device name \"gpu0\"");
  // --gpus all
  EXPECT_TRUE(error({{"Driver", ""}, {"Count", -1}, {"Capabilities", {{"gpu"}}}})
                  .starts_with("could not select device driver \"\" with capabilities: [[\"gpu\"]]"))
      << error({{"Driver", ""}, {"Count", -1}, {"Capabilities", {{"gpu"}}}});
}

TEST(DockerDevices, AreAllowedByNumber) {
  const auto ranges = device_ranges({{"DeviceCgroupRules", {"c 1:3 rwm", "b 8:* r", "a *:* m"}}});
  ASSERT_TRUE(ranges);
  EXPECT_EQ(*ranges, (std::vector<config::DeviceRange>{
                         {'c', 1, 3, "rwm"}, {'b', 8, std::nullopt, "r"}, {'a', std::nullopt, std::nullopt, "m"}}));
  for (const char* wrong : {"", "c", "c 1:3", "c 1 r", "d 1:3 r", "c 1:x r", "c 1:3 rx", "c 1:3 rwmr", "cc 1:3 r",
                            "c :3 r", "c 1: r", "c 99999999999:1 r"})
    EXPECT_FALSE(device_ranges({{"DeviceCgroupRules", Json::array({wrong})}})) << wrong;
}

Result<config::LogWish> log_of(const char* driver, const Json& options) {
  return log_wish({{"LogConfig", {{"Type", driver}, {"Config", options}}}});
}

TEST(DockerLogs, HaveDockersSizes) {
  EXPECT_EQ(log_wish(Json::object()).value(), config::LogWish());
  EXPECT_EQ(log_of("json-file", {{"max-size", "10m"}}).value(), (config::LogWish{false, Bytes(10'000'000), 1}));
  EXPECT_EQ(log_of("json-file", {{"max-size", "1.5KB"}, {"max-file", "3"}}).value(),
            (config::LogWish{false, Bytes(1500), 3}));
  EXPECT_EQ(log_of("", {{"max-file", "2"}}).value(), (config::LogWish{false, std::nullopt, 2}));
  EXPECT_EQ(log_of("local", Json::object()).value(), (config::LogWish{false, Bytes(20'000'000), 5}));
  EXPECT_EQ(log_of("local", {{"compress", "false"}, {"max-size", "1g"}}).value(),
            (config::LogWish{false, Bytes(1'000'000'000), 5}));
  EXPECT_EQ(log_of("none", {{"max-size", "?"}}).value(), (config::LogWish{true, {}, {}}));
}

TEST(DockerLogs, RefuseWhatIsNotDone) {
  EXPECT_EQ(log_of("nosuch", Json::object()).error().what,
            "error looking up logging plugin nosuch: plugin \"nosuch\" not found");
  EXPECT_EQ(log_of("json-file", {{"colour", "red"}}).error().what, "unknown log opt 'colour' for json-file log driver");
  EXPECT_EQ(log_of("json-file", {{"max-size", "0"}}).error().what, "max-size must be a positive number");
  EXPECT_EQ(log_of("json-file", {{"max-file", "0"}}).error().what, "max-file cannot be less than 1");
  for (const Json& options : {Json{{"max-size", "10q"}}, Json{{"max-size", ""}}, Json{{"max-size", "9e99g"}},
                              Json{{"max-file", "many"}}, Json{{"max-file", "-1"}}, Json{{"max-file", "101"}},
                              Json{{"compress", "true"}}, Json{{"mode", "non-blocking"}}, Json{{"tag", "x"}}})
    EXPECT_FALSE(log_of("json-file", options)) << options;
}

TEST(DockerIo, BecomesBoundsOfDisks) {
  const auto io = io_wish({{"BlkioWeight", 300},
                           {"BlkioDeviceReadBps", {{{"Path", "/dev/sda"}, {"Rate", 1024}}}},
                           {"BlkioDeviceWriteIOps", {{{"Path", "/dev/sdb"}, {"Rate", 5}}}}});
  ASSERT_TRUE(io);
  EXPECT_EQ(io->weight, 300);
  ASSERT_EQ(io->devices.size(), 2U);
  EXPECT_EQ(io->devices[0].read_per_second, Bytes(1024));
  EXPECT_EQ(io->devices[1].path, "/dev/sdb");
  EXPECT_EQ(io->devices[1].write_operations_per_second, 5);
  const auto weight_of = [](const char* path, int weight) {
    return io_wish({{"BlkioWeightDevice", {{{"Path", path}, {"Weight", weight}}}}});
  };
  EXPECT_EQ(weight_of("/dev/sda", 300)->device_weights, (std::vector<config::IoDeviceWeight>{{"/dev/sda", 300}}));
  EXPECT_EQ(weight_of("/dev/sda", 9).error().what, "invalid weight for device: /dev/sda:9");
  EXPECT_EQ(weight_of("/dev/sda", 1001).error().what, "invalid weight for device: /dev/sda:1001");
  EXPECT_EQ(weight_of("sda", 300).error().what, "bad format for device path: sda:300");
  EXPECT_EQ(io_wish({{"BlkioWeight", 0}}).value(), config::IoPolicy());
  EXPECT_EQ(io_wish({{"BlkioWeight", 1001}}).error().what, "range of blkio weight is from 10 to 1000");
  EXPECT_FALSE(io_wish({{"BlkioDeviceReadBps", {{{"Path", "sda"}, {"Rate", 1}}}}}));
  EXPECT_FALSE(io_wish({{"BlkioDeviceReadBps", {{{"Path", "/dev/sda"}, {"Rate", 0}}}}}));
}

ContainerRecord record_of(const Json& host, const Json& endpoints = Json::object()) {
  ContainerRecord record;
  record.id = std::string(64, 'a');
  record.name = record.pod = "web";
  record.config = Json::object();
  record.host_config = host;
  record.endpoints = endpoints;
  return record;
}

TEST(DockerLinks, AreOfTheContainerAndOfItsEndpoints) {
  const auto record = record_of({{"NetworkMode", "own"}, {"Links", {"store:DB", "/cache:/web/redis", "plain"}}},
                                {{"own", {{"Links", {"store_1:store"}}}}});
  const auto links = links_asked(record);
  ASSERT_TRUE(links);
  std::vector<std::string> shown;
  for (const auto& each : *links) shown.push_back(each.container + "=" + each.alias);
  EXPECT_EQ(shown, (std::vector<std::string>{"store=db", "cache=redis", "plain=plain", "store_1=store"}));
  EXPECT_EQ(links_json(record), Json({"/store:/web/db", "/cache:/web/redis", "/plain:/web/plain"}));
  EXPECT_EQ(links_json(record_of(Json::object())), Json());
  for (const char* mode : {"host", "none", "container:x"})
    EXPECT_FALSE(links_asked(record_of({{"NetworkMode", mode}, {"Links", {"a"}}}))) << mode;
  for (const char* wrong : {"", ":a", "a:", "a:b c", "a:b/"})
    EXPECT_FALSE(links_asked(record_of({{"Links", Json::array({wrong})}}))) << wrong;
}

TEST(DockerVolumesFrom, GiveWayToOnesOwn) {
  EXPECT_EQ(volumes_asked({{"VolumesFrom", {"store:ro"}}}).value().front().read_only, true);
  EXPECT_EQ(volumes_asked({{"VolumesFrom", {"/store"}}}).value().front().container, "store");
  EXPECT_EQ(volumes_asked({{"VolumesFrom", {"store:x"}}}).error().what, "invalid mode: x");
  auto other = record_of({{"Binds", {"data:/data", "/srv:/in:ro"}}, {"Tmpfs", {{"/scratch", ""}}}});
  other.config = {{"Volumes", {{"/own", Json::object()}}}, {"MeteVolumes", {{"/own", "made"}}}};
  auto record = record_of({{"Binds", {"mine:/data"}}});
  ASSERT_TRUE(share_volumes(other, true, record));
  const auto mounts = mounts_of(record.config, record.host_config);
  ASSERT_TRUE(mounts);
  ASSERT_EQ(mounts->size(), 3U);
  EXPECT_EQ((*mounts)[0].source, "mine");
  EXPECT_FALSE((*mounts)[0].read_only);
  EXPECT_EQ((*mounts)[1].source, "/srv");
  EXPECT_EQ((*mounts)[2].source, "made");
  EXPECT_TRUE((*mounts)[2].read_only);
  EXPECT_TRUE(mounts_volume(record, "made"));
  EXPECT_FALSE(mounts_volume(record, "data"));
  EXPECT_EQ(record.config["MeteVolumes"], Json({{"/own", "made"}}));
}

}  // namespace
}  // namespace mete::agent::docker
