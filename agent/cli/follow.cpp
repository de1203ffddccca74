// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "agent/cli/output.h"
#include "agent/cli/table.h"
#include "agent/log.h"
#include "runtime/file.h"

namespace mete::agent::cli {
namespace {

std::string event_text(const Json& event) {
  std::string where = event["pod"].get<std::string>();
  if (const auto container = event["container"].get<std::string>(); !container.empty()) where += "/" + container;
  std::string time = event["time"].get<std::string>().substr(0, 23) + "Z";
  return time + " " + (event["type"] == "Warning" ? "Warning " : "Normal  ") + printable(event["reason"].get<std::string>()) + " " +
         printable(where.empty() ? "agent" : where) + ": " + printable(event["message"].get<std::string>()) + "\n";
}

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
  return Record{line.substr(0, first), line.substr(first + 1, second - first - 1) == "stderr", line.substr(second + 1, third - second - 1) == "F", line.substr(third + 1)};
}

// A container's own bytes go through as they are, to the stream they were written to.
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

// What is in the file, and then what comes, also after a rotation.
int follow_file(const std::string& path, const LogOptions& options) {
  constexpr auto kLook = std::chrono::milliseconds(100);
  auto fd = runtime::open_at(AT_FDCWD, path, O_RDONLY);
  if (!fd) return complain(fd.error().what, kNotFound);
  if (const auto all = runtime::read_file(AT_FDCWD, path, std::size_t{1} << 30U); all && options.tail) {
    const std::string last = last_lines(*all, *options.tail);
    (void)::lseek(fd->get(), static_cast<off_t>(all->size() - last.size()), SEEK_SET);
  }
  std::string pending;
  char buffer[64 << 10];
  while (true) {
    const ssize_t got = ::read(fd->get(), buffer, sizeof buffer);
    if (got < 0) return complain("read " + path);
    if (got > 0) {
      pending.append(buffer, static_cast<std::size_t>(got));
      std::size_t start = 0;
      for (std::size_t end = 0; (end = pending.find('\n', start)) != std::string::npos; start = end + 1) {
        print_record(std::string_view(pending).substr(start, end - start), options.timestamps);
      }
      pending.erase(0, start);
      continue;
    }
    if (!options.follow) return kDone;
    struct stat open_file {};
    struct stat named_file {};
    if (::stat(path.c_str(), &named_file) != 0) return kDone;  // the pod was deleted
    if (::fstat(fd->get(), &open_file) == 0 && open_file.st_ino != named_file.st_ino) {
      if (auto next = runtime::open_at(AT_FDCWD, path, O_RDONLY)) fd = std::move(next);
      continue;
    }
    std::this_thread::sleep_for(kLook);
  }
}

}  // namespace

int events(const Common& common, bool follow) {
  const auto show = [&](std::string_view line) {
    const Json event = Json::parse(line, nullptr, false);
    if (event.is_discarded()) return true;
    print(common.output == "json" ? std::string(line) + "\n" : event_text(event));
    return true;
  };
  const auto done = Client(common.socket).follow(std::string("/mete/v1/events") + (follow ? "?follow=1" : ""), show);
  return done ? kDone : complain(done.error().what, kNoAgent);
}

int logs(const Common& common, const LogOptions& options) {
  // The files are read here, so that logs can be seen while no agent runs.
  const auto slash = pod_key(options.pod).find('/');
  const std::string key = pod_key(options.pod);
  std::string path = common.settings.logs() + "/" + key.substr(0, slash) + "_" + key.substr(slash + 1) + "/" + options.container + ".log";
  if (options.container.empty() || ::access(path.c_str(), R_OK) != 0) {
    const auto fetched = fetch(common, "GET", "/mete/v1/pods/" + key);
    if (fetched.code != kDone) return fetched.code;
    const auto container = find_container(fetched.value, options.container);
    if (!container) return kNotFound;
    path = (*container)["log"].get<std::string>();
  }
  return follow_file(path, options);
}

}  // namespace mete::agent::cli
