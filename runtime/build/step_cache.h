// SPDX-License-Identifier: Apache-2.0
// What steps have come to (STORE/build/cache), by what they depend on: the image below and the instruction with its
// inputs' names, modes, owners and contents. Layers that a step has made are kept by the store as long as the step is
// remembered (STORE/build/kept): a week after its last use.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"

namespace mete::runtime::build {

struct CachedStep {
  std::int64_t created = 0;  // seconds since the epoch
  std::string diff_id;       // of the layer; empty: the step made none
  bool operator==(const CachedStep&) const = default;
};

// One text of several: each field with its length, so that different fields give different texts.
[[nodiscard]] std::string key_text(std::initializer_list<std::string_view> fields);

[[nodiscard]] std::string to_text(const CachedStep& step);
[[nodiscard]] Result<CachedStep> parse_cached_step(const std::string& text);

class StepCache {
 public:
  // `store` is the image store's directory. Forgets what was not used for a week.
  [[nodiscard]] static Result<StepCache> open(const std::string& store);

  // Nothing: not known. An unreadable entry is none.
  [[nodiscard]] std::optional<CachedStep> find(const std::string& key) const;
  // `layer` is the layer's name in the store; empty: none.
  [[nodiscard]] Status remember(const std::string& key, const CachedStep& step, const std::string& layer) const;
  // The layer is used again.
  void touch(const std::string& layer) const;

 private:
  explicit StepCache(std::string directory) : directory_(std::move(directory)) {}
  std::string directory_;
};

}  // namespace mete::runtime::build
