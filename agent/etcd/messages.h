// SPDX-License-Identifier: Apache-2.0
// Requests to etcd and its answers, in the JSON form of its API v3 (etcd.io/docs/v3.4/dev-guide/api_grpc_gateway): keys
// and values in base64, 64-bit numbers as text, fields that are 0 left out. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace mete::agent::etcd {

using Revision = std::int64_t;
using LeaseId = std::int64_t;

[[nodiscard]] std::string base64(std::string_view bytes);
// The first key that is behind all that begin with `prefix`.
[[nodiscard]] std::string end_of(std::string prefix);

struct KeyValue {
  std::string key;
  std::string value;
  bool operator==(const KeyValue&) const = default;
};

// A lease: keys that are written with it go when nobody has renewed it for its time to live.
[[nodiscard]] std::string grant_request(std::chrono::seconds ttl);
[[nodiscard]] Result<LeaseId> parse_grant(const std::string& answer);
[[nodiscard]] std::string keep_alive_request(LeaseId lease);
// False: there is no such lease any more.
[[nodiscard]] Result<bool> parse_keep_alive(const std::string& answer);

// All keys that begin so, as they are at one revision.
[[nodiscard]] std::string range_request(const std::string& prefix);
struct Snapshot {
  Revision revision = 0;
  std::vector<KeyValue> pairs;
};
[[nodiscard]] Result<Snapshot> parse_range(const std::string& answer);

// All of `then` when all conditions hold, all of `otherwise` when they do not.
struct Condition {
  enum class Is : std::uint8_t {
    kAbsent,     // there is no such key
    kPresent,    // there is
    kNoneBelow,  // no key begins so
    kValue,      // it has this value
  };
  Is is = Is::kAbsent;
  std::string key;
  std::string value = {};
};
struct Operation {
  enum class Does : std::uint8_t { kPut, kRemove, kGet };
  Does does = Does::kPut;
  std::string key;
  std::string value = {};
  LeaseId lease = 0;       // of a put; 0: it stays until somebody removes it
  bool all_below = false;  // of a get: of all keys that begin so
};
struct Transaction {
  std::vector<Condition> conditions;
  std::vector<Operation> then;
  std::vector<Operation> otherwise = {};
};
[[nodiscard]] std::string request_of(const Transaction& transaction);
struct Outcome {
  bool succeeded = false;
  std::vector<KeyValue> found;  // by gets, in their order
};
[[nodiscard]] Result<Outcome> parse_outcome(const std::string& answer);

// Changes of keys that begin so, from this revision on: one line of JSON each time something happens.
[[nodiscard]] std::string watch_request(const std::string& prefix, Revision from);
struct Change {
  bool removed = false;
  KeyValue pair;  // without a value where it was removed
  bool operator==(const Change&) const = default;
};
struct News {
  std::vector<Change> changes;
  bool over = false;  // etcd does not have the revision any more, or tells nothing more for another reason
};
[[nodiscard]] Result<News> parse_news(const std::string& line);

[[nodiscard]] std::string login_request(const std::string& user, const std::string& password);
[[nodiscard]] Result<std::string> parse_login(const std::string& answer);

// What an answer that is no success says, for a person.
[[nodiscard]] std::string words_of(const std::string& answer);

}  // namespace mete::agent::etcd
