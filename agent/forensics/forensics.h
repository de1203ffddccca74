// SPDX-License-Identifier: Apache-2.0
// Stores forensic records under STATE/forensics, bounded in bytes and in age. A record can be read when add() returns;
// it survives a power failure some moments later.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "agent/forensics/forensic_record.h"
#include "config/base/result.h"

namespace mete::agent {

struct ForensicsLimits {
  std::int64_t max_bytes = 64 << 20;
  std::chrono::seconds max_age = std::chrono::hours(24 * 30);
};

class Forensics {
 public:
  Forensics(std::string directory, ForensicsLimits limits) : directory_(std::move(directory)), limits_(limits) {}

  // Makes the folder and lists the records of earlier agents.
  [[nodiscard]] Status open();
  // Sets the record's id and writes the record. On an error (a full disk) the event is still reported, without a
  // record.
  [[nodiscard]] Result<std::string> add(ForensicRecord& record);
  // Removes records beyond the bounds.
  void prune();

 private:
  struct Kept {
    std::string name;
    std::int64_t bytes;
    std::chrono::system_clock::time_point at;
  };
  [[nodiscard]] std::string next_id(enforcers::WallTime at);

  std::string directory_;
  ForensicsLimits limits_;
  std::deque<Kept> kept_;  // the oldest first
  std::int64_t bytes_ = 0;
  std::string last_id_;
};

}  // namespace mete::agent
