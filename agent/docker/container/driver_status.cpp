// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/driver_status.h"

#include <array>
#include <cstdio>
#include <string>

namespace mete::agent::docker {
namespace {

// "65.54kB": units of 1000 and four digits, as docker's clients expect them here.
std::string size_text(Bytes bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  constexpr double kStep = 1000;
  auto size = static_cast<double>(bytes.count());
  std::size_t unit = 0;
  for (; size >= kStep && unit + 1 < kUnits.size(); ++unit) size /= kStep;
  std::array<char, 32> text{};
  (void)std::snprintf(text.data(), text.size(), "%.4g%s", size, kUnits.at(unit));
  return text.data();
}

}  // namespace

Json driver_status(const std::optional<runtime::storage::PoolUse>& use) {
  Json rows = Json::array();
  if (!use) return rows;
  const auto add = [&rows](const char* words, const std::string& value) {
    rows.push_back(Json::array({words, value}));
  };
  const auto add_space = [&add](const std::string& kind, Bytes used, Bytes all) {
    add((kind + " Space Used").c_str(), size_text(used));
    add((kind + " Space Total").c_str(), size_text(all));
    add((kind + " Space Available").c_str(), size_text(all - used));
  };
  add("Pool Name", use->name);
  add("Pool Blocksize", size_text(use->block));
  add("Backing Filesystem", "ext4");
  add_space("Data", use->data_used, use->data_size);
  add_space("Metadata", use->metadata_used, use->metadata_size);
  add("Pool Fault", use->fault.empty() ? "none" : use->fault);
  return rows;
}

}  // namespace mete::agent::docker
