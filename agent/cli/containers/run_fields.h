// SPDX-License-Identifier: Apache-2.0
// Flags of `mete run` and `mete create` that stand for one field of POST /containers/create each. What the agent does
// not do with a field it refuses by name. Pure.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/json.h"

namespace mete::agent::cli {

struct RunField {
  enum class Kind {
    kText,
    kTexts,      // may be repeated
    kSwitch,     // no value
    kSize,       // "64m": bytes
    kNumber,     // an integer
    kPairs,      // NAME=VALUE, may be repeated: an object
    kRates,      // PATH:SIZE, may be repeated: [{"Path","Rate"}]
    kCounts,     // PATH:NUMBER, the same
    kWeights,    // PATH:NUMBER: [{"Path","Weight"}]
    kUlimits,    // NAME=SOFT[:HARD], may be repeated
    kDevices,    // PATH[:INSIDE[:rwm]], may be repeated
    kPortNames,  // PORT[/PROTOCOL], may be repeated: an object of empty objects
    kDuration,   // "1m30s": nanoseconds
  };
  const char* flag;   // "--name", "-n,--name"
  const char* field;  // "HostConfig.Memory"
  Kind kind;
  const char* value;  // what --help calls it
  const char* help;
};
[[nodiscard]] std::span<const RunField> run_fields();

// The values of flags, by their `field`.
using GivenFields = std::map<std::string, std::vector<std::string>>;
// Puts them into the request; the error names the flag.
[[nodiscard]] Status add_fields(const GivenFields& given, nlohmann::ordered_json& body);

// "128m", "1.5g", "64Mi", "1000" -> bytes; "-1" stays.
[[nodiscard]] Result<std::int64_t> size_of_flag(const std::string& flag, const std::string& text);

}  // namespace mete::agent::cli
