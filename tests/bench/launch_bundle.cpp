// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/launch_bundle.h"

#include <seccomp.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "runtime/json.h"
#include "runtime/oci/config/example.h"

namespace mete::bench {
namespace {

using Json = nlohmann::json;

// A seccomp profile with the size and the kinds of rules of docker's default profile: some 350 calls allowed by name,
// some by argument.
Json seccomp_profile() {
  constexpr int kCalls = 450;
  Json names = Json::array();
  for (int number = 0; number < kCalls; ++number) {
    char* const name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);
    if (name == nullptr) continue;
    const std::string text = name;
    std::free(name);  // NOLINT: libseccomp's is malloc'ed
    const bool denied = text.find("module") != std::string::npos || text.find("kexec") != std::string::npos ||
                        text == "bpf" || text.find("swap") != std::string::npos || text == "reboot" ||
                        text == "personality" || text == "socket" || text == "clone" || text == "clone3" ||
                        text == "keyctl" || text == "add_key" || text == "userfaultfd";
    if (!denied) names.push_back(text);
  }
  const auto argument = [](unsigned index, std::uint64_t value, const char* op) {
    return Json{{"index", index}, {"value", value}, {"op", op}};
  };
  Json rules = Json::array();
  rules.push_back({{"names", names}, {"action", "SCMP_ACT_ALLOW"}});
  for (const std::uint64_t value : {0x0ULL, 0x8ULL, 0x20000ULL, 0x20008ULL, 0xFFFFFFFFULL}) {
    rules.push_back(
        {{"names", {"personality"}}, {"action", "SCMP_ACT_ALLOW"}, {"args", {argument(0, value, "SCMP_CMP_EQ")}}});
  }
  rules.push_back({{"names", {"socket"}}, {"action", "SCMP_ACT_ALLOW"}, {"args", {argument(0, 40, "SCMP_CMP_NE")}}});
  rules.push_back(
      {{"names", {"clone"}}, {"action", "SCMP_ACT_ALLOW"}, {"args", {argument(0, 0x7E020000, "SCMP_CMP_MASKED_EQ")}}});
  rules.push_back({{"names", {"clone3"}}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", 38}});
  return {{"defaultAction", "SCMP_ACT_ERRNO"},
          {"defaultErrnoRet", 1},
          {"architectures", {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"}},
          {"syscalls", rules}};
}

void write(const std::string& path, const Json& json) {
  std::ofstream(path) << json.dump(1);
}

}  // namespace

void make_bundle(const std::string& directory, const std::string& group, const std::string& least_program) {
  const std::string bin = directory + "/rootfs/bin";
  std::filesystem::create_directories(bin);
  for (const char* const name : {"proc", "dev", "sys"})
    std::filesystem::create_directories(directory + "/rootfs/" + name);
  std::filesystem::create_directories(directory + "/config-seccomp");
  std::filesystem::copy_file("/bin/busybox", bin + "/true");
  std::filesystem::copy_file(least_program, bin + "/least");
  Json config = Json::parse(runtime::oci::example_config());
  // The newest version that the oldest peer here knows.
  config["ociVersion"] = "1.0.2";
  config["process"]["args"] = {"/bin/true"};
  config["process"]["terminal"] = false;
  config["root"]["path"] = directory + "/rootfs";
  config["linux"]["cgroupsPath"] = group;
  // Each runtime shows the hierarchies in its own way; that is not what is compared.
  auto& mounts = config["mounts"];
  mounts.erase(std::remove_if(mounts.begin(), mounts.end(), [](const Json& each) { return each["type"] == "cgroup"; }),
               mounts.end());
  write(directory + "/config.json", config);
  config["linux"]["seccomp"] = seccomp_profile();
  write(directory + "/config-seccomp/config.json", config);
  std::filesystem::create_symlink("true", bin + "/sleep");
}

void make_waiting_bundle(const std::string& directory, const std::string& name, const std::string& group) {
  std::ifstream file(directory + "/config.json");
  Json config = Json::parse(file);
  config["process"]["args"] = {"/bin/sleep", "100000"};
  config["linux"]["cgroupsPath"] = group;
  std::filesystem::create_directories(directory + "/" + name);
  write(directory + "/" + name + "/config.json", config);
}

}  // namespace mete::bench
