// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <ctime>

#include "collectors/discovery/runtimes.h"
#include "tests/support/fake_proc.h"

namespace mete::collectors {
namespace {

using testing::FakeProc;
using testing::TempDir;
using testing::write_text;

TEST(ParseMountinfo, ReadsLinesWithAndWithoutOptionalFields) {
  const auto lines = parse_mountinfo(
      "109 52 0:52 / / rw,relatime master:2 shared:7 - overlay overlay rw,lowerdir=/a:/b,upperdir=/c\n"
      "126 109 254:0 /data\\040root/x\\134y /etc/hosts\\012 rw - ext4 /dev/vda rw,discard\n");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].device, "0:52");
  EXPECT_EQ(lines[0].root, "/");
  EXPECT_EQ(lines[0].type, "overlay");
  EXPECT_EQ(lines[0].options, "rw,lowerdir=/a:/b,upperdir=/c");
  EXPECT_EQ(lines[1].root, "/data root/x\\y");
  EXPECT_EQ(lines[1].point, "/etc/hosts\n");
  EXPECT_EQ(lines[1].type, "ext4");
}

TEST(ParseMountinfo, TextCutAnywhereIsNoHarm) {
  const std::string whole = "126 109 254:0 /data\\040root /etc/hosts rw shared:1 - ext4 /dev/vda rw\n";
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_LE(parse_mountinfo(whole.substr(0, size)).size(), 1U);
  EXPECT_TRUE(parse_mountinfo("\n\n  \n").empty());
}

TEST(ProcessView, LayersAreFoundInAnyOverlayOption) {
  ProcessView view;
  view.mounts = parse_mountinfo(
      "1 0 0:1 / / rw - ext4 /dev/x rw,fake=/wrong/overlay2/y\n"
      "2 1 0:2 / / rw - overlay overlay "
      "rw,lowerdir=l/A:/srv/docker/overlay2/l/B:/x,upperdir=/srv/docker/overlay2/c/diff\n");
  EXPECT_EQ(view.layers_before("/overlay2/"), "/srv/docker");
  EXPECT_EQ(view.layers_before("/overlay/"), std::nullopt);
}

std::string writable(const std::string& mountinfo) {
  ProcessView view;
  view.mounts = parse_mountinfo(mountinfo);
  return view.writable_layer();
}

TEST(ProcessView, TheWritableLayerIsTheRootsUpperDirectory) {
  const std::string other = "3 1 0:3 / /mnt rw - overlay overlay rw,lowerdir=/x,upperdir=/other\n";
  EXPECT_EQ(writable("1 0 0:2 / / rw - overlay overlay rw,lowerdir=/a:/b,upperdir=/srv/c,workdir=/w\n" + other),
            "/srv/c");
  EXPECT_EQ(
      writable("1 0 0:2 / / rw - overlay overlay rw,lowerdir=/a:/b,upperdir=/srv/c\\040d/fs,workdir=/w\n" + other),
      "/srv/c d/fs");
  EXPECT_EQ(writable("1 0 0:2 / / ro - overlay overlay ro,lowerdir=/a:/b\n" + other), "") << "it has none";
  EXPECT_EQ(writable("1 0 0:2 / / rw - overlay overlay rw,upperdir=ID/diff\n"), "")
      << "begins at a folder that nobody tells";
  EXPECT_EQ(writable("1 0 8:1 / / rw - ext4 /dev/sda1 rw,upperdir=/etc\n" + other), "");
  EXPECT_EQ(writable("1 0 0:2 / / rw - overlay o rw,upperdir=/a\n2 1 8:1 / / rw - ext4 /dev/sda1 rw\n"), "")
      << "it is covered";
  EXPECT_EQ(writable(""), "");
}

std::vector<std::string> sources(const FakeProc& proc, const std::string& mountinfo, std::string_view marker) {
  ProcessView view;
  view.mounts = parse_mountinfo(mountinfo);
  std::vector<std::string> seen;
  EXPECT_FALSE(view.any_source_before({proc.path(), ""}, marker, [&](const std::string& folder) {
    seen.push_back(folder);
    return false;
  }));
  return seen;
}

