// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/users.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace mete::runtime::image {
namespace {

// The largest number means "unchanged" to the kernel.
constexpr std::uint32_t kNobody = UINT32_MAX;

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value == kNobody) return std::nullopt;
  return value;
}

bool looks_like_number(std::string_view text) {
  return !text.empty() &&
         (text.find_first_not_of("0123456789") == std::string_view::npos || text.front() == '-' || text.front() == '+');
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

struct PasswdLine {
  std::string_view name;
  std::uint32_t uid;
  std::uint32_t gid;
  std::string_view home;
};

struct GroupLine {
  std::string_view name;
  std::uint32_t gid;
  std::vector<std::string_view> members;
};

// Malformed lines are skipped.
std::vector<PasswdLine> parse_passwd(std::string_view text) {
  std::vector<PasswdLine> lines;
  for (const std::string_view line : split(text, '\n')) {
    const auto fields = split(line, ':');
    if (fields.size() != 7 || fields[0].empty()) continue;
    const auto uid = number(fields[2]);
    const auto gid = number(fields[3]);
    if (uid && gid) lines.push_back({fields[0], *uid, *gid, fields[5]});
  }
  return lines;
}

std::vector<GroupLine> parse_group(std::string_view text) {
  std::vector<GroupLine> lines;
  for (const std::string_view line : split(text, '\n')) {
    const auto fields = split(line, ':');
    if (fields.size() != 4 || fields[0].empty()) continue;
    if (const auto gid = number(fields[2])) lines.push_back({fields[0], *gid, split(fields[3], ',')});
  }
  return lines;
}

Result<std::uint32_t> resolve_group(std::string_view wanted, const std::vector<GroupLine>& groups) {
  if (looks_like_number(wanted)) {
    const auto gid = number(wanted);
    if (!gid) return fail("found the group \"" + std::string(wanted) + "\", expected a number from 0 to 4294967294");
    return *gid;
  }
  const auto found = std::find_if(groups.begin(), groups.end(), [&](const auto& line) { return line.name == wanted; });
  if (found == groups.end())
    return fail("found the group \"" + std::string(wanted) + "\", expected one of the image's /etc/group");
  return found->gid;
}

}  // namespace

Result<ResolvedUser> resolve_user(const std::string& user, std::string_view passwd, std::string_view group) {
  const auto bad = [&](const std::string& why) { return fail("user \"" + user + "\": " + why); };
  const auto colon = user.find(':');
  const std::string wanted = user.empty() ? "0" : user.substr(0, colon);
  if (wanted.empty() ||
      (colon != std::string::npos && (colon + 1 == user.size() || user.find(':', colon + 1) != std::string::npos))) {
    return bad("expected USER or USER:GROUP");
  }
  const auto users = parse_passwd(passwd);
  const auto groups = parse_group(group);
  const bool numeric = looks_like_number(wanted);
  const auto uid = number(wanted);
  if (numeric && !uid) return bad("expected a number from 0 to 4294967294");
  const auto line = std::find_if(users.begin(), users.end(),
                                 [&](const auto& at) { return numeric ? at.uid == *uid : at.name == wanted; });
  if (line == users.end() && !numeric) return bad("expected one of the image's /etc/passwd");

  ResolvedUser resolved;
  resolved.uid = numeric ? *uid : line->uid;
  const auto same_uid = [&](const auto& at) { return at.uid == resolved.uid; };
  if (const auto own = std::find_if(users.begin(), users.end(), same_uid); own != users.end() && !own->home.empty()) {
    resolved.home = own->home;
  }
  if (colon != std::string::npos) {
    auto gid = resolve_group(std::string_view(user).substr(colon + 1), groups);
    if (!gid) return bad(gid.error().what);
    resolved.gid = *gid;
    return resolved;
  }
  if (line == users.end()) return resolved;
  resolved.gid = line->gid;
  for (const GroupLine& at : groups) {
    if (at.gid != resolved.gid && std::find(at.members.begin(), at.members.end(), line->name) != at.members.end()) {
      resolved.groups.push_back(at.gid);
    }
  }
  std::sort(resolved.groups.begin(), resolved.groups.end());
  resolved.groups.erase(std::unique(resolved.groups.begin(), resolved.groups.end()), resolved.groups.end());
  return resolved;
}

std::vector<std::uint32_t> process_groups(const ResolvedUser& user) {
  auto groups = user.groups;
  if (std::find(groups.begin(), groups.end(), user.gid) == groups.end()) groups.insert(groups.begin(), user.gid);
  return groups;
}

}  // namespace mete::runtime::image
