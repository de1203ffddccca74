// SPDX-License-Identifier: Apache-2.0
#include "agent/etcd/messages.h"

#include <openssl/evp.h>

#include <charconv>

#include "config/base/base64.h"
#include "runtime/json.h"

namespace mete::agent::etcd {
namespace {

using nlohmann::json;

// Fields that are 0 or empty are left out by etcd.
std::int64_t number(const json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end()) return 0;
  if (at->is_number_integer()) return at->get<std::int64_t>();
  const std::string text = at->get<std::string>();
  std::int64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return 0;
  return value;
}

// Caught where an answer is read.
struct Unreadable {
  std::string what;
};

std::string bytes(const json& object, const char* name) {
  auto decoded = config::decode_base64(object.value(name, std::string()));
  if (!decoded) throw Unreadable{decoded.error().what};
  return std::move(*decoded);
}

KeyValue pair_in(const json& value) {
  return {bytes(value, "key"), bytes(value, "value")};
}

const json& list(const json& object, const char* name) {
  static const json kNone = json::array();
  const auto at = object.find(name);
  return at == object.end() ? kNone : *at;
}

template <class T, class Read>
Result<T> parse(const std::string& answer, Read read) {
  try {
    const json value = json::parse(answer);
    if (!value.is_object()) return fail("etcd: found an answer that is no object");
    return read(value);
  } catch (const json::exception& error) {
    return fail(std::string("etcd: found an answer that is none: ") + error.what());
  } catch (const Unreadable& error) {
    return fail("etcd: " + error.what);
  }
}

json condition_json(const Condition& condition) {
  json value = {{"key", base64(condition.key)}, {"target", "CREATE"}, {"result", "EQUAL"}, {"create_revision", "0"}};
  switch (condition.is) {
    case Condition::Is::kPresent:
      value["result"] = "GREATER";
      break;
    case Condition::Is::kNoneBelow:
      value["range_end"] = base64(end_of(condition.key));
      break;
    case Condition::Is::kValue:
      value = {
          {"key", base64(condition.key)}, {"target", "VALUE"}, {"result", "EQUAL"}, {"value", base64(condition.value)}};
      break;
    case Condition::Is::kAbsent:
      break;
  }
  return value;
}

json operation_json(const Operation& operation) {
  json value = {{"key", base64(operation.key)}};
  if (operation.does == Operation::Does::kRemove) return {{"request_delete_range", value}};
  if (operation.does == Operation::Does::kGet) {
    if (operation.all_below) value["range_end"] = base64(end_of(operation.key));
    return {{"request_range", value}};
  }
  value["value"] = base64(operation.value);
  if (operation.lease != 0) value["lease"] = std::to_string(operation.lease);
  return {{"request_put", value}};
}

json operations_json(const std::vector<Operation>& operations) {
  json all = json::array();
  for (const auto& each : operations) all.push_back(operation_json(each));
  return all;
}

}  // namespace

std::string base64(std::string_view plain) {
  std::string encoded(4 * ((plain.size() + 2) / 3) + 1, '\0');
  const int length =
      ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                        reinterpret_cast<const unsigned char*>(plain.data()), static_cast<int>(plain.size()));
  encoded.resize(static_cast<std::size_t>(length));
  return encoded;
}

std::string end_of(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFF) prefix.pop_back();
  if (prefix.empty()) return std::string(1, '\0');  // all keys
  prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

std::string grant_request(std::chrono::seconds ttl) {
  return json{{"TTL", std::to_string(ttl.count())}, {"ID", "0"}}.dump();
}

Result<LeaseId> parse_grant(const std::string& answer) {
  return parse<LeaseId>(answer, [](const json& value) -> Result<LeaseId> {
    const LeaseId lease = number(value, "ID");
    if (lease == 0) return fail("etcd: found no number of a lease in its answer");
    return lease;
  });
}

std::string keep_alive_request(LeaseId lease) {
  return json{{"ID", std::to_string(lease)}}.dump();
}

Result<bool> parse_keep_alive(const std::string& answer) {
  return parse<bool>(answer, [](const json& value) -> Result<bool> {
    return number(value.value("result", json::object()), "TTL") > 0;
  });
}

std::string range_request(const std::string& prefix) {
  return json{{"key", base64(prefix)}, {"range_end", base64(end_of(prefix))}}.dump();
}

Result<Snapshot> parse_range(const std::string& answer) {
  return parse<Snapshot>(answer, [](const json& value) -> Result<Snapshot> {
    Snapshot snapshot{number(value.value("header", json::object()), "revision"), {}};
    if (snapshot.revision == 0) return fail("etcd: found no revision in its answer");
    for (const auto& each : list(value, "kvs")) snapshot.pairs.push_back(pair_in(each));
    return snapshot;
  });
}

std::string request_of(const Transaction& transaction) {
  json conditions = json::array();
  for (const auto& each : transaction.conditions) conditions.push_back(condition_json(each));
  return json{{"compare", std::move(conditions)},
              {"success", operations_json(transaction.then)},
              {"failure", operations_json(transaction.otherwise)}}
      .dump();
}

Result<Outcome> parse_outcome(const std::string& answer) {
  return parse<Outcome>(answer, [](const json& value) -> Result<Outcome> {
    Outcome outcome{value.value("succeeded", false), {}};
    for (const auto& each : list(value, "responses")) {
      const auto range = each.find("response_range");
      if (range == each.end()) continue;
      for (const auto& pair : list(*range, "kvs")) outcome.found.push_back(pair_in(pair));
    }
    return outcome;
  });
}

std::string watch_request(const std::string& prefix, Revision from) {
  return json{
      {"create_request",
       {{"key", base64(prefix)}, {"range_end", base64(end_of(prefix))}, {"start_revision", std::to_string(from)}}}}
      .dump();
}

Result<News> parse_news(const std::string& line) {
  return parse<News>(line, [](const json& value) -> Result<News> {
    News news;
    const json result = value.value("result", json::object());
    // An error in place of a result ends the stream, too.
    news.over = value.contains("error") || result.value("canceled", false) || number(result, "compact_revision") > 0;
    for (const auto& each : list(result, "events"))
      news.changes.push_back({each.value("type", std::string()) == "DELETE", pair_in(each.at("kv"))});
    return news;
  });
}

std::string login_request(const std::string& user, const std::string& password) {
  return json{{"name", user}, {"password", password}}.dump();
}

Result<std::string> parse_login(const std::string& answer) {
  return parse<std::string>(answer, [](const json& value) -> Result<std::string> {
    const std::string token = value.value("token", std::string());
    if (token.empty()) return fail("etcd: found no token in its answer to a password");
    return token;
  });
}

std::string words_of(const std::string& answer) {
  constexpr std::size_t kShown = 200;
  const auto words = parse<std::string>(answer, [](const json& value) -> Result<std::string> {
    const std::string message = value.value("message", std::string());
    return message.empty() ? value.value("error", std::string()) : message;
  });
  std::string shown = (words && !words->empty() ? *words : answer).substr(0, kShown);
  while (shown.ends_with('\n')) shown.pop_back();
  return shown;
}

}  // namespace mete::agent::etcd
