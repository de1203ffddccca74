// SPDX-License-Identifier: Apache-2.0
#include "runtime/pod/user.h"

#include <algorithm>

#include "runtime/image/users.h"
#include "runtime/process/capabilities.h"

namespace mete::runtime::pod {

Result<std::uint64_t> capabilities_of(const config::SecurityContext& security, std::uint64_t available) {
  if (security.privileged) return process::all_capabilities() & available;
  std::uint64_t mask = process::default_capabilities();
  for (const bool adding : {false, true}) {
    for (const auto& name : adding ? security.add_capabilities : security.drop_capabilities) {
      const auto bits = process::capability_mask(name);
      if (!bits)
        return fail("securityContext.capabilities: found \"" + name +
                    "\", expected a Linux capability such as NET_ADMIN or ALL");
      const bool all = *bits == process::all_capabilities();
      if (adding && !all && (*bits & ~available) != 0) {
        return fail("securityContext.capabilities.add: found \"" + name +
                    "\", which the agent itself does not have, expected one it can give");
      }
      mask = adding ? mask | *bits : mask & ~*bits;
    }
  }
  return mask & available;
}

namespace {

// The user of the manifest, or of the image.
Result<image::ResolvedUser> user_of(const config::PodSpec& spec, const config::Container& container,
                                    const ContainerContext& context) {
  const auto& security = *container.security;
  const auto& extras = container.extras;
  if (!extras->user.empty()) {
    METE_TRY(image::ResolvedUser user, image::resolve_user(extras->user, context.passwd, context.group));
    const auto& more = spec.security->supplemental_groups;
    user.groups.insert(user.groups.end(), more.begin(), more.end());
    return user;
  }
  const auto wanted = security.run_as_user ? security.run_as_user : spec.security->run_as_user;
  const std::uint32_t uid = wanted.value_or(context.image.uid);
  METE_TRY(image::ResolvedUser user, image::resolve_user(std::to_string(uid), context.passwd, context.group));
  if (!wanted) {
    user.gid = context.image.gid;  // the image may name a group beside its user
    user.groups = context.image.groups;
  }
  if (const auto group = security.run_as_group ? security.run_as_group : spec.security->run_as_group) user.gid = *group;
  if (spec.security->groups_policy == config::GroupsPolicy::kStrict) user.groups.clear();
  const auto& more = spec.security->supplemental_groups;
  user.groups.insert(user.groups.end(), more.begin(), more.end());
  if (spec.security->fs_group) user.groups.push_back(*spec.security->fs_group);
  return user;
}

}  // namespace

config::SeccompProfile seccomp_profile(const config::PodSpec& spec, const config::Container& container) {
  const auto& own = container.security->seccomp;
  const bool of_client = own && own->file.starts_with(kProfilesOfClients);
  if (container.security->privileged && !of_client) return {config::SeccompProfile::Type::kUnconfined};
  return (own ? own : spec.security->seccomp).value_or(config::SeccompProfile());
}

Status add_identity(const config::Pod& pod, const config::Container& container, const ContainerContext& context,
                    process::LaunchSpec& launch) {
  const auto& security = *container.security;
  METE_TRY(const image::ResolvedUser user, user_of(pod.spec, container, context));
  if (user.uid == 0 && security.run_as_non_root.value_or(pod.spec.security->run_as_non_root)) {
    // The first words are the kubelet's.
    return tl::unexpected(Error{kConfigError,
                                "container has runAsNonRoot and image will run as root; securityContext.runAsNonRoot: "
                                "found user 0 of container " +
                                    container.name + ", expected a runAsUser or an image with another user"});
  }
  auto& identity = launch.identity;
  identity.uid = user.uid;
  identity.gid = user.gid;
  identity.additional_gids = image::process_groups(user);
  const auto is_home = [](const std::string& each) { return each.starts_with("HOME="); };
  if (std::none_of(launch.env.begin(), launch.env.end(), is_home)) launch.env.push_back("HOME=" + user.home);
  METE_TRY(const std::uint64_t mask, capabilities_of(security, context.capabilities));
  auto& sets = identity.capabilities;
  sets.bounding = mask;
  // The inheritable and ambient sets stay empty (CVE-2022-24769); other users than root start without capabilities.
  if (identity.uid == 0) sets.effective = sets.permitted = mask;
  identity.no_new_privileges = security.allow_privilege_escalation.has_value() && !*security.allow_privilege_escalation;
  if (seccomp_profile(pod.spec, container).type == config::SeccompProfile::Type::kRuntimeDefault)
    identity.seccomp_filter = context.seccomp_filter;
  return {};
}

}  // namespace mete::runtime::pod
