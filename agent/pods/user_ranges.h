// SPDX-License-Identifier: Apache-2.0
// Which ids a pod with users of its own gets: 65536 that no other pod has, nor a user of the machine. Pure, except
// ids_of_others().
//
// The ranges lie from 0x70000000 to 0x7ffdffff, where no distribution puts users (systemd, UIDS-GIDS.md), except such
// as /etc/subuid and /etc/subgid give away.
#pragma once

#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace mete::agent {

struct GivenAway {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  bool operator==(const GivenAway&) const = default;
};

// Lines NAME:FIRST:COUNT; others are left out.
[[nodiscard]] std::vector<GivenAway> parse_subordinate_ids(std::string_view text);

// What /etc/subuid and /etc/subgid say; a machine without them gives nothing away.
[[nodiscard]] std::vector<GivenAway> ids_of_others();

// The first id of the lowest free range. `used`: those of pods that there are. Error: none is free.
[[nodiscard]] Result<std::uint32_t> free_user_range(const std::set<std::uint32_t>& used,
                                                    const std::vector<GivenAway>& given_away);

}  // namespace mete::agent
