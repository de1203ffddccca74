// SPDX-License-Identifier: Apache-2.0
// Resolves "app:staff" with an image's own /etc/passwd and /etc/group. An unknown name is an error, never root.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::image {

struct ResolvedUser {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;  // supplementary groups, ascending
  std::string home = "/";             // of the first line of passwd with this uid, or "/"
  bool operator==(const ResolvedUser&) const = default;
};

// `user`: "", "UID", "UID:GID", "name", "name:group" and mixtures; `passwd` and `group` are the files' texts. A number
// needs no line in passwd; its group is then 0. Supplementary groups are those that list the user's name, or none when
// `user` names a group.
[[nodiscard]] Result<ResolvedUser> resolve_user(const std::string& user, std::string_view passwd,
                                                std::string_view group);

// The supplementary groups of its processes: `groups`, and the own one, too. Else a program that gives up its group
// keeps what the group is denied (CVE-2022-36109).
[[nodiscard]] std::vector<std::uint32_t> process_groups(const ResolvedUser& user);

}  // namespace mete::runtime::image
