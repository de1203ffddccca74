// SPDX-License-Identifier: Apache-2.0
// A /proc of the test's own: processes with what discovery reads of them.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "tests/support/temp_dir.h"

namespace mete::testing {

inline void write_text(const std::string& path, std::string_view text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class FakeProc {
 public:
  FakeProc() { network("self", "the machine's"); }
  struct Process {
    pid_t parent = 1;
    std::string mountinfo;
    std::string cmdline;
    std::string cwd = "/";
    std::string network = "the machine's";  // the same text: the same namespace
  };
  void add(pid_t pid, const Process& process) {
    const std::string name = std::to_string(pid);
    const std::string folder = path() + "/" + name;
    write_text(folder + "/stat", name + " (a) b)c) S " + std::to_string(process.parent) + " 1 1 0 -1 4194560 708 0\n");
    write_text(folder + "/mountinfo", process.mountinfo);
    write_text(folder + "/cmdline", process.cmdline);
    std::filesystem::remove(folder + "/cwd");
    std::filesystem::create_symlink(process.cwd, folder + "/cwd");
    network(name, process.network);
  }
  void own_mounts(std::string_view mountinfo) const { write_text(path() + "/self/mountinfo", mountinfo); }
  [[nodiscard]] std::string path() const { return folder_ / "proc"; }

 private:
  // A namespace is told by its inode: hard links to one file stand for it.
  void network(const std::string& process, const std::string& name) const {
    const std::string file = folder_ / ("net-" + name);
    if (!std::filesystem::exists(file)) write_text(file, name);
    const std::string link = path() + "/" + process + "/ns/net";
    std::filesystem::create_directories(std::filesystem::path(link).parent_path());
    std::filesystem::remove(link);
    std::filesystem::create_hard_link(file, link);
  }
  TempDir folder_;
};

}  // namespace mete::testing
