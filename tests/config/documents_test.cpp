// SPDX-License-Identifier: Apache-2.0
#include "config/model/documents.h"

#include "tests/config/support.h"

namespace mete::config {
namespace {

constexpr const char* kText =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n"
    "  initContainers:\n  - name: first\n    image: i\n"
    "  containers:\n  - name: c\n    image: i\n"
    "    env: [{name: A, value: b}]\n    envFrom: [{configMapRef: {name: m}}]\n"
    "    volumeMounts: [{name: v, mountPath: /v}]\n"
    "    imagePullPolicy: Always\n"
    "  volumes: [{name: v}]\n"
    "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n"
    "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
    "---\napiVersion: mete/v1\nkind: Policy\nmetadata: {name: p}\nspec: {selector: {matchLabels: {a: b}}}\n"
    "---\nkind: Nothing\n";

std::string places(const Documents& documents) {
  std::string all;
  const auto add = [&](const Location& location) { all += to_string(location) + "\n"; };
  for (const auto& pod : documents.pods) {
    add(pod.location);
    for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers}) {
      for (const auto& container : *list) {
        add(container.location);
        add(container.image_location);
        for (const auto& each : container.env) add(each.location);
        for (const auto& each : container.env_from) add(each.location);
        for (const auto& each : container.volume_mounts) add(each.location);
      }
    }
    for (const auto& each : pod.spec.volumes) add(each.location);
  }
  for (const auto& each : documents.config_maps) add(each.location);
  for (const auto& each : documents.secrets) add(each.location);
  for (const auto& each : documents.policies) add(each.location);
  for (const auto& each : documents.errors) add(each.location);
  for (const auto& each : documents.warnings) add(each.location);
  return all;
}

// Moved documents have the same locations as documents that are read there.
TEST(Documents, MoveToAnotherFile) {
  auto documents = read_documents(kText, "given.yaml", 12);
  move_to(documents, "/applied/Pod.default.p.yaml", -11);
  const auto there = read_documents(kText, "/applied/Pod.default.p.yaml", 1);
  EXPECT_EQ(places(documents), places(there));
}

TEST(Documents, AVolumeOfAFolderIsLeftOutWithWhatThatMeans) {
  const auto warning = [](const std::string& spec) {
    const auto read =
        read_documents("apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\nspec: " + spec + "\n", "f");
    return read.ok() && read.warnings.size() == 1 ? to_string(read.warnings.front()) : std::string("wrong");
  };
  EXPECT_NE(warning("{hostPath: {path: /mnt/data}}").find("without what is in /mnt/data"), std::string::npos);
  EXPECT_NE(warning("{local: {path: /disk}}").find("without what is in /disk"), std::string::npos);
  EXPECT_NE(warning("{nfs: {server: s, path: /x}}").find("means nothing on one machine"), std::string::npos);
}

}  // namespace
}  // namespace mete::config
