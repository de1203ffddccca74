// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/cni/cni_result.h"

#include <algorithm>
#include <charconv>

#include "runtime/network/cni/json_fields.h"
#include "runtime/network/mac_address.h"

namespace mete::runtime::network::cni {
namespace {

Result<IpAddress> read_ip(const std::string& text, const std::string& where) {
  const auto address = config::parse_ip(text);
  if (!address) return fail(where + ": found \"" + shown_text(text, 80) + "\", expected an IP address");
  return *address;
}

Result<ResultAddress> read_address(const Json& object, std::size_t interfaces, const std::string& shown) {
  ResultAddress read;
  METE_TRY(const std::string text, required_text(object, "address", shown));
  const auto slash = text.find('/');
  METE_TRY(read.address, read_ip(text.substr(0, slash), shown + ": address"));
  const char* const end = text.data() + text.size();
  const char* const begin = slash == std::string::npos ? end : text.data() + slash + 1;
  const auto [at, error] = std::from_chars(begin, end, read.length);
  if (error != std::errc() || at != end || read.length > read.address.size() * 8)
    return fail(shown + ": address: found \"" + shown_text(text, 80) + "\", expected ADDRESS/LENGTH");
  METE_TRY(const std::string gateway, optional_text(object, "gateway", shown));
  if (!gateway.empty()) {
    METE_TRY(read.gateway, read_ip(gateway, shown + ": gateway"));
  }
  const auto place = object.find("interface");
  if (place == object.end() || place->is_null()) return read;
  if (!place->is_number_unsigned() || place->get<std::uint64_t>() >= interfaces)
    return fail(shown + ": interface: found " + shown_value(*place) + ", expected a place in the list of " +
                std::to_string(interfaces) + " interfaces");
  read.interface = place->get<std::size_t>();
  return read;
}

Result<ResultDns> read_dns(const Json& object, const std::string& shown) {
  ResultDns dns;
  const auto found = object.find("dns");
  if (found == object.end() || found->is_null()) return dns;
  if (!found->is_object()) return fail(shown + ": dns: found " + shown_value(*found) + ", expected an object");
  METE_TRY(dns.nameservers, text_list(*found, "nameservers", shown + ": dns"));
  METE_TRY(dns.domain, optional_text(*found, "domain", shown + ": dns"));
  METE_TRY(dns.search, text_list(*found, "search", shown + ": dns"));
  METE_TRY(dns.options, text_list(*found, "options", shown + ": dns"));
  // They become lines of a file of the pod.
  const auto is_bad = [](const std::string& each) { return each.find_first_of(" \t\n\r") != std::string::npos; };
  for (const auto* list : {&dns.nameservers, &dns.search, &dns.options}) {
    const auto bad = std::find_if(list->begin(), list->end(), is_bad);
    if (bad != list->end())
      return fail(shown + ": dns: found \"" + shown_text(*bad, 80) + "\", expected a word without blanks");
  }
  if (is_bad(dns.domain)) return fail(shown + ": dns: found domain \"" + shown_text(dns.domain, 80) + "\"");
  return dns;
}

// Of CNI specification 1.1.0, section "Error".
const char* meaning_of(std::int64_t code) {
  switch (code) {
    case 1:
      return "it does not understand this version of the specification";
    case 2:
      return "a field of its configuration that it does not support";
    case 3:
      return "the container is unknown or does not exist";
    case 4:
      return "a variable of its environment is wrong";
    case 5:
      return "input or output failed";
    case 6:
      return "its configuration cannot be read";
    case 7:
      return "its configuration is wrong";
    case 11:
      return "try again later";
    case 50:
      return "the plugin is not available";
    case 51:
      return "the plugin is not available, and containers may have no connections";
    default:
      return nullptr;
  }
}

}  // namespace

Result<AddResult> parse_result(const std::string& text, const std::string& version, const std::string& shown) {
  METE_TRY(Json object, parse_object(text, shown));
  AddResult result;
  METE_TRY(const auto interfaces, object_list(object, "interfaces", shown));
  for (const auto& each : interfaces) {
    ResultInterface one;
    METE_TRY(one.name, optional_text(each, "name", shown + ": interfaces"));
    METE_TRY(one.mac, optional_text(each, "mac", shown + ": interfaces"));
    METE_TRY(one.sandbox, optional_text(each, "sandbox", shown + ": interfaces"));
    result.interfaces.push_back(std::move(one));
  }
  METE_TRY(const auto addresses, object_list(object, "ips", shown));
  for (const auto& each : addresses) {
    METE_TRY(auto one, read_address(each, interfaces.size(), shown + ": ips"));
    result.addresses.push_back(std::move(one));
  }
  METE_TRY(const auto routes, object_list(object, "routes", shown));
  METE_TRY(result.dns, read_dns(object, shown));
  object["cniVersion"] = version;
  result.text = object.dump(-1, ' ', false, Json::error_handler_t::replace);
  return result;
}

void apply_result(const AddResult& result, Endpoint& endpoint) {
  const auto is_own = [&](const ResultInterface& each) {
    return !each.sandbox.empty() && each.name == endpoint.inside;
  };
  for (const auto& each : result.interfaces) {
    if (is_own(each)) endpoint.mac = parse_mac(each.mac).value_or(endpoint.mac);
  }
  endpoint.address = {};
  endpoint.address6.reset();
  for (const auto& each : result.addresses) {
    if (each.interface && !is_own(result.interfaces[*each.interface])) continue;
    if (each.address.v6 && !endpoint.address6) endpoint.address6 = each.address;
    if (!each.address.v6 && endpoint.address == IpAddress{}) endpoint.address = each.address;
  }
}

std::optional<ResultAddress> address_in(const std::string& answer, const IpAddress& address) {
  const auto result = parse_result(answer, "1.0.0", "answer");
  if (!result) return std::nullopt;
  for (const auto& each : result->addresses) {
    if (each.address == address) return each;
  }
  return std::nullopt;
}

std::string resolv_text(const ResultDns& dns) {
  std::string text;
  const auto add = [&](const char* word, const std::vector<std::string>& values) {
    if (values.empty()) return;
    text += word;
    for (const auto& each : values) text += " " + each;
    text += "\n";
  };
  for (const auto& each : dns.nameservers) add("nameserver", {each});
  // The resolver takes the last of the two.
  if (!dns.search.empty() || !dns.domain.empty())
    add("search", dns.search.empty() ? std::vector<std::string>{dns.domain} : dns.search);
  add("options", dns.options);
  return text;
}

std::string failure_of(const std::string& output, const std::string& errors, int code) {
  const Json value = Json::parse(output.data(), output.data() + output.size(), nullptr, false, false);
  const bool told = value.is_object() && value.contains("msg") && value["msg"].is_string();
  if (!told) {
    const std::string& said = errors.empty() ? output : errors;
    return "it ended with " + std::to_string(code) +
           (said.empty() ? " and said nothing" : " and said \"" + shown_text(said) + "\"");
  }
  std::string text = shown_text(value["msg"].get<std::string>());
  if (value.contains("details") && value["details"].is_string() && !value["details"].get<std::string>().empty())
    text += ", " + shown_text(value["details"].get<std::string>());
  if (!value.contains("code") || !value["code"].is_number_integer()) return text;
  const auto number = value["code"].get<std::int64_t>();
  const char* const meaning = meaning_of(number);
  return text + " (code " + std::to_string(number) + (meaning == nullptr ? "" : std::string(": ") + meaning) + ")";
}

}  // namespace mete::runtime::network::cni
