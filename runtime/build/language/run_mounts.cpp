// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/language/run_mounts.h"

#include <charconv>

#include "config/base/csv_fields.h"
#include "config/convert/docker_amounts.h"

namespace mete::runtime::build {
namespace {

struct Field {
  std::string name;
  std::string value;
  bool has_value = false;
};

Result<std::vector<Field>> fields_of(const std::string& text) {
  const auto parts = config::csv_fields(text);
  if (!parts) return fail("--mount: " + parts.error().what);
  std::vector<Field> fields;
  for (const std::string& part : *parts) {
    const std::size_t equals = part.find('=');
    const bool has_value = equals != std::string::npos;
    fields.push_back({lower_case(part.substr(0, equals)), has_value ? part.substr(equals + 1) : "", has_value});
  }
  return fields;
}

Result<std::uint32_t> number(const Field& field, int base) {
  std::uint32_t value = 0;
  const char* end = field.value.data() + field.value.size();
  const auto [at, error] = std::from_chars(field.value.data(), end, value, base);
  if (error != std::errc() || at != end || field.value.empty())
    return fail("--mount: found " + field.name + "=" + field.value + ", expected a number");
  return value;
}

Result<bool> yes_or_no(const Field& field) {
  if (!field.has_value || field.value == "true" || field.value == "1") return true;
  if (field.value == "false" || field.value == "0") return false;
  return fail("--mount: found " + field.name + "=" + field.value + ", expected true or false");
}

Result<RunMountKind> kind_of(const std::vector<Field>& fields) {
  for (const Field& field : fields) {
    if (field.name != "type") continue;
    if (field.value == "bind") return RunMountKind::kBind;
    if (field.value == "cache") return RunMountKind::kCache;
    if (field.value == "tmpfs") return RunMountKind::kTmpfs;
    if (field.value == "secret") return RunMountKind::kSecret;
    return fail("--mount: found type=" + field.value +
                ", expected bind, cache, tmpfs or secret: no other mount is made for a build");
  }
  return RunMountKind::kBind;
}

Result<bool> take_cache_field(const Field& field, RunMount& mount) {
  if (field.name == "sharing") {
    if (field.value == "shared") {
      mount.sharing = CacheSharing::kShared;
    } else if (field.value == "private") {
      mount.sharing = CacheSharing::kPrivate;
    } else if (field.value == "locked") {
      mount.sharing = CacheSharing::kLocked;
    } else {
      return fail("--mount: found sharing=" + field.value + ", expected shared, private or locked");
    }
    return true;
  }
  return false;
}

Result<bool> take_owner_field(const Field& field, RunMount& mount) {
  if (field.name == "mode") {
    METE_TRY(mount.mode, number(field, 8));
    mount.mode &= 07777U;
  } else if (field.name == "uid") {
    METE_TRY(mount.uid, number(field, 10));
  } else if (field.name == "gid") {
    METE_TRY(mount.gid, number(field, 10));
  } else {
    return false;
  }
  return true;
}

// False: no mount of this kind has such a field.
Result<bool> take_field(const Field& field, RunMount& mount) {
  using Kind = RunMountKind;
  const Kind kind = mount.kind;
  const bool has_source = kind == Kind::kBind || kind == Kind::kCache;
  const bool has_owner = kind == Kind::kCache || kind == Kind::kSecret;
  if (field.name == "type") return true;
  if (field.name == "target" || field.name == "dst" || field.name == "destination") {
    mount.target = field.value;
  } else if (has_source && (field.name == "source" || field.name == "src")) {
    mount.source = field.value;
  } else if (has_source && field.name == "from") {
    mount.from = field.value;
  } else if (has_owner && field.name == "id") {
    mount.id = field.value;
  } else if (has_source && (field.name == "ro" || field.name == "readonly")) {
    METE_TRY(mount.read_only, yes_or_no(field));
  } else if (has_source && (field.name == "rw" || field.name == "readwrite")) {
    METE_TRY(const bool writable, yes_or_no(field));
    mount.read_only = !writable;
  } else if (kind == Kind::kSecret && field.name == "required") {
    METE_TRY(mount.required, yes_or_no(field));
  } else if (kind == Kind::kSecret && field.name == "env") {
    mount.variable = field.value;
  } else if (kind == Kind::kTmpfs && field.name == "size") {
    METE_TRY(mount.size, bytes_of(field.value));
  } else if (has_owner) {
    METE_TRY(const bool owner, take_owner_field(field, mount));
    if (owner) return true;
    return kind == Kind::kCache ? take_cache_field(field, mount) : Result<bool>(false);
  } else {
    return false;
  }
  return true;
}

Status fill_defaults(RunMount& mount) {
  if (mount.kind == RunMountKind::kSecret) {
    if (mount.id.empty()) mount.id = mount.target.substr(mount.target.rfind('/') + 1);
    if (mount.id.empty()) return fail("--mount: found a secret without a name, expected id=NAME");
    if (mount.target.empty() && mount.variable.empty()) mount.target = "/run/secrets/" + mount.id;
  }
  if (mount.target.empty() && mount.kind != RunMountKind::kSecret)
    return fail("--mount: found no target, expected target=PATH");
  if (mount.kind == RunMountKind::kCache && mount.id.empty()) mount.id = mount.target;
  if (mount.kind == RunMountKind::kCache && !mount.from.empty())
    return fail("--mount: found from=" + mount.from + " of a cache, expected none: a cache begins empty");
  if (mount.kind == RunMountKind::kCache && !mount.source.empty())
    return fail("--mount: found source=" + mount.source + " of a cache, expected none: a cache begins empty");
  return {};
}

Result<RunMount> read_mount(const std::string& text) {
  METE_TRY(const auto fields, fields_of(text));
  RunMount mount;
  METE_TRY(mount.kind, kind_of(fields));
  mount.read_only = mount.kind == RunMountKind::kBind;
  if (mount.kind == RunMountKind::kSecret) mount.mode = 0400;
  if (mount.kind == RunMountKind::kCache) mount.mode = 0755;
  for (const Field& field : fields) {
    METE_TRY(const bool known, take_field(field, mount));
    if (!known)
      return fail("--mount: found the field \"" + field.name + "\", which a mount of this type does not have");
  }
  METE_CHECK(fill_defaults(mount));
  return mount;
}

}  // namespace

Result<std::int64_t> bytes_of(const std::string& text) {
  const auto size = config::docker_size(text);
  if (!size) return fail("found \"" + text + "\", expected a size such as 512m or 2g");
  return *size;
}

Result<std::vector<RunMount>> run_mounts(const Instruction& run) {
  std::vector<RunMount> mounts;
  for (const Flag& flag : run.flags) {
    if (flag.name != "mount") continue;
    METE_TRY(RunMount mount, read_mount(flag.value.value_or("")));
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

}  // namespace mete::runtime::build
