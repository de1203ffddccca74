// SPDX-License-Identifier: Apache-2.0
// The two parts of a request that have a grammar of their own.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <string_view>

#include "agent/docker/create/pod_of.h"
#include "agent/docker/held_mounts.h"
#include "config/values/ip_address.h"
#include "runtime/json_numbers.h"

namespace mete::agent::docker {
namespace {

Status check_target(const std::string& whole, const std::string& target, const std::string& type) {
  if (target.empty() || target.front() != '/')
    return fail("invalid volume specification: '" + whole + "': invalid mount config for type \"" + type +
                "\": invalid mount path: '" + target + "' mount path must be absolute");
  if (target.find_first_not_of('/') == std::string::npos)
    return fail("invalid volume specification: '" + whole + "': invalid specification: destination can't be '/'");
  return {};
}

Status check_volume_name(const std::string& name) {
  if (is_plain_name(name)) return {};
  if (name.size() == 1)
    return fail("create " + name + ": volume name is too short, names should be at least two alphanumeric characters");
  return fail("create " + name + ": \"" + name +
              "\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. "
              "If you intended to pass a host directory, use absolute path");
}

Status take_mode(const std::string& mode, MountAsked& mount) {
  constexpr std::array<std::string_view, 6> kPropagations = {"rprivate", "private", "rslave",
                                                             "slave",    "rshared", "shared"};
  std::string_view rest = mode;
  int access = 0;  // how many words of one kind; docker takes one of each
  int labels = 0;
  int propagations = 0;
  int copies = 0;
  while (!rest.empty()) {
    const std::string_view option = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), option.size() + 1));
    bool is_first = false;
    if (option == "ro" || option == "rw") {
      is_first = ++access == 1;
      mount.read_only = option == "ro";
    } else if (std::find(kPropagations.begin(), kPropagations.end(), option) != kPropagations.end()) {
      is_first = ++propagations == 1;
      mount.propagation = option;
    } else if (option == "nocopy") {
      is_first = ++copies == 1;
      mount.no_copy = true;
    } else if (option == "z" || option == "Z") {
      is_first = ++labels == 1;
    }
    if (!is_first) return fail("invalid mode: " + mode);
  }
  mount.mode = mode;
  return {};
}

// What docker takes: words of mount(8), and what a tmpfs has.
Status check_tmpfs_options(const std::string& options) {
  const MountWords words = mount_words(options);
  std::string_view rest = words.data;
  while (!rest.empty()) {
    const std::string_view option = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), option.size() + 1));
    constexpr std::array<std::string_view, 7> kOwn = {"mode", "uid", "gid", "size", "mpol", "nr_inodes", "nr_blocks"};
    const auto equal = option.find('=');
    if (equal == std::string_view::npos || std::find(kOwn.begin(), kOwn.end(), option.substr(0, equal)) == kOwn.end())
      return fail("invalid tmpfs option [\"" + std::string(option) + "\"]");
  }
  return {};
}

// "SOURCE:TARGET[:MODE]"
Result<MountAsked> bind_of(const std::string& text) {
  const auto first = text.find(':');
  const auto second = first == std::string::npos ? first : text.find(':', first + 1);
  MountAsked mount;
  mount.source = text.substr(0, first);
  mount.target = first == std::string::npos ? "" : text.substr(first + 1, second - first - 1);
  mount.type = mount.source.starts_with('/') ? "bind" : "volume";
  METE_CHECK(check_target(text, mount.target, mount.type));
  if (mount.type == "volume") METE_CHECK(check_volume_name(mount.source));
  if (second != std::string::npos) METE_CHECK(take_mode(text.substr(second + 1), mount));
  const bool is_volume = mount.type == "volume";
  if (is_volume ? !mount.propagation.empty() : mount.no_copy)
    return fail("invalid volume specification: '" + text + "': invalid mount config for type \"" + mount.type +
                "\": field " + (is_volume ? "Bind" : "Volume") + "Options must not be specified");
  if (mount.type == "bind" && mount.propagation.empty()) mount.propagation = "rprivate";
  return mount;
}

Result<MountAsked> mount_of(const Json& value) {
  MountAsked mount;
  mount.type = text_of(value, "Type");
  mount.source = text_of(value, "Source");
  mount.target = text_of(value, "Target");
  mount.read_only = flag_of(value, "ReadOnly");
  if (mount.type != "bind" && mount.type != "volume" && mount.type != "tmpfs")
    return fail("invalid mount config for type \"" + mount.type + "\": mount type unknown");
  METE_CHECK(check_target(mount.target, mount.target, mount.type));
  if (mount.type == "bind") {
    if (!mount.source.starts_with('/'))
      return fail("invalid mount config for type \"bind\": invalid mount path: '" + mount.source +
                  "' mount path must be absolute");
    mount.propagation = text_of(field(value, "BindOptions"), "Propagation");
    if (mount.propagation.empty()) mount.propagation = "rprivate";
    mount.must_exist = !flag_of(field(value, "BindOptions"), "CreateMountpoint");
  } else if (mount.type == "volume") {
    if (!mount.source.empty()) METE_CHECK(check_volume_name(mount.source));
    const Json& options = field(value, "VolumeOptions");
    mount.no_copy = flag_of(options, "NoCopy");
    if (const Json& path = field(options, "Subpath"); !is_nothing(path))
      return fail("VolumeOptions.Subpath: found " + path.dump().substr(0, 80) + ", but volumes are mounted as a whole");
    const Json& driver = field(options, "DriverConfig");
    if (const std::string name = text_of(driver, "Name"); !name.empty() && name != "local")
      return fail("create " + mount.source + ": error looking up volume plugin " + name + ": plugin \"" + name +
                  "\" not found");
    mount.volume_options = field(driver, "Options");
  } else {
    const Json& options = field(value, "TmpfsOptions");
    if (const auto size = number_of(options, "SizeBytes"); size > 0) mount.options = "size=" + std::to_string(size);
    if (const auto mode = number_of(options, "Mode"); mode > 0) {
      char text[16];
      std::snprintf(text, sizeof text, "mode=%o", static_cast<unsigned>(mode));
      mount.options.append(mount.options.empty() ? "" : ",").append(text);
    }
    if (mount.read_only) mount.options.append(mount.options.empty() ? "" : ",").append("ro");
  }
  return mount;
}

