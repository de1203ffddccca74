// SPDX-License-Identifier: Apache-2.0
#include "config/model/service.h"

#include <gtest/gtest.h>

#include "config/reading/yaml/yaml_reader.h"

namespace mete::config {
namespace {

Documents services_of(const std::string& spec) {
  return read_documents("apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: " + spec + "\n",
                        "s.yaml");
}
Service service_of(const std::string& spec) {
  auto documents = services_of(spec);
  EXPECT_EQ(documents.services.size(), 1U) << (documents.errors.empty() ? "" : to_string(documents.errors.front()));
  return documents.services.empty() ? Service() : documents.services.front();
}
std::string service_error(const std::string& spec) {
  const auto documents = services_of(spec);
  EXPECT_TRUE(documents.services.empty()) << spec;
  return documents.errors.empty() ? "" : to_string(documents.errors.front());
}

TEST(ServiceReader, HasKubernetesDefaults) {
  const Service service = service_of("{selector: {app: web}, ports: [{port: 80}]}");
  EXPECT_EQ(full_name(service.metadata), "shop/web");
  EXPECT_EQ(service.type, ServiceType::kClusterIp);
  EXPECT_EQ(service.ports, (std::vector<ServicePort>{{.name = "", .port = 80, .target = 80}}));
  EXPECT_FALSE(service.headless || service.by_client || service.with_not_ready || service.address);
}

TEST(ServiceReader, ReadsWhatKubernetesHas) {
  const Service service = service_of(
      "{type: NodePort, clusterIP: 10.79.0.9, sessionAffinity: ClientIP, publishNotReadyAddresses: true, selector: {a: "
      "b}, "
      "ports: [{name: http, port: 80, targetPort: web, nodePort: 30080}, {name: dns, port: 53, protocol: UDP, "
      "targetPort: 5353}]}");
  EXPECT_EQ(to_string(service.address.value()), "10.79.0.9");
  EXPECT_TRUE(service.by_client && service.with_not_ready);
  EXPECT_EQ(service.ports[0], (ServicePort{"http", Protocol::kTcp, 80, 0, "web", 30080}));
  EXPECT_EQ(service.ports[1], (ServicePort{"dns", Protocol::kUdp, 53, 5353, "", 0}));
  EXPECT_TRUE(service_of("{clusterIP: None}").headless);
  EXPECT_EQ(service_of("{type: ExternalName, externalName: db.example.org.}").external_name, "db.example.org");
  EXPECT_EQ(service_of("{type: LoadBalancer, ports: [{port: 1}]}").type, ServiceType::kLoadBalancer);
}

TEST(ServiceReader, RefusesWhatMeansNothing) {
  EXPECT_NE(service_error("{}").find("`ports` is missing"), std::string::npos);
  EXPECT_NE(service_error("{ports: [{port: 80}, {port: 81, name: b}]}").find("`name` is missing"), std::string::npos);
  EXPECT_NE(service_error("{ports: [{port: 80, name: a}, {port: 80, name: b}]}").find("80 again"), std::string::npos);
  EXPECT_NE(service_error("{ports: [{port: 80, nodePort: 30000}]}").find("type: NodePort"), std::string::npos);
  EXPECT_NE(service_error("{type: NodePort, clusterIP: None, ports: [{port: 80}]}").find("expected type: ClusterIP"),
            std::string::npos);
  EXPECT_NE(service_error("{clusterIP: fd00::x, ports: [{port: 80}]}").find("address"), std::string::npos);
  EXPECT_NE(service_error("{type: ExternalName}").find("`externalName` is missing"), std::string::npos);
  EXPECT_NE(service_error("{ports: [{port: 80, targetPort: 70000}]}").find("from 1 to 65535"), std::string::npos);
  EXPECT_FALSE(service_error("{externalIPs: [192.0.2.7], ports: [{port: 80}]}").empty());
}

}  // namespace
}  // namespace mete::config
