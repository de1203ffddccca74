// SPDX-License-Identifier: Apache-2.0
// Values of requests that docker's engine takes or refuses, and where it keeps a container's layer.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>

#include "agent/docker/container/container_filters.h"
#include "agent/docker/container/layer_book.h"
#include "agent/docker/create/create_request.h"
#include "agent/docker/create/pod_of.h"
#include "agent/docker/held_mounts.h"
#include "agent/docker/images/platform.h"
#include "agent/docker/streams/detach_keys.h"
#include "runtime/file.h"
#include "tests/support/temp_dir.h"

namespace mete::agent::docker {
namespace {

TEST(HeldMounts, OptionsAreFlagsAndWhatIsTheFileSystems) {
  const MountWords words = mount_words("ro,size=1m,nosuid,rslave,uid=1000,defaults");
  EXPECT_EQ(words.flags, static_cast<unsigned long>(MS_RDONLY | MS_NOSUID));
  EXPECT_EQ(words.propagation, static_cast<unsigned long>(MS_SLAVE | MS_REC));
  EXPECT_EQ(words.data, "size=1m,uid=1000");
  EXPECT_EQ(mount_words("ro,rw").flags, 0U);  // the last word counts
  EXPECT_EQ(mount_words("rbind").flags, static_cast<unsigned long>(MS_BIND | MS_REC));
  EXPECT_EQ(mount_words(",,").data, "");
}

TEST(HeldMounts, NoneOfTheOptionsGoesWithoutTheOthers) {
  const auto why = [](const char* options) {
    const Status done = check_volume_options(Json::parse(options));
    return done ? std::string() : done.error().what;
  };
  EXPECT_EQ(why("null"), "");
  EXPECT_EQ(why("{}"), "");
  EXPECT_EQ(why(R"({"type": "tmpfs", "device": "tmpfs"})"), "");
  EXPECT_EQ(why(R"({"type": "none", "device": "/x", "o": "bind"})"), "");
  EXPECT_EQ(why(R"({"type": "tmpfs"})"), "missing required option: \"device\"");
  EXPECT_EQ(why(R"({"o": "bind"})"), "missing required option: \"device\"");
  EXPECT_EQ(why(R"({"device": "/x", "o": "bind"})"), "missing required option: \"type\"");
  EXPECT_EQ(why(R"({"device": "/x", "type": ""})"), "missing required option: \"type\"");
  EXPECT_EQ(why(R"({"nosuch": "1"})"), "invalid option: \"nosuch\"");
  EXPECT_EQ(why(R"({"size": "1m"})"), "quota size requested but no quota support");
}

TEST(DetachKeys, AreLettersAndControlledOnes) {
  for (const char* each : {"", "a", "ctrl-p,ctrl-q", "ctrl-@,x", "ctrl-[", "ctrl-\\", "ctrl-_", "DEL", "é,a"})
    EXPECT_EQ(are_detach_keys(each), std::string(each) != "é,a") << each;
  for (const char* each : {"bad", "ctrl-", "ctrl-A", "ctrl-1", "ctrl-pq", "a,", ",a", "del"})
    EXPECT_FALSE(are_detach_keys(each)) << each;
}

TEST(Platform, LeavesOutWhatIsTheMachines) {
  const auto read = [](const char* text) {
    const auto platform = parse_platform(text, "amd64");
    return platform ? to_text(*platform) : platform.error().what;
  };
  EXPECT_EQ(read("linux"), "linux/amd64");
  EXPECT_EQ(read("linux/arm64/v8"), "linux/arm64");
  EXPECT_EQ(read("aarch64"), "linux/arm64");
  EXPECT_EQ(read("Linux/X86_64"), "linux/amd64");
  EXPECT_EQ(read("windows/amd64"), "windows/amd64");
  EXPECT_EQ(read("bogus"), "\"bogus\": unknown operating system or architecture: invalid argument");
  for (const char* each : {"", "/", "linux/", "/amd64", "a/b/c/d"}) EXPECT_FALSE(parse_platform(each, "amd64")) << each;
}

TEST(Filters, TrueAndFalseHaveTwoWordsEach) {
  const auto truth = [](const char* filters) { return Filters::parse(filters, {"dangling"})->truth("dangling"); };
  EXPECT_EQ(truth("{}").value(), std::nullopt);
  EXPECT_EQ(truth(R"({"dangling": ["1"]})").value(), true);
  EXPECT_EQ(truth(R"({"dangling": {"true": true}})").value(), true);
  EXPECT_EQ(truth(R"({"dangling": ["false", "0"]})").value(), false);
  EXPECT_EQ(truth(R"({"dangling": ["bogus"]})").error().what, "Invalid filter 'dangling=[bogus]'");
  EXPECT_EQ(truth(R"({"dangling": ["true", "false"]})").error().what, "Invalid filter 'dangling=[true false]'");
}

TEST(ContainerFilters, RefuseWhatNoContainerCanHave) {
  const auto why = [](const char* filters) {
    const auto read = container_filters(filters);
    return read ? std::string() : read.error().what;
  };
  EXPECT_EQ(why(R"({"exited": ["137"], "health": ["none"], "is-task": ["0"], "before": ["web"], "since": ["db"]})"),
            "");
  EXPECT_EQ(why(R"({"exited": ["abc"]})"), "strconv.Atoi: parsing \"abc\": invalid syntax");
  EXPECT_EQ(why(R"({"exited": [""]})"), "strconv.Atoi: parsing \"\": invalid syntax");
  EXPECT_EQ(why(R"({"health": ["ill"]})"), "Unrecognised filter value for health: ill");
  EXPECT_EQ(why(R"({"is-task": ["ill"]})"), "Invalid filter 'is-task=[ill]'");
  EXPECT_EQ(why(R"({"publish": ["abc"]})"),
            "error while looking up for publish abc: strconv.ParseUint: parsing \"abc\": invalid syntax");
}

TEST(MountsOf, TakesOneWordOfEachKind) {
  const auto why = [](const std::string& bind) {
    const auto mounts = mounts_of(Json::object(), {{"Binds", {bind}}});
    return mounts ? std::string() : mounts.error().what;
  };
  EXPECT_EQ(why("/h:/c:ro,z,rslave"), "");
  EXPECT_EQ(why("vol:/c:nocopy,Z"), "");
  for (const char* each : {"ro,rw", "ro,ro", "z,Z", "rslave,rshared", "bogus", "ro,"})
    EXPECT_EQ(why(std::string("/h:/c:") + each),
              std::string(each) == "ro," ? "" : std::string("invalid mode: ") + each);
  EXPECT_EQ(why("/h:/c:nocopy"),
            "invalid volume specification: '/h:/c:nocopy': invalid mount config for type \"bind\": field VolumeOptions "
            "must not be specified");
  EXPECT_EQ(
      why("vol:/c:rslave"),
      "invalid volume specification: 'vol:/c:rslave': invalid mount config for type \"volume\": field BindOptions "
      "must not be specified");
  EXPECT_EQ(why("@:/c"), "create @: volume name is too short, names should be at least two alphanumeric characters");
  const auto tmpfs = [](const char* options) {
    const auto mounts = mounts_of(Json::object(), {{"Tmpfs", {{"/t", options}}}});
    return mounts ? std::string() : mounts.error().what;
  };
  EXPECT_EQ(tmpfs("rw,noexec,size=1m,mode=1777"), "");
  EXPECT_EQ(tmpfs("size=1m,bogus"), "invalid tmpfs option [\"bogus\"]");
}

TEST(SharedMemory, IsItsOwnOrAnothers) {
  ContainerRecord record;
  record.id = "own";
  Surrounding around;
  around.ipc_owner = "other";
  const auto owner = [&](const char* mode) {
    record.host_config["IpcMode"] = mode;
    return shared_memory_owner(record, around);
  };
  EXPECT_EQ(owner("private"), "");
  EXPECT_EQ(owner("shareable"), "own");
  EXPECT_EQ(owner("container:other"), "other");
  record.host_config["Tmpfs"] = {{"/dev/shm", ""}};
  EXPECT_EQ(owner("shareable"), "");
}

TEST(LayerBook, IsWhatCAdvisorLooksFor) {
  const mete::testing::TempDir work;
  const std::string root = work.path() + "/docker";
  const std::string id(64, 'a');
  const std::string place = work.path() + "/pods/u/containers/c/1";
  std::filesystem::create_directories(place + "/diff/etc");
  std::filesystem::create_directories(work.path() + "/logs/docker_c");
  const LayerBook book(root, "overlay2");
  ASSERT_TRUE(book.add(id, work.path() + "/logs/docker_c"));
  ASSERT_TRUE(book.point(id, place + "/diff"));
  EXPECT_EQ(runtime::read_file(AT_FDCWD, root + "/image/overlay2/layerdb/mounts/" + id + "/mount-id").value(), id);
  // A walk over the folder finds what is in it, for who mounts the whole elsewhere, too.
  std::filesystem::rename(work.path() + "/docker", work.path() + "/moved");
  std::filesystem::rename(work.path() + "/moved", root);
  EXPECT_TRUE(std::filesystem::is_directory(root + "/overlay2/" + id + "/diff/etc"));
  EXPECT_FALSE(std::filesystem::is_symlink(root + "/overlay2/" + id + "/diff"));
  EXPECT_TRUE(std::filesystem::read_symlink(root + "/overlay2/" + id).is_relative());
  // The next attempt's.
  std::filesystem::create_directories(work.path() + "/pods/u/containers/c/2/diff/var");
  ASSERT_TRUE(book.point(id, work.path() + "/pods/u/containers/c/2/diff"));
  EXPECT_TRUE(std::filesystem::is_directory(root + "/overlay2/" + id + "/diff/var"));
  book.sweep([&](const std::string& each) { return each == id; });
  EXPECT_TRUE(std::filesystem::exists(root + "/containers/" + id));
  book.sweep([](const std::string&) { return false; });
  EXPECT_FALSE(std::filesystem::exists(root + "/image/overlay2/layerdb/mounts/" + id));
  EXPECT_TRUE(std::filesystem::is_empty(root + "/overlay2") && std::filesystem::is_empty(root + "/containers"));
  EXPECT_TRUE(std::filesystem::is_directory(place + "/diff/etc"));
}

}  // namespace
}  // namespace mete::agent::docker
