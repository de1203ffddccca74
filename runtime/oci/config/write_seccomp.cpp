// SPDX-License-Identifier: Apache-2.0
#include <seccomp.h>

#include <algorithm>

#include "runtime/json.h"
#include "runtime/oci/config/seccomp_file.h"
#include "runtime/oci/config/seccomp_words.h"

namespace mete::runtime::oci {
namespace {

using nlohmann::json;

// libseccomp has no name of a number.
constexpr std::string_view kArchitectures[] = {"x86",         "x86_64",   "x32",       "arm",    "aarch64",
                                               "mips",        "mips64",   "mips64n32", "mipsel", "mipsel64",
                                               "mipsel64n32", "parisc64", "parisc",    "ppc64",  "ppc",
                                               "ppc64le",     "riscv64",  "s390",      "s390x",  "loongarch64"};

void put_action(json& object, const char* action, const char* code, std::uint32_t value) {
  const std::uint32_t kind = value & SECCOMP_RET_ACTION_FULL;
  for (const auto& [name, number] : kSeccompActions) {
    if (kind != number) continue;
    object[action] = name;
    break;
  }
  if (has_data(kind)) object[code] = value & SECCOMP_RET_DATA;
}

std::string name_of_architecture(std::uint32_t token) {
  for (const auto name : kArchitectures) {
    if (::seccomp_arch_resolve_name(std::string(name).c_str()) != token) continue;
    std::string upper = "SCMP_ARCH_";
    for (const char c : name) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return upper;
  }
  return {};
}

std::string_view name_of(Compare compare) {
  const auto* const at = std::find_if(kSeccompOperators.begin(), kSeccompOperators.end(),
                                      [&](const auto& each) { return each.second == compare; });
  return at == kSeccompOperators.end() ? std::string_view() : at->first;
}

json rule_json(const CallRule& rule) {
  json value = {{"names", rule.names}};
  put_action(value, "action", "errnoRet", rule.action);
  for (const auto& each : rule.arguments) {
    value["args"].push_back(
        {{"index", each.index}, {"value", each.value}, {"valueTwo", each.masked_value}, {"op", name_of(each.compare)}});
  }
  return value;
}

}  // namespace

std::string seccomp_text(const SeccompProfile& profile) {
  json value = json::object();
  put_action(value, "defaultAction", "defaultErrnoRet", profile.default_action);
  for (const auto token : profile.architectures) {
    if (const std::string name = name_of_architecture(token); !name.empty()) value["architectures"].push_back(name);
  }
  for (const auto& [name, bit] : kSeccompFlags) {
    if ((profile.flags & bit) != 0) value["flags"].push_back(name);
  }
  for (const auto& rule : profile.rules) value["syscalls"].push_back(rule_json(rule));
  return value.dump();
}

}  // namespace mete::runtime::oci
