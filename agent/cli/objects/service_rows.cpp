// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/objects/service_rows.h"

namespace mete::agent::cli {
namespace {

const Json& items_of(const Json& object, const char* name) {
  static const Json kNone = Json::array();
  const Json* const list = member_at(object, {name});
  return list != nullptr && list->is_array() ? *list : kNone;
}

std::string or_none(std::string text) {
  return text.empty() ? "<none>" : std::move(text);
}

}  // namespace

std::vector<std::string> service_cells(const Json& service) {
  std::string ports;
  if (const Json* const spec = member_at(service, {"spec"})) {
    for (const auto& port : items_of(*spec, "ports")) {
      const auto node = number_at(port, {"nodePort"});
      ports += (ports.empty() ? "" : ",") + std::to_string(number_at(port, {"port"})) +
               (node == 0 ? "" : ":" + std::to_string(node)) + "/" + text_at(port, {"protocol"});
    }
  }
  return {text_at(service, {"spec", "type"}), or_none(text_at(service, {"spec", "clusterIP"})),
          or_none(text_at(service, {"spec", "externalName"})), or_none(std::move(ports))};
}

std::string endpoints_cell(const Json& endpoints) {
  constexpr std::size_t kMost = 3;
  std::vector<std::string> all;
  for (const auto& subset : items_of(endpoints, "subsets")) {
    for (const auto& address : items_of(subset, "addresses")) {
      const std::string ip = text_at(address, {"ip"});
      if (items_of(subset, "ports").empty()) all.push_back(ip);
      for (const auto& port : items_of(subset, "ports"))
        all.push_back(ip + ":" + std::to_string(number_at(port, {"port"})));
    }
  }
  std::string text;
  for (std::size_t i = 0; i < all.size() && i < kMost; ++i) text += (i > 0 ? "," : "") + all[i];
  if (all.size() > kMost) text += " + " + std::to_string(all.size() - kMost) + " more...";
  return or_none(std::move(text));
}

}  // namespace mete::agent::cli
