// SPDX-License-Identifier: Apache-2.0
#include <linux/seccomp.h>
#include <seccomp.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "runtime/json.h"
#include "runtime/oci/config/json.h"
#include "runtime/oci/config/seccomp_file.h"
#include "runtime/oci/config/seccomp_words.h"

namespace mete::runtime::oci {
namespace {

constexpr std::uint32_t kHighestErrno = 4095;

std::uint32_t read_action(const Node& action, const Node& errno_return) {
  const std::string name = action.text();
  const std::uint32_t code = errno_return.u32(EPERM);
  if (code > kHighestErrno) errno_return.bad(std::to_string(code), "an errno, at most 4095");
  for (const auto& [known, value] : kSeccompActions) {
    if (name == known) return has_data(value) ? value | code : value;
  }
  action.bad("\"" + name + "\"", "SCMP_ACT_ALLOW, _ERRNO, _KILL, _KILL_PROCESS, _TRAP, _TRACE, _LOG or _NOTIFY");
  return SECCOMP_RET_KILL_PROCESS;
}

Compare read_operator(const Node& node) {
  const std::string name = node.text();
  for (const auto& [known, compare] : kSeccompOperators) {
    if (name == known) return compare;
  }
  node.bad("\"" + name + "\"", "SCMP_CMP_NE, _LT, _LE, _EQ, _GE, _GT or _MASKED_EQ");
  return Compare::equal;
}

std::uint32_t read_architecture(const Node& owner, const std::string& name) {
  constexpr std::string_view kPrefix = "SCMP_ARCH_";
  std::string lower = name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : std::string();
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const std::uint32_t token = lower.empty() ? 0 : ::seccomp_arch_resolve_name(lower.c_str());
  // Those of the specification that libseccomp 2.5 does not know: a machine of such an architecture has a newer
  // library.
  constexpr std::string_view kNewer[] = {"loongarch64", "m68k", "sh", "sheb"};
  if (token == 0 && std::find(std::begin(kNewer), std::end(kNewer), lower) == std::end(kNewer))
    owner.bad("\"" + name + "\"", "an architecture such as SCMP_ARCH_X86_64");
  return token;
}

std::uint32_t read_flags(const Node& flags) {
  std::uint32_t bits = 0;
  for (const auto& flag : flags.texts()) {
    const auto* const at =
        std::find_if(kSeccompFlags.begin(), kSeccompFlags.end(), [&](const auto& each) { return each.first == flag; });
    if (at == kSeccompFlags.end()) {
      flags.bad("\"" + flag + "\"", "SECCOMP_FILTER_FLAG_LOG, _SPEC_ALLOW, _TSYNC or _WAIT_KILLABLE_RECV");
    } else {
      bits |= at->second;
    }
  }
  return bits;
}

void read_rule(const Node& node, SeccompProfile& profile) {
  CallRule rule;
  rule.names = node["names"].texts();
  if (rule.names.empty()) node["names"].bad("none", "at least one system call");
  rule.action = read_action(node["action"], node["errnoRet"]);
  if (rule.action == profile.default_action) return;
  std::array<int, 6> uses{};
  for (const auto& argument : node["args"].items()) {
    ArgumentRule check;
    check.index = static_cast<unsigned>(argument["index"].integer(0, 0, 5));
    check.value = argument["value"].u64();
    check.masked_value = argument["valueTwo"].u64();
    check.compare = read_operator(argument["op"]);
    ++uses[check.index];
    rule.arguments.push_back(check);
  }
  if (std::none_of(uses.begin(), uses.end(), [](int count) { return count > 1; })) {
    profile.rules.push_back(std::move(rule));
    return;
  }
  // Several checks of one argument are alternatives, as with runc and crun: docker's profiles rely on that.
  for (const auto& check : rule.arguments) profile.rules.push_back({rule.names, rule.action, {check}});
}

void read_listener(const Node& seccomp, SeccompProfile& profile) {
  if (profile.default_action == SECCOMP_RET_USER_NOTIF)
    seccomp["defaultAction"].bad("SCMP_ACT_NOTIFY", "it in rules alone: nobody could listen before the first call");
  bool notifies = false;
  for (const auto& rule : profile.rules) {
    if (rule.action != SECCOMP_RET_USER_NOTIF) continue;
    notifies = true;
    if (std::find(rule.names.begin(), rule.names.end(), "write") != rule.names.end()) {
      seccomp["syscalls"].bad("SCMP_ACT_NOTIFY for write", "another action: with write the listener is handed over");
    }
  }
  if (!notifies) {
    profile.flags &= ~kWaitKillable;
    return;
  }
  profile.listener_path = seccomp["listenerPath"].text();
  profile.listener_metadata = seccomp["listenerMetadata"].text();
  if (profile.listener_path.empty())
    seccomp["listenerPath"].bad("nothing and SCMP_ACT_NOTIFY", "the path of a Unix socket");
  profile.flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
}

}  // namespace

std::optional<SeccompProfile> read_seccomp(const Node& seccomp) {
  if (!seccomp.present()) return std::nullopt;
  SeccompProfile profile;
  profile.default_action = read_action(seccomp["defaultAction"], seccomp["defaultErrnoRet"]);
  const Node architectures = seccomp["architectures"];
  for (const auto& name : architectures.texts()) {
    if (const std::uint32_t token = read_architecture(architectures, name); token != 0)
      profile.architectures.push_back(token);
  }
  profile.flags = read_flags(seccomp["flags"]);
  for (const auto& rule : seccomp["syscalls"].items()) read_rule(rule, profile);
  read_listener(seccomp, profile);
  return profile;
}

Result<SeccompProfile> read_seccomp_file(std::string_view text, const std::string& name) {
  METE_TRY(const nlohmann::json json, parse_json(text, name));
  if (!json.is_object()) return fail(name + ": found no object, expected a seccomp profile");
  Problems problems;
  auto profile = read_seccomp(Node(&json, problems, ""));
  if (auto status = problems.status(); !status) return fail_in(name, status.error());
  if ((profile->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0)
    return fail(name + ": found SCMP_ACT_NOTIFY, expected another action, as nobody would answer for a pod");
  return std::move(*profile);
}

Result<SeccompFilter> compile_seccomp_file(std::string_view text, const std::string& name) {
  METE_TRY(const SeccompProfile profile, read_seccomp_file(text, name));
  auto filter = compile_seccomp(profile);
  if (!filter) return fail_in(name, filter.error());
  return SeccompFilter{std::move(*filter), profile.flags};
}

}  // namespace mete::runtime::oci