Result<std::uint16_t> number_of_port(const std::string& text) {
  unsigned number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || number > 65535)
    return fail("invalid port specification: \"" + text + "\"");
  return static_cast<std::uint16_t>(number);
}

}  // namespace

Result<PortAsked> exposed_port(const std::string& text) {
  PortAsked port;
  const auto slash = text.find('/');
  METE_TRY(port.container_port, number_of_port(text.substr(0, slash)));
  if (slash != std::string::npos) port.protocol = text.substr(slash + 1);
  if (port.container_port == 0 || (port.protocol != "tcp" && port.protocol != "udp" && port.protocol != "sctp"))
    return fail("invalid port specification: \"" + text + "\"");
  return port;
}

Result<std::vector<MountAsked>> mounts_of(const Json& config, const Json& host_config) {
  std::vector<MountAsked> mounts;
  const auto add = [&mounts](MountAsked mount) -> Status {
    const bool twice =
        std::any_of(mounts.begin(), mounts.end(), [&](const MountAsked& each) { return each.target == mount.target; });
    if (twice) return fail("Duplicate mount point: " + mount.target);
    mounts.push_back(std::move(mount));
    return {};
  };
  for (const auto& each : words_of(host_config, "Binds")) {
    METE_TRY(MountAsked mount, bind_of(each));
    METE_CHECK(add(std::move(mount)));
  }
  if (const Json& list = field(host_config, "Mounts"); list.is_array()) {
    for (const auto& each : list) {
      METE_TRY(MountAsked mount, mount_of(each));
      METE_CHECK(add(std::move(mount)));
    }
  }
  for (const auto& [target, options] : texts_of(host_config, "Tmpfs")) {
    METE_CHECK(check_target(target, target, "tmpfs"));
    METE_CHECK(check_tmpfs_options(options));
    MountAsked mount;
    mount.type = "tmpfs";
    mount.target = target;
    mount.options = options;
    METE_CHECK(add(std::move(mount)));
  }
  // Those of others (share_volumes()) give way to its own.
  const Json& shared = field(config, "MeteVolumesFrom");
  for (const auto& each : shared.is_array() ? shared : Json::array()) {
    MountAsked mount{text_of(each, "Type"), text_of(each, "Source"), text_of(each, "Target"), text_of(each, "Mode")};
    mount.read_only = flag_of(each, "ReadOnly");
    mount.propagation = text_of(each, "Propagation");
    (void)add(std::move(mount));
  }
  // An anonymous volume gives way to what is mounted there by name.
  for (const auto& target : names_in(config, "Volumes")) {
    METE_CHECK(check_target(target, target, "volume"));
    MountAsked mount;
    mount.type = "volume";
    mount.target = target;
    (void)add(std::move(mount));
  }
  // The names that anonymous volumes were given when the container was made.
  const auto names = texts_of(config, "MeteVolumes");
  for (auto& mount : mounts) {
    const auto name = names.find(mount.target);
    if (mount.type == "volume" && mount.source.empty() && name != names.end()) mount.source = name->second;
  }
  return mounts;
}

Result<std::vector<PortAsked>> ports_of(const Json& config, const Json& host_config) {
  std::vector<PortAsked> ports;
  const Json& bindings = field(host_config, "PortBindings");
  if (bindings.is_object()) {
    for (const auto& [name, list] : bindings.items()) {
      METE_TRY(const PortAsked port, exposed_port(name));
      for (const auto& each : list.is_array() ? list : Json::array()) {
        PortAsked published = port;
        published.host_ip = text_of(each, "HostIp");
        if (!published.host_ip.empty() && !config::parse_ip(published.host_ip))
          return fail("invalid IP address: " + published.host_ip);
        if (const std::string number = text_of(each, "HostPort"); !number.empty()) {
          METE_TRY(published.host_port, number_of_port(number));
        }
        ports.push_back(published);
      }
    }
  }
  const bool all = flag_of(host_config, "PublishAllPorts");
  for (const auto& name : all ? names_in(config, "ExposedPorts") : std::vector<std::string>()) {
    METE_TRY(const PortAsked port, exposed_port(name));
    const bool bound = std::any_of(ports.begin(), ports.end(), [&](const PortAsked& each) {
      return each.container_port == port.container_port && each.protocol == port.protocol;
    });
    if (!bound) ports.push_back(port);
  }
  // Those that were chosen when the container was made, in the same order.
  const Json& chosen = field(config, "MetePorts");
  for (std::size_t i = 0; i < ports.size() && i < chosen.size(); ++i)
    ports[i].host_port = runtime::whole<std::uint16_t>(chosen[i]).value_or(0);
  return ports;
}

}  // namespace mete::agent::docker
