// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <memory>
#include <set>
#include <utility>

#include "collectors/discovery/runtimes.h"
#include "collectors/kernel/parse.h"
#include "runtime/file.h"

namespace mete::collectors {
namespace {

// In /proc/PID/stat: the second field after the last ')'.
pid_t parent_in(std::string_view stat) {
  const auto end = stat.rfind(')');
  if (end == std::string_view::npos) return 0;
  std::string_view rest = stat.substr(end + 1);
  (void)next_word(rest);
  return static_cast<pid_t>(parse_u64(next_word(rest)).value_or(0));
}

}  // namespace

std::vector<MountLine> parse_mountinfo(std::string_view text) {
  std::vector<MountLine> lines;
  while (!text.empty()) {
    std::string_view line = next_line(text);
    MountLine mount;
    (void)next_word(line);
    (void)next_word(line);
    mount.device = next_word(line);
    mount.root = runtime::cgroup::unescape_mountinfo(next_word(line));
    mount.point = runtime::cgroup::unescape_mountinfo(next_word(line));
    // Skips the options and any number of optional fields, up to a lone dash.
    for (auto word = next_word(line); !word.empty() && word != "-"; word = next_word(line)) {
    }
    mount.type = next_word(line);
    mount.source = runtime::cgroup::unescape_mountinfo(next_word(line));
    mount.options = runtime::cgroup::unescape_mountinfo(next_word(line));
    if (!mount.point.empty()) lines.push_back(std::move(mount));
  }
  return lines;
}

bool ProcessView::any_source_before(const IdentityRoots& roots, std::string_view marker,
                                    const std::function<bool(const std::string&)>& found) const {
  std::vector<MountLine> own;
  bool own_read = false;
  std::set<std::pair<std::string, std::string>> tried;
  for (const MountLine& mount : mounts) {
    const auto at = mount.root.find(marker);
    if (at == std::string::npos) continue;
    const std::string folder = mount.root.substr(0, at);
    if (!tried.emplace(mount.device, folder).second) continue;
    if (found(folder)) return true;
    if (!std::exchange(own_read, true)) {
      if (const auto text = runtime::read_file(AT_FDCWD, roots.proc + "/self/mountinfo")) own = parse_mountinfo(*text);
    }
    for (const MountLine& here : own) {
      const std::string_view root = here.root == "/" ? std::string_view() : std::string_view(here.root);
      if (here.device != mount.device || !folder.starts_with(root)) continue;
      const std::string_view rest = std::string_view(folder).substr(root.size());
      if (!rest.empty() && rest.front() != '/') continue;
      if (found((here.point == "/" ? std::string() : here.point) + std::string(rest))) return true;
    }
  }
  return false;
}

std::string ProcessView::writable_layer() const {
  constexpr std::string_view kKey = "upperdir=";
  std::string layer;
  for (const MountLine& mount : mounts) {
    if (mount.point != "/") continue;
    layer.clear();  // a later mount covers this one
    if (mount.type != "overlay") continue;
    for (std::string_view rest = mount.options; !rest.empty();) {
      const std::string_view option = next_part(rest, ',');
      if (option.starts_with(kKey) && option.substr(kKey.size()).starts_with('/')) layer = option.substr(kKey.size());
    }
  }
  return layer;
}

std::optional<std::string> ProcessView::layers_before(std::string_view marker) const {
  for (const MountLine& mount : mounts) {
    if (mount.type != "overlay") continue;
    const auto at = mount.options.find(marker);
    if (at == std::string::npos) continue;
    const auto begin = mount.options.find_last_of("=:,", at);
    return mount.options.substr(begin + 1, at - begin - 1);
  }
  return std::nullopt;
}

ProcessView view_process(const IdentityRoots& roots, pid_t pid) {
  ProcessView view;
  view.pid = pid;
  if (pid <= 0) return view;
  const std::string directory = roots.proc + "/" + std::to_string(pid);
  if (const auto text = runtime::read_file(AT_FDCWD, directory + "/mountinfo")) view.mounts = parse_mountinfo(*text);
  view.parent = parent_of(roots, pid);
  return view;
}

pid_t parent_of(const IdentityRoots& roots, pid_t pid) {
  const auto text = runtime::read_file(AT_FDCWD, roots.proc + "/" + std::to_string(pid) + "/stat");
  return text ? parent_in(*text) : 0;
}

std::optional<BoltFile> open_bolt(const IdentityRoots& roots, const std::string& path) {
  auto file = std::make_shared<runtime::UniqueFd>(
      ::open((roots.files + path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file->valid()) return std::nullopt;
  return BoltFile([file](std::uint64_t offset, std::size_t size, std::string& into) {
    into.resize(size);
    return ::pread(file->get(), into.data(), size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
  });
}

std::string small_file(const IdentityRoots& roots, const std::string& path) {
  constexpr off_t kMost = off_t{8} << 20U;
  const runtime::UniqueFd file(::open((roots.files + path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.valid()) return {};
  std::string text;
  char buffer[65'536];  // NOLINT(modernize-avoid-c-arrays): not cleared before each read
  while (static_cast<off_t>(text.size()) <= kMost) {
    const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
    if (got < 0) return {};
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return {};
}

std::optional<std::chrono::system_clock::time_point> parse_rfc3339(std::string_view text) {
  // -1: the text does not have `size` digits there.
  const auto number = [&](std::size_t at, std::size_t size) -> int {
    int value = -1;
    if (at + size > text.size() || text[at] == '-') return -1;
    const auto parsed = std::from_chars(text.data() + at, text.data() + at + size, value);
    return parsed.ptr == text.data() + at + size ? value : -1;
  };
  const auto within = [](int value, int least, int most) { return value >= least && value <= most; };
  constexpr std::size_t kSeconds = 19;  // "2026-11-24T01:46:01"
  std::tm parts{};
  parts.tm_year = number(0, 4) - 1900;
  parts.tm_mon = number(5, 2) - 1;
  parts.tm_mday = number(8, 2);
  parts.tm_hour = number(11, 2);
  parts.tm_min = number(14, 2);
  parts.tm_sec = number(17, 2);
  // In nanoseconds, 64 bits end in 2262.
  const bool valid = text.size() > kSeconds && within(parts.tm_year, 70, 300) && within(parts.tm_mon, 0, 11) &&
                     within(parts.tm_mday, 1, 31) && within(parts.tm_hour, 0, 23) && within(parts.tm_min, 0, 59) &&
                     within(parts.tm_sec, 0, 60);
  if (!valid) return std::nullopt;
  std::chrono::system_clock::time_point time = std::chrono::system_clock::from_time_t(::timegm(&parts));
  std::string_view rest = text.substr(kSeconds);
  if (rest.starts_with('.')) {
    const auto end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
    const std::string digits = (std::string(rest.substr(1, end - 1)) + "000000000").substr(0, 9);
    time += std::chrono::duration_cast<std::chrono::system_clock::duration>(
        std::chrono::nanoseconds(parse_u64(digits).value_or(0)));
    rest = rest.substr(end);
  }
  if (rest == "Z") return time;
  const std::size_t at = text.size() - rest.size();
  const int hours = number(at + 1, 2);
  const int minutes = number(at + 4, 2);
  if (rest.size() != 6 || (rest[0] != '+' && rest[0] != '-') || rest[3] != ':' || !within(hours, 0, 23) ||
      !within(minutes, 0, 59))
    return std::nullopt;
  const auto offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
  return rest[0] == '+' ? time - offset : time + offset;
}

}  // namespace mete::collectors
