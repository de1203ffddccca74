// SPDX-License-Identifier: Apache-2.0
#include "agent/export/kube_services.h"

#include <gtest/gtest.h>

#include <set>

namespace mete::agent {
namespace {

using nlohmann::ordered_json;

void expect_line(const std::string& text, const std::string& line) {
  EXPECT_NE(("\n" + text).find("\n" + line + "\n"), std::string::npos) << line << "\n" << text;
}

TEST(KubeServices, OfEachObjectWhatKubeStateMetricsHas) {
  std::string text;
  write_kube_services(
      text,
      {ordered_json::parse(R"({"kind": "Service", "metadata": {"name": "web", "namespace": "shop",
         "creationTimestamp": "1970-01-01T00:01:00Z"}, "spec": {"type": "NodePort", "clusterIP": "10.79.0.7"}})"),
       ordered_json::parse(R"({"kind": "Endpoints", "metadata": {"name": "web", "namespace": "shop"}, "subsets": [
         {"addresses": [{"ip": "10.77.0.2"}], "notReadyAddresses": [{"ip": "10.77.0.3"}],
          "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]}]})"),
       ordered_json::parse(R"({"kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "shop"},
         "spec": {"podSelector": {}, "ingress": [{}, {}]}})")},
      collectors::Format::kText);
  const std::string web = R"({namespace="shop",service="web")";
  expect_line(text, "kube_service_info" + web + R"(,cluster_ip="10.79.0.7",external_name="",load_balancer_ip=""} 1)");
  expect_line(text, "kube_service_spec_type" + web + R"(,type="NodePort"} 1)");
  expect_line(text, "kube_service_created" + web + "} 60");
  const std::string endpoint = R"({namespace="shop",endpoint="web")";
  expect_line(text, "kube_endpoint_address" + endpoint + R"(,ip="10.77.0.2",ready="true"} 1)");
  expect_line(text, "kube_endpoint_address" + endpoint + R"(,ip="10.77.0.3",ready="false"} 1)");
  expect_line(text,
              "kube_endpoint_ports" + endpoint + R"(,port_name="http",port_protocol="TCP",port_number="8080"} 1)");
  expect_line(text, R"(kube_networkpolicy_spec_ingress_rules{namespace="shop",networkpolicy="p"} 2)");
  expect_line(text, R"(kube_networkpolicy_spec_egress_rules{namespace="shop",networkpolicy="p"} 0)");
}

TEST(KubeServices, OfASliceWhatItSays) {
  std::string text;
  write_kube_services(text, {ordered_json::parse(R"({"kind": "EndpointSlice", "addressType": "IPv4",
      "metadata": {"name": "web-ipv4-8080", "namespace": "shop", "creationTimestamp": "1970-01-01T00:01:00Z"},
      "endpoints": [
        {"addresses": ["10.77.0.2"], "conditions": {"ready": true, "serving": true, "terminating": false},
         "hostname": "web-0", "nodeName": "here", "targetRef": {"kind": "Pod", "name": "web-0", "namespace": "shop"}},
        {"addresses": ["10.77.0.3", "10.77.0.4"], "conditions": {"ready": false}}],
      "ports": [{"name": "", "protocol": "TCP", "port": 8080}]})")},
                      collectors::Format::kText);
  const std::string slice = R"({namespace="shop",endpointslice="web-ipv4-8080")";
  expect_line(text, "kube_endpointslice_created" + slice + "} 60");
  expect_line(text, "kube_endpointslice_info" + slice + R"(,addresstype="IPv4"} 1)");
  expect_line(
      text, "kube_endpointslice_endpoints" + slice +
                R"(,ready="true",serving="true",terminating="false",hostname="web-0",targetref_kind="Pod",)"
                R"(targetref_name="web-0",targetref_namespace="shop",endpoint_nodename="here",address="10.77.0.2"} 1)");
  for (const char* address : {"10.77.0.3", "10.77.0.4"})
    expect_line(text, "kube_endpointslice_endpoints" + slice + R"(,ready="false",address=")" + address + "\"} 1");
  expect_line(text, "kube_endpointslice_ports" + slice + R"(,port_name="",port_protocol="TCP",port_number="8080"} 1)");
}

TEST(KubeServices, EachFamilyIsThereOnce) {
  std::set<std::string_view> names;
  for (const auto& family : kube_service_families()) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_TRUE(family.help.ends_with('.')) << family.name;
  }
}

}  // namespace
}  // namespace mete::agent
