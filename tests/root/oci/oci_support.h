// SPDX-License-Identifier: Apache-2.0
// A bundle and a state root of the test's own, mete-oci driven as a client drives it, and the proof that nothing is
// left.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "runtime/file.h"
#include "runtime/json.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_group.h"

namespace mete::test {

using Json = nlohmann::json;

struct Done {
  int code = -1;
  std::string out;
  std::string err;
};

inline std::string slurp(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class OciTest : public RootCgroupTest {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists("/bin/busybox")) GTEST_SKIP() << "needs Debian's busybox-static";
    RootCgroupTest::SetUp();
    if (IsSkipped()) return;
    const std::string bin = bundle() + "/rootfs/bin";
    std::filesystem::create_directories(bin);
    std::filesystem::copy_file("/bin/busybox", bin + "/busybox");
    for (const char* name : {"sh", "cat", "id", "ls", "mount", "hostname", "grep", "sleep", "touch", "stat", "readlink",
                             "kill", "true", "dd", "uname"}) {
      std::filesystem::create_symlink("busybox", bin + "/" + name);
    }
    const Done made = oci({"spec", "--bundle", bundle()});
    ASSERT_EQ(made.code, 0) << made.err;
    config_ = Json::parse(slurp(bundle() + "/config.json"));
    config_["process"]["terminal"] = false;
    config_["process"]["env"] = {"PATH=/bin"};
    use_group("one");
    mounts_before_ = mounts();
  }

  void TearDown() override {
    if (made_something_) {
      for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
        if (entry.path().filename() != "root") continue;
        for (const auto& container : std::filesystem::directory_iterator(entry.path()))
          (void)oci({"delete", "--force", container.path().filename()});
      }
    }
    RootCgroupTest::TearDown();
  }

  std::string bundle() const { return dir_ / "bundle"; }
  std::string root() const { return dir_ / "root"; }

  void use_group(const std::string& name) { config_["linux"]["cgroupsPath"] = own_parent() + "/" + name; }
  void write_config() const { std::ofstream(bundle() + "/config.json") << config_.dump(1); }
  void command(const std::string& script) { config_["process"]["args"] = {"sh", "-c", script}; }

  // Starts mete-oci with the file or terminal `input` as its standard input, and does not wait for it.
  pid_t begin(std::vector<std::string> words, const std::string& name = "call", const char* input = "/dev/null") {
    made_something_ = true;
    words.insert(words.begin(), {METE_BIN_DIR "/mete-oci", "--root", root()});
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDWR | O_NOCTTY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, (dir_ / (name + ".out")).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, (dir_ / (name + ".err")).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t pid = 0;
    EXPECT_EQ(::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
  }

  Done finish(pid_t pid, const std::string& name = "call") {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status), slurp(dir_ / (name + ".out")),
            slurp(dir_ / (name + ".err"))};
  }

  Done oci(std::vector<std::string> words, const std::string& name = "call") {
    return finish(begin(std::move(words), name), name);
  }

  // `run` of a shell script with the present config.
  Done run(const std::string& script) {
    command(script);
    write_config();
    return oci({"run", "--bundle", bundle(), "one"});
  }

  Done create(const std::string& id = "one") {
    write_config();
    // Output files of its own: the container goes on writing to them.
    return oci({"create", "--bundle", bundle(), "--pid-file", dir_ / "pid", id}, "create-" + id);
  }

  std::string status(const std::string& id = "one") {
    const Done shown = oci({"state", id});
    return shown.code == 0 ? Json::parse(shown.out).at("status").get<std::string>() : "none";
  }

  // Those below our folder: the machine's others come and go.
  std::string mounts() const {
    std::string ours;
    std::istringstream all(slurp("/proc/self/mounts"));
    for (std::string line; std::getline(all, line);) {
      if (line.find(dir_.path()) != std::string::npos) ours += line + "\n";
    }
    return ours;
  }

  // A Unix socket that listens at `path`.
  static runtime::UniqueFd listen_at(const std::string& path) {
    runtime::UniqueFd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    struct sockaddr_un address {};
    address.sun_family = AF_UNIX;
    EXPECT_LT(path.size(), sizeof address.sun_path);
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const bool bound = ::bind(server.get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof address) == 0;
    EXPECT_TRUE(bound && ::listen(server.get(), 4) == 0) << path;
    return server;
  }

  // Fails unless all that a container had is gone, as after every failure and every delete.
  void expect_nothing_left() {
    EXPECT_TRUE(!std::filesystem::exists(root()) || std::filesystem::is_empty(root()));
    const auto group = parent().child("one").value();
    for (const auto& file : group.procs_files()) {
      EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(file).parent_path())) << file;
    }
    EXPECT_EQ(mounts(), mounts_before_);
  }

  testing::TempDir dir_;
  Json config_;

 private:
  std::string mounts_before_;
  bool made_something_ = false;
};

}  // namespace mete::test
