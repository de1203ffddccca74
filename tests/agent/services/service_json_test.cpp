// SPDX-License-Identifier: Apache-2.0
// Services and what is behind them in Kubernetes' shapes.
#include "agent/services/service_json.h"

#include <gtest/gtest.h>

namespace mete::agent {
namespace {

using nlohmann::ordered_json;

ServiceBackend reported(const std::string& name, const char* address, bool ready, std::uint16_t port = 8080) {
  Backend one;
  one.space = "shop";
  one.name = name;
  one.address = *config::parse_ip(address);
  one.ready = ready;
  return {one, {port}};
}

ServiceKeeper::Object web() {
  ServiceKeeper::Object object;
  object.service.metadata.name = "web";
  object.service.metadata.namespace_ = "shop";
  object.service.selector = {{"app", "web"}};
  object.service.ports = {{"http", config::Protocol::kTcp, 80, 0, "http", 0}};
  object.lease.created = 60;
  return object;
}

std::vector<std::string> names_of(const std::vector<ordered_json>& slices) {
  std::vector<std::string> names;
  for (const auto& each : slices) names.push_back(each["metadata"]["name"]);
  return names;
}

TEST(EndpointSlices, SayWhoIsReady) {
  auto object = web();
  object.plan.ready = {reported("web-0", "10.77.0.2", true)};
  object.plan.ready[0].backend.hostname = "web-0";
  object.plan.ready[0].backend.subdomain = "web";
  object.plan.not_ready = {reported("web-1", "10.77.0.3", false)};
  const auto slices = endpoint_slices_json(object, "here");
  ASSERT_EQ(slices.size(), 1U);
  EXPECT_EQ(slices[0], ordered_json::parse(R"({
    "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
    "metadata": {"name": "web-ipv4-8080", "namespace": "shop", "labels": {"kubernetes.io/service-name": "web"},
                 "creationTimestamp": "1970-01-01T00:01:00Z"},
    "addressType": "IPv4",
    "endpoints": [
      {"addresses": ["10.77.0.2"], "conditions": {"ready": true, "serving": true, "terminating": false},
       "hostname": "web-0", "nodeName": "here", "targetRef": {"kind": "Pod", "name": "web-0", "namespace": "shop"}},
      {"addresses": ["10.77.0.3"], "conditions": {"ready": false, "serving": false, "terminating": false},
       "nodeName": "here", "targetRef": {"kind": "Pod", "name": "web-1", "namespace": "shop"}}],
    "ports": [{"name": "http", "protocol": "TCP", "port": 8080}]})"));
  // A port's name may be another number in each pod.
  object.plan.ready.push_back(reported("web-2", "10.77.0.4", true, 9090));
  EXPECT_EQ(names_of(endpoint_slices_json(object, "here")),
            (std::vector<std::string>{"web-ipv4-8080", "web-ipv4-9090"}));
}

TEST(EndpointSlices, ThereIsOneForEachKindOfAddresses) {
  auto object = web();
  EXPECT_EQ(names_of(endpoint_slices_json(object, "here")), std::vector<std::string>{"web-ipv4"});
  object.plan.ready = {reported("web-0", "10.77.0.2", true)};
  object.plan.ready[0].backend.address6 = config::parse_ip("fd00::2");
  EXPECT_EQ(names_of(endpoint_slices_json(object, "here")), std::vector<std::string>{"web-ipv4-8080"});
  object.service.family_policy = config::IpFamilyPolicy::kPreferDualStack;
  EXPECT_EQ(names_of(endpoint_slices_json(object, "here")),
            (std::vector<std::string>{"web-ipv4-8080", "web-ipv6-8080"}));
  object.service.v6_first = true;
  EXPECT_EQ(names_of(endpoint_slices_json(object, "here")),
            (std::vector<std::string>{"web-ipv6-8080", "web-ipv4-8080"}));
  // Without a selector Kubernetes makes none.
  object.service.selector.clear();
  EXPECT_TRUE(endpoint_slices_json(object, "here").empty());
}

}  // namespace
}  // namespace mete::agent
