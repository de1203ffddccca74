// SPDX-License-Identifier: Apache-2.0
// A container with linux.resources, and what its control files show.
#pragma once

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "tests/root/oci/oci_support.h"

namespace mete::test {

class OciResourcesTest : public OciTest {
 protected:
  bool v1(const char* controller) const { return hierarchies_.on_v1(controller); }
  Json& resources() { return config_["linux"]["resources"]; }
  void start_sleeping() {
    command("sleep 60");
    ASSERT_EQ(create().code, 0) << slurp(dir_ / "create-one.err");
    ASSERT_EQ(oci({"start", "one"}).code, 0);
  }
  std::string file(const char* controller, const std::string& name) const {
    return parent().child("one").value().read(controller, name).value_or("(none)");
  }
  // /dev/kmsg: a device that no container has by default, and that everybody with this capability may open.
  void add_kernel_log() {
    config_["linux"]["devices"].push_back({{"path", "/dev/kmsg"}, {"type", "c"}, {"major", 1}, {"minor", 11}});
    for (const char* const set : {"bounding", "effective", "permitted"})
      config_["process"]["capabilities"][set].push_back("CAP_SYSLOG");
  }
  std::string refused() {
    command("true");
    write_config();
    const Done done = oci({"create", "--bundle", bundle(), "one"});
    EXPECT_EQ(done.code, 1);
    expect_nothing_left();
    return done.err;
  }
  static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
  // The whole disk below a path.
  static std::string disk_of(const std::string& path) {
    struct stat info {};
    ::stat(path.c_str(), &info);
    return std::to_string(major(info.st_dev)) + ":" + std::to_string(minor(info.st_dev));
  }
  static bool is_disk(const std::string& disk) {
    return std::filesystem::exists("/sys/dev/block/" + disk) &&
           !std::filesystem::exists("/sys/dev/block/" + disk + "/partition");
  }
};

}  // namespace mete::test
