// SPDX-License-Identifier: Apache-2.0
#include "config/reading/agent_yaml/alert_readers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "config/values/quantity.h"

namespace mete::config {
namespace {

constexpr std::int64_t kMostSpeed = 1000;

constexpr std::array kReceiverFields = std::to_array<FieldSpec>({
    {.name = "url", .type = FieldType::kString, .required = true, .doc = "http://HOST[:PORT][/PATH], or https://"},
    {.name = "caFile",
     .type = FieldType::kString,
     .doc = "Certificates (PEM) that the server's is checked with; default: the system's"},
    {.name = "username", .type = FieldType::kString, .doc = "Basic authentication, with passwordFile"},
    {.name = "passwordFile", .type = FieldType::kString, .doc = "A file with the password"},
    {.name = "tokenFile", .type = FieldType::kString, .doc = "A file with the bearer token"},
});
constexpr ObjectSpec kAlertmanagerSpec = {.name = "Alertmanager", .fields = kReceiverFields};

constexpr std::array kWebhookFields = std::to_array<FieldSpec>({
    kReceiverFields[0],
    kReceiverFields[1],
    kReceiverFields[2],
    kReceiverFields[3],
    kReceiverFields[4],
    {.name = "sendResolved", .type = FieldType::kBool, .doc = "Whether the end of an alert is told too; default: true"},
});
constexpr ObjectSpec kWebhookSpec = {.name = "Webhook", .fields = kWebhookFields};

constexpr std::array kBoundFields = std::to_array<FieldSpec>({
    {.name = "alert", .type = FieldType::kString, .required = true, .doc = "The alert's name"},
    {.name = "value", .type = FieldType::kString, .required = true, .doc = "The value's name in the table"},
    {.name = "bound", .type = FieldType::kFactor, .required = true, .doc = "A number, in the value's unit"},
});
constexpr ObjectSpec kBoundSpec = {.name = "AlertBound", .fields = kBoundFields};

constexpr std::array kAlertFields = std::to_array<FieldSpec>({
    {.name = "enabled", .type = FieldType::kBool, .doc = "Whether alerts are evaluated; as --alerts"},
    {.name = "interval", .type = FieldType::kDuration, .doc = "Between two readings, 1s to 1m; default: 15s"},
    {.name = "alertmanagers",
     .type = FieldType::kObjectList,
     .object = &kAlertmanagerSpec,
     .doc = "Alertmanagers, each of which gets every alert"},
    {.name = "webhooks",
     .type = FieldType::kObjectList,
     .object = &kWebhookSpec,
     .doc = "Programs that take the messages of an Alertmanager's webhook"},
    {.name = "groupBy", .type = FieldType::kStringList, .doc = "Alerts alike in these labels share a message"},
    {.name = "groupWait", .type = FieldType::kDuration, .doc = "Before a group's first message; default: 0s"},
    {.name = "groupInterval", .type = FieldType::kDuration, .doc = "Between messages of a group; default: 5m"},
    {.name = "repeatInterval", .type = FieldType::kDuration, .doc = "Before the same is told again; default: 12h"},
    {.name = "instance", .type = FieldType::kString, .doc = "The label instance; default: the machine's name"},
    {.name = "labels", .type = FieldType::kStringMap, .doc = "More labels of every alert"},
    {.name = "disable", .type = FieldType::kStringList, .doc = "Alerts that are not evaluated"},
    {.name = "bounds",
     .type = FieldType::kObjectList,
     .object = &kBoundSpec,
     .doc = "Bounds in place of those of the table"},
    {.name = "speed",
     .type = FieldType::kInteger,
     .min = 1,
     .max = kMostSpeed,
     .doc = "To try alerts out: windows and waits are so many times shorter"},
});

// The form alone; what the host is called is found when something is sent.
bool is_url(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!url.starts_with(scheme)) continue;
    const auto rest = url.substr(scheme.size());
    const auto authority = rest.substr(0, rest.find('/'));
    if (authority.empty() || authority.find_first_of("@?# ") != std::string_view::npos) return false;
    const auto bracket = authority.rfind(']');
    const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (colon == 0) return false;
    if (colon == std::string_view::npos) return true;
    unsigned port = 0;
    const auto digits = authority.substr(colon + 1);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    return parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size() && port >= 1 && port <= 65535;
  }
  return false;
}

