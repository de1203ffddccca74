// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/user_ranges.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "runtime/file.h"
#include "runtime/pod/own_users.h"

namespace mete::agent {
namespace {

constexpr std::uint32_t kLowest = 0x70000000;
constexpr std::uint32_t kEnd = 0x7ffe0000;

bool parse(std::string_view text, std::uint64_t& value) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

}  // namespace

std::vector<GivenAway> parse_subordinate_ids(std::string_view text) {
  std::vector<GivenAway> all;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto first = line.find(':');
    const auto second = line.find(':', first == std::string_view::npos ? line.size() : first + 1);
    if (second == std::string_view::npos) continue;
    GivenAway range;
    if (parse(line.substr(first + 1, second - first - 1), range.first) && parse(line.substr(second + 1), range.count))
      all.push_back(range);
  }
  return all;
}

std::vector<GivenAway> ids_of_others() {
  std::vector<GivenAway> all;
  for (const char* path : {"/etc/subuid", "/etc/subgid"}) {
    const auto more = parse_subordinate_ids(runtime::read_file(AT_FDCWD, path).value_or(""));
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

Result<std::uint32_t> free_user_range(const std::set<std::uint32_t>& used, const std::vector<GivenAway>& given_away) {
  for (std::uint32_t first = kLowest; first < kEnd; first += runtime::pod::kUsersOfAPod) {
    const auto overlaps = [first](const GivenAway& each) {
      return each.first < std::uint64_t{first} + runtime::pod::kUsersOfAPod && first < each.first + each.count;
    };
    if (!used.contains(first) && std::none_of(given_away.begin(), given_away.end(), overlaps)) return first;
  }
  return fail("hostUsers: found no free range of 65536 ids, expected fewer pods with users of their own");
}

}  // namespace mete::agent
