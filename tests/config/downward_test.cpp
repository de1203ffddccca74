// SPDX-License-Identifier: Apache-2.0
#include "config/resolve/downward.h"

#include <gtest/gtest.h>

#include "config/model/runtime_values.h"

namespace mete::config {
namespace {

using namespace literals;

Pod web() {
  Pod pod;
  pod.metadata.name = "web";
  pod.metadata.namespace_ = "shop";
  pod.metadata.labels = {{"app", "web"}, {"tier", "a\"b"}};
  Container main;
  main.name = "main";
  main.resources.limits.cpu = 250_mCPU;
  main.resources.requests.memory = 10_MiB;
  pod.spec.containers = {main};
  return pod;
}

const MachineFacts kMachine{"node-1", {"10.0.0.5", "fd00::5"}, 4000_mCPU, 8_GiB, 100_GiB};

std::string filled(const Pod& pod, const std::string& resource, std::int64_t divisor) {
  return fill_marks(resource_mark("main", {"", resource, divisor}), pod, kMachine);
}

TEST(Downward, FieldsOfThePod) {
  const Pod pod = web();
  EXPECT_EQ(pod_field(pod, "metadata.name"), "web");
  EXPECT_EQ(pod_field(pod, "metadata.labels['app']"), "web");
  EXPECT_EQ(pod_field(pod, "metadata.labels['none']"), "");
  EXPECT_EQ(pod_field(pod, "spec.serviceAccountName"), "default");
  for (const char* path : {"metadata.labels", "metadata.labels[']", "metadata.labels['", "status.phase", ""}) {
    EXPECT_EQ(pod_field(pod, path), std::nullopt) << path;
  }
  EXPECT_EQ(pod_field_in_file(pod, "metadata.labels"), "app=\"web\"\ntier=\"a\\\"b\"");
  EXPECT_EQ(pod_field_in_file(pod, "status.hostIP"), std::nullopt) << "a file has no fields of the status";
}

TEST(Downward, WhatTheMachineSaysIsFilledInAtTheStart) {
  Pod pod = web();
  const auto value = [&](const std::string& path) {
    return fill_marks("<" + pod_field(pod, path).value_or("none") + ">", pod, kMachine);
  };
  EXPECT_EQ(value("spec.nodeName"), "<node-1>");
  EXPECT_EQ(value("status.hostIP"), "<10.0.0.5>");
  EXPECT_EQ(value("status.hostIPs"), "<10.0.0.5,fd00::5>");
  EXPECT_EQ(value("status.podIP"), "<127.0.0.1>") << "a network of its own has the loopback only";
  MachineFacts connected = kMachine;
  connected.pod_addresses = {"10.77.0.2", "fd00:77::2"};
  EXPECT_EQ(fill_marks(*pod_field(pod, "status.podIP"), pod, connected), "10.77.0.2");
  EXPECT_EQ(fill_marks(*pod_field(pod, "status.podIPs"), pod, connected), "10.77.0.2,fd00:77::2");
  pod.spec.host_network = true;
  EXPECT_EQ(value("status.podIP"), "<10.0.0.5>");
  EXPECT_EQ(value("status.podIPs"), "<10.0.0.5,fd00::5>");
  EXPECT_EQ(fill_marks("no mark", pod, kMachine), "no mark");
  EXPECT_EQ(fill_marks(std::string("a\0b", 3), pod, kMachine), std::string("a\0b", 3));
  EXPECT_EQ(fill_marks(runtime_value("status.hostIP"), pod, MachineFacts{}), "127.0.0.1") << "a machine without any";
}

TEST(Downward, AmountsAreRoundedUpToTheDivisor) {
  const Pod pod = web();
  EXPECT_EQ(filled(pod, "limits.cpu", 1000), "1");
  EXPECT_EQ(filled(pod, "limits.cpu", 1), "250");
  EXPECT_EQ(filled(pod, "requests.memory", 1 << 20), "10");
  EXPECT_EQ(filled(pod, "requests.memory", 3 << 20), "4");
  EXPECT_EQ(filled(pod, "requests.cpu", 1), "0");
  EXPECT_EQ(filled(pod, "limits.memory", 1 << 30), "8") << "no limit: the machine's";
  EXPECT_EQ(filled(pod, "limits.ephemeral-storage", 1 << 30), "100") << "no limit: the machine's";
  EXPECT_EQ(filled(pod, "requests.ephemeral-storage", 1), "0");
  EXPECT_EQ(filled(pod, "limits.hugepages-2Mi", 1), "0");
  EXPECT_FALSE(is_resource_field("limits.disk"));
  EXPECT_FALSE(is_resource_field("cpu"));
  EXPECT_TRUE(is_resource_field("requests.hugepages-1Gi"));
}

}  // namespace
}  // namespace mete::config
