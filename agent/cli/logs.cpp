// SPDX-License-Identifier: Apache-2.0
// `mete logs`: prints a container's output. The command reads the files itself, so that logs can be read without an
// agent.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "agent/cli/output.h"
#include "agent/cli/table.h"
#include "agent/pods/pod_paths.h"
#include "runtime/file.h"

namespace mete::agent::cli {
namespace {

struct LogOptions {
  std::string pod;
  std::string container;
  bool follow = false;
  bool timestamps = false;
  std::optional<std::uint64_t> tail;
};

struct Record {
  std::string_view time;
  bool to_stderr = false;
  bool whole = true;  // F: a newline follows
  std::string_view text;
};

// "TIME STREAM TAG TEXT"
std::optional<Record> parse_record(std::string_view line) {
  const auto first = line.find(' ');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = line.find(' ', first + 1);
  if (second == std::string_view::npos || second + 2 >= line.size() + 1) return std::nullopt;
  const auto third = line.find(' ', second + 1);
  if (third == std::string_view::npos) return std::nullopt;
  return Record{line.substr(0, first), line.substr(first + 1, second - first - 1) == "stderr",
                line.substr(second + 1, third - second - 1) == "F", line.substr(third + 1)};
}

// Prints a container's bytes unchanged, to the stream that the container wrote to.
void print_record(std::string_view line, bool timestamps) {
  const auto record = parse_record(line);
  if (!record) return;
  std::string out;
  if (timestamps) out = std::string(record->time) + " ";
  out += record->text;
  if (record->whole) out += '\n';
  (void)runtime::write_all(record->to_stderr ? STDERR_FILENO : STDOUT_FILENO, out);
}

std::string last_lines(const std::string& text, std::uint64_t count) {
  if (count == 0) return {};
  std::size_t start = text.size();
  for (std::uint64_t left = count + 1; left > 0 && start > 0;) {
    --start;
    if (text[start] == '\n' && --left == 0) return text.substr(start + 1);
  }
  return text;
}

// Prints the whole lines of `pending` and leaves the rest in it.
void print_lines(std::string& pending, bool timestamps) {
  std::size_t start = 0;
  for (std::size_t end = 0; (end = pending.find('\n', start)) != std::string::npos; start = end + 1) {
    print_record(std::string_view(pending).substr(start, end - start), timestamps);
  }
  pending.erase(0, start);
}

bool same_file(int fd, const std::string& path) {
  struct stat open_file {};
  struct stat named_file {};
  return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &named_file) == 0 &&
         open_file.st_ino == named_file.st_ino;
}

// The rotated files as one text, the oldest first, without the file open as `current`, which may just have been
// rotated.
std::string rotated_text(const std::string& path, int current) {
  std::string text;
  for (int number = 1;; ++number) {
    const std::string rotated = path + "." + std::to_string(number);
    if (::access(rotated.c_str(), F_OK) != 0) return text;
    if (same_file(current, rotated)) continue;
    if (const auto one = runtime::read_file(AT_FDCWD, rotated, std::size_t{1} << 30U)) text.insert(0, *one);
  }
}

// The name is missing for a moment during a rotation. A file that stays missing was deleted.
bool is_there(const std::string& path) {
  constexpr int kTries = 20;
  for (int i = 0; i < kTries; ++i) {
    if (::access(path.c_str(), F_OK) == 0) return true;
    if (::access((path + ".1").c_str(), F_OK) != 0) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

// Prints the present content and then new lines, also across rotations.
int follow_file(const std::string& path, const LogOptions& options) {
  constexpr auto kLook = std::chrono::milliseconds(100);
  (void)is_there(path);
  auto fd = runtime::open_at(AT_FDCWD, path, O_RDONLY);
  if (!fd) return complain(fd.error().what, kNotFound);
  auto rest = runtime::read_all(fd->get(), path, std::size_t{1} << 30U);
  if (!rest) return complain(rest.error().what);
  std::string pending = rotated_text(path, fd->get()) + *rest;
  if (options.tail) pending = last_lines(pending, *options.tail);
  print_lines(pending, options.timestamps);
  char buffer[64 << 10];
  while (options.follow) {
    const ssize_t got = ::read(fd->get(), buffer, sizeof buffer);
    if (got < 0) return complain("read " + path);
    if (got > 0) {
      pending.append(buffer, static_cast<std::size_t>(got));
      print_lines(pending, options.timestamps);
    } else if (!is_there(path)) {
      return kDone;  // the pod was deleted
    } else if (same_file(fd->get(), path)) {
      std::this_thread::sleep_for(kLook);
    } else if (auto next = runtime::open_at(AT_FDCWD, path, O_RDONLY)) {
      fd = std::move(next);
    }
  }
  return kDone;
}

// Without an agent: the log, if only one container has one. Empty: no container has a log, or several have.
std::string only_log(const std::string& directory) {
  std::string found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    if (entry.path().extension() != ".log") continue;
    if (!found.empty()) return {};
    found = entry.path().string();
  }
  return found;
}

// Says why there is no log: the container never ran. `container`: as the API returns it.
std::string why_no_log(const std::string& pod, const Json& container) {
  std::string text = "container " + container["name"].get<std::string>() + " of pod " + pod +
                     " has written no log, because it has not started";
  const auto reason = container.value("reason", std::string());
  const auto message = container.value("message", std::string());
  if (!reason.empty()) text += ": " + reason;
  if (!message.empty()) text += ": " + message;
  return text;
}

int logs(const Common& common, const LogOptions& options) {
  const std::string key = pod_key(options.pod);
  const auto slash = key.find('/');
  const PodPaths paths(common.settings, {.namespace_ = key.substr(0, slash), .name = key.substr(slash + 1)});
  std::string path = options.container.empty() ? only_log(paths.logs()) : paths.log(options.container);
  if (path.empty() || ::access(path.c_str(), R_OK) != 0) {
    const auto fetched = fetch(common, "GET", "/mete/v1/pods/" + key);
    if (fetched.code != kDone) return fetched.code;
    const auto container = find_container(fetched.value, options.container);
    if (!container) return kNotFound;
    path = (*container)["log"].get<std::string>();
    if (::access(path.c_str(), F_OK) != 0) return complain(why_no_log(key, *container), kNotFound);
  }
  return follow_file(path, options);
}

}  // namespace

void add_logs(CommandLine& line) {
  auto options = std::make_shared<LogOptions>();
  const Common& common = line.common();
  auto* command =
      line.add({"logs", "What a container has written", "  mete logs web\n  mete logs web -c nginx -f --tail 20"},
               [&common, options] { return logs(common, *options); });
  command->add_option("pod", options->pod, kPodName)->type_name(kPod)->required();
  command->add_option("-c,--container", options->container, "Which container")->type_name(kContainer);
  command->add_flag("-f,--follow", options->follow, "Go on as it comes");
  command->add_flag("-t,--timestamps", options->timestamps, "With the time of each line");
  command->add_option("--tail", options->tail, "Only the last lines")->type_name("N");
}

}  // namespace mete::agent::cli