bool is_label_name(std::string_view name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !name.empty() && fits(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return fits(c) || digit(c); });
}

AlertReceiver read_receiver(const View& view) {
  AlertReceiver receiver;
  receiver.url = view["url"].text();
  receiver.ca_file = view["caFile"].text();
  receiver.username = view["username"].text();
  receiver.password_file = view["passwordFile"].text();
  receiver.token_file = view["tokenFile"].text();
  receiver.resolved = view["sendResolved"].boolean(true);
  if (view["url"] && !is_url(receiver.url))
    view["url"].error(
        mismatch(describe(view["url"].node()), "http://HOST[:PORT][/PATH] or https://HOST[:PORT][/PATH]"));
  if (!receiver.ca_file.empty() && receiver.url.starts_with("http://"))
    view["caFile"].error(mismatch("caFile with an address of http://", "https://"));
  if (receiver.username.empty() != receiver.password_file.empty())
    view.error(mismatch("one of username and passwordFile", "both or neither"));
  if (!receiver.token_file.empty() && !receiver.username.empty())
    view["tokenFile"].error(mismatch("tokenFile and username", "one way to authenticate"));
  return receiver;
}

std::chrono::nanoseconds read_wait(const View& view, std::chrono::nanoseconds otherwise) {
  return read_with(view, parse_duration).value_or(otherwise);
}

void check_waits(const View& view, const AlertPolicy& policy) {
  using std::chrono::seconds;
  if (policy.interval < seconds(1) || policy.interval > seconds(60))
    view["interval"].error(mismatch(describe(view["interval"].node()), "1s to 1m"));
  if (policy.group_interval < seconds(1))
    view["groupInterval"].error(mismatch(describe(view["groupInterval"].node()), "at least 1s"));
  if (policy.repeat_interval < policy.group_interval) {
    const View at = view["repeatInterval"] ? view["repeatInterval"] : view["groupInterval"];
    at.error(mismatch(describe(at.node()), "a repeatInterval that is not shorter than groupInterval"));
  }
}

}  // namespace

const ObjectSpec kAlertsSpec = {.name = "Alerts", .fields = kAlertFields};

AlertPolicy read_alerts(const View& view) {
  AlertPolicy policy;
  if (!view) return policy;
  policy.enabled = view["enabled"].boolean(false);
  policy.interval = read_wait(view["interval"], policy.interval);
  policy.instance = view["instance"].text();
  for (const auto& [name, value] : view["labels"].entries()) {
    if (!is_label_name(name)) value.error(mismatch('"' + name + '"', "a label's name: letters, digits and _"));
    policy.labels[name] = value.text();
  }
  for (const auto& item : view["alertmanagers"].items()) policy.alertmanagers.push_back(read_receiver(item));
  for (const auto& item : view["webhooks"].items()) policy.webhooks.push_back(read_receiver(item));
  if (view["groupBy"]) policy.group_by = view["groupBy"].texts();
  policy.group_wait = read_wait(view["groupWait"], policy.group_wait);
  policy.group_interval = read_wait(view["groupInterval"], policy.group_interval);
  policy.repeat_interval = read_wait(view["repeatInterval"], policy.repeat_interval);
  policy.disable = view["disable"].texts();
  for (const auto& item : view["bounds"].items()) {
    const auto bound = read_with(item["bound"], parse_factor).value_or(Ratio());
    policy.bounds.push_back({item["alert"].text(), item["value"].text(), static_cast<double>(bound.count()) / 1e6});
  }
  policy.speed = view["speed"].integer().value_or(policy.speed);
  check_waits(view, policy);
  return policy;
}

}  // namespace mete::config
