// SPDX-License-Identifier: Apache-2.0
#include "runtime/ordered_json.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

namespace mete::runtime {
namespace {

using Json = nlohmann::ordered_json;

// Up to here looking at all of them is faster.
constexpr std::size_t kFew = 16;

// An object or a list whose end has not come.
struct Open {
  Json value;
  std::string key;                            // of the member that comes next
  std::map<std::string, std::size_t> places;  // of the members, once there are more than a few
};

// What the parser tells becomes a value. Members are added to the end of the vector that an object is.
class Builder : public nlohmann::json_sax<Json> {
 public:
  Json root = Json(Json::value_t::discarded);

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return false; }  // JSON has none
  bool start_object(std::size_t /*size*/) override { return open(Json::object()); }
  bool start_array(std::size_t /*size*/) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    open_.back().key = std::move(name);
    return true;
  }
  bool parse_error(std::size_t /*at*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return false;
  }

 private:
  bool open(Json value) {
    open_.push_back({std::move(value), "", {}});
    return true;
  }

  bool close() {
    Json value = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(value));
  }

  bool add(Json value) {
    if (open_.empty()) {
      root = std::move(value);
    } else if (open_.back().value.is_array()) {
      open_.back().value.push_back(std::move(value));
    } else {
      add_member(open_.back(), std::move(value));
    }
    return true;
  }

  static void add_member(Open& object, Json value) {
    auto& members = object.value.get_ref<Json::object_t&>();
    if (const auto at = place(object, members); at < members.size()) {
      std::next(members.begin(), static_cast<std::ptrdiff_t>(at))->second = std::move(value);
      return;
    }
    if (members.size() >= kFew) object.places.emplace(object.key, members.size());
    members.emplace_back(std::move(object.key), std::move(value));
  }

  // Of the member with the key; the number of all members: there is none.
  static std::size_t place(Open& object, const Json::object_t& members) {
    if (members.size() < kFew) {
      const auto same = [&](const auto& member) { return member.first == object.key; };
      return static_cast<std::size_t>(std::find_if(members.begin(), members.end(), same) - members.begin());
    }
    if (object.places.empty()) {
      for (const auto& member : members) object.places.emplace(member.first, object.places.size());
    }
    const auto found = object.places.find(object.key);
    return found == object.places.end() ? members.size() : found->second;
  }

  std::vector<Open> open_;
};

}  // namespace

Json parse_ordered(std::string_view text) {
  Builder builder;
  const bool whole = Json::sax_parse(text, &builder);
  return whole ? std::move(builder.root) : Json(Json::value_t::discarded);
}

Json empty_objects(const std::set<std::string>& names) {
  Json object = Json::object();
  auto& members = object.get_ref<Json::object_t&>();
  members.reserve(names.size());
  for (const std::string& name : names) members.emplace_back(name, Json::object());
  return object;
}

}  // namespace mete::runtime
