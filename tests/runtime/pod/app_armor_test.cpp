// SPDX-License-Identifier: Apache-2.0
// AppArmor profiles of a Pod, on kernels that have them and on others.
#include "runtime/pod/app_armor.h"

#include <gtest/gtest.h>

namespace mete::runtime::pod {
namespace {

using Type = config::AppArmorProfile::Type;

config::PodSpec asking(Type type, const std::string& name = {}) {
  config::PodSpec spec;
  spec.security = config::PodSecurityContext{.app_armor = config::AppArmorProfile{type, name}};
  spec.containers.resize(1);
  return spec;
}

std::string profile(const config::PodSpec& spec, const process::AppArmor& kernel) {
  const auto found = app_armor_profile(spec, spec.containers.at(0), kernel);
  return found ? *found : "error: " + found.error().what;
}

TEST(AppArmor, ProfilesOfTheKernel) {
  EXPECT_EQ(process::profiles_in("docker-default (enforce)\n/usr/bin/man (complain)\na (b) c (kill)\n:ns://x (enforce)"
                                 "\nbroken\n (enforce)\n"),
            (std::set<std::string>{"docker-default", "/usr/bin/man", "a (b) c", ":ns://x"}));
  EXPECT_TRUE(process::profiles_in("").empty());
}

TEST(AppArmor, AKernelWithoutItRunsNobodyWhoAsksForIt) {
  const process::AppArmor none;
  for (const auto& spec : {asking(Type::kRuntimeDefault), asking(Type::kLocalhost, "mine")}) {
    EXPECT_TRUE(asks_for_app_armor(spec));
    EXPECT_EQ(profile(spec, none), "error: AppArmor is not enabled on the host");
    EXPECT_EQ(app_armor_fault(spec, none), "Pod Cannot enforce AppArmor: AppArmor is not enabled on the host");
  }
  EXPECT_FALSE(asks_for_app_armor(asking(Type::kUnconfined)));
  EXPECT_EQ(profile(asking(Type::kUnconfined), none), "");
  config::PodSpec silent;
  silent.containers.resize(1);
  EXPECT_FALSE(asks_for_app_armor(silent));
  EXPECT_EQ(app_armor_fault(silent, none), "");
}

TEST(AppArmor, AProfileMustBeLoaded) {
  const process::AppArmor kernel{true, {"mine", "docker-default"}};
  EXPECT_EQ(profile(asking(Type::kLocalhost, "mine"), kernel), "mine");
  EXPECT_EQ(app_armor_fault(asking(Type::kLocalhost, "other"), kernel),
            "Pod Cannot enforce AppArmor: profile \"other\" is not loaded");
  EXPECT_EQ(profile(asking(Type::kUnconfined), kernel), "unconfined");
  EXPECT_EQ(profile(asking(Type::kRuntimeDefault), kernel), "docker-default");
  EXPECT_EQ(profile(asking(Type::kRuntimeDefault), {true, {"mete-default", "docker-default"}}), "mete-default");
  EXPECT_EQ(profile(asking(Type::kRuntimeDefault), {true, {}}), "error: profile \"mete-default\" is not loaded");
}

TEST(AppArmor, AContainersWordCountsBeforeThePods) {
  auto spec = asking(Type::kLocalhost, "missing");
  spec.containers[0].security = config::SecurityContext{.app_armor = config::AppArmorProfile{Type::kUnconfined}};
  const process::AppArmor kernel{true, {}};
  EXPECT_EQ(profile(spec, kernel), "unconfined");
  EXPECT_EQ(app_armor_fault(spec, kernel), "");
  spec.init_containers.resize(1);
  EXPECT_NE(app_armor_fault(spec, kernel), "") << "the init container has the pod's";
}

}  // namespace
}  // namespace mete::runtime::pod
