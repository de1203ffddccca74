// SPDX-License-Identifier: Apache-2.0
// The outside input of discovery: bbolt databases, mount tables, paths, patterns, dates. Whatever the bytes, no crash,
// no overflow, and an end.
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "collectors/discovery/bolt.h"
#include "collectors/discovery/export_policy.h"
#include "collectors/discovery/json_text.h"
#include "collectors/discovery/runtimes.h"

namespace {

// The heads' sums are set right, else nothing behind them is ever reached.
void mend(std::string& database) {
  for (const std::size_t at : {std::size_t{16}, std::size_t{4096 + 16}}) {
    if (database.size() < at + 64) return;
    const std::uint32_t magic = 0xED0CDAED;
    const std::uint32_t version = 2;
    std::memcpy(database.data() + at, &magic, sizeof magic);
    std::memcpy(database.data() + at + 4, &version, sizeof version);
    std::uint64_t hash = 0xcbf29ce484222325;
    for (std::size_t i = at; i < at + 56; ++i) hash = (hash ^ static_cast<unsigned char>(database[i])) * 0x100000001b3;
    std::memcpy(database.data() + at + 56, &hash, sizeof hash);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mete::collectors;
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::string database = text;
  mend(database);
  const BoltFile file([&](std::uint64_t offset, std::size_t wanted, std::string& into) {
    if (offset > database.size() || database.size() - offset < wanted) return false;
    into.assign(database, offset, wanted);
    return true;
  });
  (void)file.get({"v1", "default", "containers", "plain-1"}, "image");
  (void)file.entries({"v1", "default", "containers", "plain-1", "labels"});
  (void)file.entries({});

  const std::string_view half = std::string_view(text).substr(0, size / 2);
  ProcessView view;
  view.mounts = parse_mountinfo(text);
  (void)view.layers_before("/overlay2/");
  (void)parse_rfc3339(text);
  (void)parse_json(text);
  (void)matches(half, text);
  Identity who = classify_path(text);
  who.labels.emplace_back(half, text);
  who.name = text;
  ExportPolicy policy;
  policy.labels = {"*"};
  (void)exported_labels(policy, who, text);
  return 0;
}
