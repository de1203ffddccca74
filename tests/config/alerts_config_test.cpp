// SPDX-License-Identifier: Apache-2.0
// `alerts` of agent.yaml.
#include "config/model/agent_config.h"
#include "tests/config/support.h"

namespace mete::config {
namespace {

AgentConfigFile with_alerts(std::string_view text) {
  return read_agent_config(text, "agent.yaml");
}

TEST(AlertsConfig, IsOffByDefault) {
  for (const char* text : {"", "alerts: {}", "alerts:\n"}) {
    const auto file = with_alerts(text);
    ASSERT_TRUE(file.errors.empty()) << joined(file.errors);
    const AlertPolicy& alerts = file.config.alerts;
    EXPECT_FALSE(alerts.enabled);
    EXPECT_EQ(alerts.interval, std::chrono::seconds(15));
    EXPECT_EQ(alerts.group_wait, std::chrono::seconds(0));
    EXPECT_EQ(alerts.group_interval, std::chrono::minutes(5));
    EXPECT_EQ(alerts.repeat_interval, std::chrono::hours(12));
    EXPECT_EQ(alerts.group_by, (std::vector<std::string>{"instance", "namespace", "pod", "container"}));
    EXPECT_EQ(alerts.speed, 1);
  }
}

TEST(AlertsConfig, ReadsEverything) {
  const auto file = with_alerts(R"(alerts:
  enabled: true
  interval: 5s
  alertmanagers:
  - {url: "http://127.0.0.1:9093"}
  - {url: "https://am.example:9093/prefix", caFile: ca.crt, tokenFile: token}
  webhooks:
  - {url: "http://[::1]:9095/hook", username: mete, passwordFile: password, sendResolved: false}
  groupBy: [instance]
  groupWait: 10s
  groupInterval: 1m
  repeatInterval: 1h
  instance: db1
  labels: {site: north}
  disable: [MeteLimitDrift]
  bounds:
  - {alert: MeteThrottlingHurts, value: cpu_throttled, bound: 0.5}
  speed: 15
)");
  ASSERT_TRUE(file.errors.empty()) << joined(file.errors);
  const AlertPolicy& alerts = file.config.alerts;
  EXPECT_TRUE(alerts.enabled);
  EXPECT_EQ(alerts.interval, std::chrono::seconds(5));
  ASSERT_EQ(alerts.alertmanagers.size(), 2U);
  EXPECT_EQ(alerts.alertmanagers[1].ca_file, "ca.crt");
  EXPECT_EQ(alerts.alertmanagers[1].token_file, "token");
  ASSERT_EQ(alerts.webhooks.size(), 1U);
  EXPECT_EQ(alerts.webhooks[0].username, "mete");
  EXPECT_EQ(alerts.webhooks[0].password_file, "password");
  EXPECT_FALSE(alerts.webhooks[0].resolved);
  EXPECT_EQ(alerts.group_by, std::vector<std::string>{"instance"});
  EXPECT_EQ(alerts.group_wait, std::chrono::seconds(10));
  EXPECT_EQ(alerts.group_interval, std::chrono::minutes(1));
  EXPECT_EQ(alerts.repeat_interval, std::chrono::hours(1));
  EXPECT_EQ(alerts.instance, "db1");
  EXPECT_EQ(alerts.labels.at("site"), "north");
  EXPECT_EQ(alerts.disable, std::vector<std::string>{"MeteLimitDrift"});
  ASSERT_EQ(alerts.bounds.size(), 1U);
  EXPECT_EQ(alerts.bounds[0].bound, 0.5);
  EXPECT_EQ(alerts.speed, 15);
}

TEST(AlertsConfig, NamesPlaceAndField) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"alerts: {webhooks: [{url: 'ftp://a/'}]}", "agent.yaml:1:27: alerts.webhooks[0].url: found"},
      {"alerts: {webhooks: [{url: 'http://'}]}", "agent.yaml:1:27: alerts.webhooks[0].url: found"},
      {"alerts: {webhooks: [{url: 'http://a:0/'}]}", "agent.yaml:1:27: alerts.webhooks[0].url: found"},
      {"alerts: {webhooks: [{url: 'http://a:b/'}]}", "agent.yaml:1:27: alerts.webhooks[0].url: found"},
      {"alerts: {webhooks: [{url: 'http://u:p@a/'}]}", "agent.yaml:1:27: alerts.webhooks[0].url: found"},
      {"alerts: {webhooks: [{}]}", "agent.yaml:1:21: alerts.webhooks[0]"},
      {"alerts: {alertmanagers: [{url: 'http://a/', sendResolved: true}]}",
       "agent.yaml:1:45: alerts.alertmanagers[0].sendResolved"},
      {"alerts: {webhooks: [{url: 'http://a/', caFile: a}]}",
       "agent.yaml:1:48: alerts.webhooks[0].caFile: found caFile"},
      {"alerts: {webhooks: [{url: 'http://a/', username: a}]}",
       "agent.yaml:1:21: alerts.webhooks[0]: found one of username"},
      {"alerts: {webhooks: [{url: 'http://a/', username: a, passwordFile: b, tokenFile: c}]}",
       "agent.yaml:1:81: alerts.webhooks[0].tokenFile: found tokenFile and username"},
      {"alerts: {interval: 100ms}", "agent.yaml:1:20: alerts.interval: found"},
      {"alerts: {interval: 2m}", "agent.yaml:1:20: alerts.interval: found"},
      {"alerts: {groupInterval: 0s}", "agent.yaml:1:25: alerts.groupInterval: found"},
      {"alerts: {repeatInterval: 1m}", "agent.yaml:1:26: alerts.repeatInterval: found"},
      {"alerts: {labels: {a-b: c}}", "agent.yaml:1:24: alerts.labels.a-b: found \"a-b\", expected a label's name"},
      {"alerts: {speed: 0}", "agent.yaml:1:17: alerts.speed: found"},
      {"alerts: {bounds: [{alert: a, value: b, bound: x}]}", "agent.yaml:1:47: alerts.bounds[0].bound: found"},
      {"alerts: {enabled: yess}", "agent.yaml:1:19: alerts.enabled: found"},
      {"alerts: {webhook: []}", "agent.yaml:1:10: alerts.webhook: unknown field, did you mean `webhooks`?"},
  };
  for (const auto& [text, error] : cases) {
    const auto file = with_alerts(text);
    ASSERT_FALSE(file.errors.empty()) << text;
    EXPECT_TRUE(to_string(file.errors[0]).starts_with(error)) << text << "\n" << to_string(file.errors[0]);
    EXPECT_FALSE(file.config.alerts.enabled);
  }
}

}  // namespace
}  // namespace mete::config