TEST(ProcessView, ASourceIsLookedForWhereItsFileSystemIsMounted) {
  const FakeProc proc;
  proc.own_mounts(
      "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
      "21 20 8:2 / /var rw - ext4 /dev/sda2 rw\n"
      "22 20 8:2 /lib /mnt/lib rw - ext4 /dev/sda2 rw\n"
      "23 20 8:2 /li /mnt/li rw - ext4 /dev/sda2 rw\n");
  const auto seen = sources(proc,
                            "1 0 0:9 / / rw - overlay overlay rw\n"
                            "2 1 8:2 /lib/docker/containers/abc/hostname /etc/hostname rw - ext4 /dev/sda2 rw\n"
                            "3 1 8:2 /lib/docker/containers/abc/hosts /etc/hosts rw - ext4 /dev/sda2 rw\n",
                            "/containers/abc/");
  EXPECT_EQ(seen, (std::vector<std::string>{"/lib/docker", "/var/lib/docker", "/mnt/lib/docker"}))
      << "each once; /li is no folder above /lib";
}

TEST(ProcessView, AFileSystemOfItsOwnIsFoundByItsMountPoint) {
  const FakeProc proc;
  proc.own_mounts("21 20 8:3 / /data/docker rw - ext4 /dev/sda3 rw\n");
  const auto seen =
      sources(proc, "2 1 8:3 /containers/abc/hostname /etc/hostname rw - ext4 /dev/sda3 rw\n", "/containers/abc/");
  EXPECT_EQ(seen, (std::vector<std::string>{"", "/data/docker"}));
}

TEST(ProcessView, AProcessThatIsGoneHasNothing) {
  const FakeProc proc;
  const ProcessView view = view_process({proc.path(), ""}, 4711);
  EXPECT_EQ(view.parent, 0);
  EXPECT_TRUE(view.mounts.empty());
  EXPECT_EQ(view_process({proc.path(), ""}, 0).pid, 0);
}

TEST(ProcessView, AProcessMayBeCalledAnything) {
  FakeProc proc;
  proc.add(7, {.parent = 42});  // "7 (a) b)c) S 42"
  EXPECT_EQ(parent_of({proc.path(), ""}, 7), 42);
}

TEST(SmallFile, TooLargeIsNotRead) {
  const TempDir folder;
  write_text(folder / "small", std::string(8U << 20U, 'x'));
  write_text(folder / "large", std::string((8U << 20U) + 1, 'x'));
  EXPECT_EQ(small_file({"/proc", folder.path()}, "/small").size(), 8U << 20U);
  EXPECT_EQ(small_file({"/proc", folder.path()}, "/large"), "");
  EXPECT_EQ(small_file({"/proc", folder.path()}, "/none"), "");
  EXPECT_EQ(small_file({}, folder.path()), "") << "a folder";
}

std::optional<std::int64_t> milliseconds(std::string_view text) {
  const auto time = parse_rfc3339(text);
  if (!time) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(time->time_since_epoch()).count();
}

TEST(ParseRfc3339, ReadsWhatRuntimesWrite) {
  EXPECT_EQ(milliseconds("2026-11-24T02:32:00.548208309Z"), 1'795'487'520'548);
  EXPECT_EQ(milliseconds("2026-11-24T02:32:00Z"), 1'795'487'520'000);
  EXPECT_EQ(milliseconds("2026-11-24T04:32:00.5+02:00"), 1'795'487'520'500);
  EXPECT_EQ(milliseconds("2026-11-23T21:02:00.12345678901234-05:30"), 1'795'487'520'123);
  EXPECT_EQ(milliseconds("1970-01-01T00:00:00Z"), 0);
}

TEST(ParseRfc3339, RefusesTheRest) {
  for (const char* text :
       {"", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-24T02:32:00", "2026-11-24T02:32:00.5",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026--1-01T00:00:00Z", "2026-01-01T00:00:00X", "2026-01-01T00:00:00+2:00", "2026-01-01T00:00:00+99:00",
        "2026-01-01T00:00:00.Zz", "yesterday, at about ten"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

}  // namespace
}  // namespace mete::collectors
