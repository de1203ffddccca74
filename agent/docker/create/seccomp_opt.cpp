// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/create/seccomp_opt.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "runtime/oci/config/seccomp_file.h"
#include "runtime/ordered_json.h"
#include "runtime/process/capabilities.h"

namespace mete::agent::docker {
namespace {

constexpr const char* kWhere = "seccomp profile";

std::string seccomp_word(const Json& host) {
  std::string found;
  for (const auto& option : words_of(host, "SecurityOpt")) {
    if (option.starts_with("seccomp=") || option.starts_with("seccomp:")) found = option.substr(8);
  }
  return found;
}

// The architecture's name in a profile; empty: none that is known.
std::string seccomp_name(const std::string& architecture) {
  constexpr std::array<std::pair<const char*, const char*>, 8> kNames = {{{"amd64", "SCMP_ARCH_X86_64"},
                                                                          {"386", "SCMP_ARCH_X86"},
                                                                          {"arm64", "SCMP_ARCH_AARCH64"},
                                                                          {"arm", "SCMP_ARCH_ARM"},
                                                                          {"ppc64le", "SCMP_ARCH_PPC64LE"},
                                                                          {"s390x", "SCMP_ARCH_S390X"},
                                                                          {"riscv64", "SCMP_ARCH_RISCV64"},
                                                                          {"loong64", "SCMP_ARCH_LOONGARCH64"}}};
  for (const auto& [name, word] : kNames) {
    if (architecture == name) return word;
  }
  return "";
}

// "4.8": whether the kernel is at least that. Error: another form.
Result<bool> is_kernel_at_least(const std::string& version, const SeccompSubject& subject) {
  unsigned major = 0;
  unsigned minor = 0;
  const char* const end = version.data() + version.size();
  const auto first = std::from_chars(version.data(), end, major);
  const bool has_dot = first.ec == std::errc() && first.ptr != end && *first.ptr == '.';
  const auto second = has_dot ? std::from_chars(first.ptr + 1, end, minor) : first;
  if (!has_dot || second.ec != std::errc() || second.ptr != end)
    return fail(std::string(kWhere) + ": found minKernel \"" + version + "\", expected one such as \"4.8\"");
  return std::pair(subject.kernel_major, subject.kernel_minor) >= std::pair(major, minor);
}

Result<std::uint64_t> bit_of(const std::string& capability) {
  const auto bit = runtime::process::capability_mask(capability);
  if (!bit)
    return fail(std::string(kWhere) + ": found the capability \"" + capability +
                "\", expected one such as CAP_SYS_ADMIN");
  return *bit;
}

// `includes`: each of its conditions must hold. `excludes`: none of them may.
Result<bool> is_meant(const Json& rule, const SeccompSubject& subject) {
  const Json& includes = field(rule, "includes");
  const Json& excludes = field(rule, "excludes");
  const auto names_architecture = [&](const Json& filter) {
    const auto names = words_of(filter, "arches");
    return std::find(names.begin(), names.end(), subject.architecture) != names.end();
  };
  if (!words_of(includes, "arches").empty() && !names_architecture(includes)) return false;
  if (names_architecture(excludes)) return false;
  for (const auto& name : words_of(includes, "caps")) {
    METE_TRY(const std::uint64_t bit, bit_of(name));
    if ((subject.capabilities & bit) == 0) return false;
  }
  for (const auto& name : words_of(excludes, "caps")) {
    METE_TRY(const std::uint64_t bit, bit_of(name));
    if ((subject.capabilities & bit) != 0) return false;
  }
  if (const std::string version = text_of(includes, "minKernel"); !version.empty()) {
    METE_TRY(const bool new_enough, is_kernel_at_least(version, subject));
    if (!new_enough) return false;
  }
  if (const std::string version = text_of(excludes, "minKernel"); !version.empty()) {
    METE_TRY(const bool too_new, is_kernel_at_least(version, subject));
    if (too_new) return false;
  }
  return true;
}

Result<Json> architectures_of(const Json& profile, const SeccompSubject& subject) {
  const Json& named = field(profile, "architectures");
  const Json& map = field(profile, "archMap");
  if (!map.is_array() || map.empty()) return named.is_array() ? named : Json::array();
  if (named.is_array() && !named.empty())
    return fail(
        "'architectures' and 'archMap' were specified in the seccomp profile, use either 'architectures' or 'archMap'");
  const std::string own = seccomp_name(subject.architecture);
  Json chosen = Json::array();
  for (const auto& each : map) {
    if (text_of(each, "architecture") != own) continue;
    chosen.push_back(own);
    for (const auto& further : words_of(each, "subArchitectures")) chosen.push_back(further);
    break;
  }
  return chosen;
}

Result<Json> rules_of(const Json& profile, const SeccompSubject& subject) {
  Json rules = Json::array();
  const Json& all = field(profile, "syscalls");
  for (const auto& each : all.is_array() ? all : Json::array()) {
    METE_TRY(const bool meant, is_meant(each, subject));
    const std::string name = text_of(each, "name");
    if (!name.empty() && !words_of(each, "names").empty())
      return fail("'name' and 'names' were specified in the seccomp profile, use either 'name' or 'names'");
    if (!meant) continue;
    Json rule = Json::object();
    rule["names"] = name.empty() ? field(each, "names") : Json::array({name});
    for (const char* key : {"action", "errnoRet", "args"}) {
      if (const Json& value = field(each, key); !value.is_null()) rule[key] = value;
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace

std::string seccomp_text_of(const Json& host) {
  const std::string word = seccomp_word(host);
  return word == "unconfined" || word == "builtin" ? "" : word;
}

bool is_seccomp_unconfined(const Json& host) {
  return seccomp_word(host) == "unconfined";
}

Result<std::string> seccomp_profile(const std::string& text, const SeccompSubject& subject) {
  const Json profile = runtime::parse_ordered(text);
  if (profile.is_discarded()) return fail("Decoding seccomp profile failed: found no JSON, expected a seccomp profile");
  if (!profile.is_object()) return fail("Decoding seccomp profile failed: found no object, expected a seccomp profile");
  Json own = Json::object();
  for (const char* key : {"defaultAction", "defaultErrnoRet", "flags", "listenerPath", "listenerMetadata"}) {
    if (const Json& value = field(profile, key); !value.is_null()) own[key] = value;
  }
  METE_TRY(own["architectures"], architectures_of(profile, subject));
  METE_TRY(own["syscalls"], rules_of(profile, subject));
  std::string written = own.dump(-1, ' ', false, Json::error_handler_t::replace);
  METE_TRY([[maybe_unused]] const auto read, runtime::oci::compile_seccomp_file(written, kWhere));
  return written;
}

}  // namespace mete::agent::docker
