// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/termination_message.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "runtime/cgroup/text.h"
#include "runtime/fd.h"

namespace mete::agent {
namespace {

constexpr std::size_t kMostOfFile = 4096;
constexpr std::size_t kMostOfLog = 2048;
constexpr std::size_t kMostLines = 80;
constexpr std::size_t kReadOfLog = 16384;  // heads of lines included

// The container may have put anything in the place of its file: no link is followed, and a FIFO keeps nobody waiting.
std::string end_of_file(const std::string& path, std::size_t most) {
  const runtime::UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (!file.valid() || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  std::string text(std::min<std::size_t>(most, static_cast<std::size_t>(info.st_size)), '\0');
  const ssize_t length = ::pread(file.get(), text.data(), text.size(), info.st_size - static_cast<off_t>(text.size()));
  text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  return text;
}

}  // namespace

std::string end_of_log(std::string_view log) {
  std::vector<std::string> lines;
  while (!log.empty()) {
    std::string_view line = runtime::cgroup::next_line(log);
    for (int part = 0; part < 3; ++part) (void)runtime::cgroup::next_part(line, ' ');  // time, stream, F or P
    lines.emplace_back(line);
  }
  std::string out;
  std::size_t count = 0;
  for (auto line = lines.rbegin(); line != lines.rend() && count < kMostLines; ++line, ++count) {
    if (out.size() + line->size() + 1 > kMostOfLog) break;
    out.insert(0, *line + "\n");
  }
  return out;
}

std::string termination_message(const TerminationSources& sources) {
  std::string text = end_of_file(sources.file, kMostOfFile);
  if (!text.empty() || !sources.log_on_error || sources.exit_code == 0) return text;
  std::string log = end_of_file(sources.log, kReadOfLog);
  if (log.size() == kReadOfLog) log.erase(0, log.find('\n') + 1);  // the first line is cut
  return end_of_log(log);
}

}  // namespace mete::agent
