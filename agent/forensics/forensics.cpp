// SPDX-License-Identifier: Apache-2.0
#include "agent/forensics/forensics.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "runtime/file.h"
#include "runtime/json.h"

namespace mete::agent {
namespace {

constexpr std::string_view kSuffix = ".json";

std::string time_id(enforcers::WallTime at) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(milliseconds / 1000);
  struct tm utc {};
  ::gmtime_r(&seconds, &utc);
  char text[40];
  std::snprintf(text, sizeof text, "%04d%02d%02dt%02d%02d%02d-%03d", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                utc.tm_hour, utc.tm_min, utc.tm_sec, static_cast<int>(milliseconds % 1000));
  return text;
}

}  // namespace

Status Forensics::open() {
  METE_CHECK(runtime::make_directories(directory_, 0700));
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error)) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(kSuffix)) {
      (void)::unlink(entry.path().c_str());  // left by an agent that died while writing
      continue;
    }
    struct stat info {};
    if (::stat(entry.path().c_str(), &info) != 0) continue;
    kept_.push_back({name, info.st_size, std::chrono::system_clock::from_time_t(info.st_mtime)});
    bytes_ += info.st_size;
  }
  std::sort(kept_.begin(), kept_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  prune();
  return {};
}

// The time as text, with a number added when several records fall into one millisecond.
std::string Forensics::next_id(enforcers::WallTime at) {
  const std::string base = time_id(at);
  std::string id = base;
  for (int i = 2; id == last_id_ || ::access((directory_ + "/" + id + std::string(kSuffix)).c_str(), F_OK) == 0; ++i) {
    id = base;
    id.append("-").append(std::to_string(i));
  }
  return last_id_ = id;
}

Result<std::string> Forensics::add(ForensicRecord& record) {
  record.id = next_id(record.at);
  const std::string text = to_json(record).dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  const std::string name = record.id + std::string(kSuffix);
  METE_CHECK(runtime::replace_file(directory_ + "/" + name, text, 0600, runtime::Durability::volatile_));
  kept_.push_back({name, static_cast<std::int64_t>(text.size()), std::chrono::system_clock::now()});
  bytes_ += kept_.back().bytes;
  prune();
  return record.id;
}

void Forensics::prune() {
  const auto oldest = std::chrono::system_clock::now() - limits_.max_age;
  while (!kept_.empty() && (bytes_ > limits_.max_bytes || kept_.front().at < oldest)) {
    (void)::unlink((directory_ + "/" + kept_.front().name).c_str());
    bytes_ -= kept_.front().bytes;
    kept_.pop_front();
  }
}

}  // namespace mete::agent
