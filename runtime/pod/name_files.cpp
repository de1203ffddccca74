// SPDX-License-Identifier: Apache-2.0
#include "runtime/pod/name_files.h"

#include <algorithm>
#include <vector>

#include "runtime/cgroup/text.h"

namespace mete::runtime::pod {
namespace {

constexpr std::size_t kHostnameLength = 63;
constexpr std::size_t kMostServers = 3;  // MAXNS of resolv.h: the resolver reads no more
constexpr std::string_view kClusterDomain = "svc.cluster.local";

std::string short_hostname(const config::Pod& pod) {
  std::string name = pod.spec.hostname.empty() ? pod.metadata.name : pod.spec.hostname;
  if (name.size() > kHostnameLength) name.resize(kHostnameLength);
  while (!name.empty() && (name.back() == '-' || name.back() == '.')) name.pop_back();
  return name;
}

void add_new(std::vector<std::string>& list, std::string text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
}

struct Resolver {
  std::vector<std::string> servers;
  std::vector<std::string> searches;
  std::vector<std::string> options;  // "ndots:5"
};

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const auto end = line.find_first_of(" \t");
    if (end != 0) words.emplace_back(line.substr(0, end));
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  return words;
}

// resolv.conf(5): of several search lines the last one counts.
Resolver parse_resolver(std::string_view text) {
  Resolver resolver;
  while (!text.empty()) {
    const auto words = words_of(cgroup::next_line(text));
    if (words.size() < 2 || words[0].starts_with('#') || words[0].starts_with(';')) continue;
    const std::vector<std::string> values(words.begin() + 1, words.end());
    if (words[0] == "nameserver") resolver.servers.push_back(values.front());
    if (words[0] == "search" || words[0] == "domain") resolver.searches = values;
    if (words[0] == "options") resolver.options.insert(resolver.options.end(), values.begin(), values.end());
  }
  return resolver;
}

void set_option(std::vector<std::string>& options, const std::string& name, const std::string& value) {
  const auto same = [&](const std::string& each) { return each == name || each.starts_with(name + ":"); };
  options.erase(std::remove_if(options.begin(), options.end(), same), options.end());
  options.push_back(value.empty() ? name : name + ":" + value);
}

std::string line_of(std::string_view keyword, const std::vector<std::string>& values) {
  if (values.empty()) return {};
  std::string line(keyword);
  for (const auto& each : values) line.append(" ").append(each);
  return line + "\n";
}

// In the order of docker's engine and the kubelet.
std::string text_of(const Resolver& resolver) {
  std::string text = line_of("search", resolver.searches);
  for (const auto& each : resolver.servers) text += "nameserver " + each + "\n";
  return text + line_of("options", resolver.options);
}

std::string alias_lines(const config::Pod& pod) {
  std::string text;
  for (const auto& alias : pod.spec.host_aliases) {
    text += alias.ip;
    for (const auto& name : alias.hostnames) text.append("\t").append(name);
    text += "\n";
  }
  return text;
}

}  // namespace

std::string full_hostname_of(const config::Pod& pod) {
  if (pod.spec.subdomain.empty()) return {};
  return short_hostname(pod) + "." + pod.spec.subdomain + "." + pod.metadata.namespace_ + "." +
         std::string(kClusterDomain);
}

std::string hostname_of(const config::Pod& pod) {
  if (!pod.spec.hostname_override.empty()) return pod.spec.hostname_override;
  if (pod.spec.hostname_is_fqdn && !pod.spec.subdomain.empty()) return full_hostname_of(pod);
  return short_hostname(pod);
}

std::string hosts_text(const config::Pod& pod, const std::vector<std::string>& addresses) {
  std::string text = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";
  const std::string full = full_hostname_of(pod);
  const std::string own = hostname_of(pod);
  for (const auto& each : addresses.empty() ? std::vector<std::string>{"127.0.0.1"} : addresses) {
    text += each + "\t";
    if (!full.empty()) text += full + "\t";
    text += (own == full ? short_hostname(pod) : own) + "\n";
  }
  return text + alias_lines(pod);
}

std::string hosts_text_beside(std::string_view machine, const config::Pod& pod) {
  std::string text(machine);
  if (!text.empty() && text.back() != '\n') text += "\n";
  return text + alias_lines(pod);
}

std::string resolver_inside(std::string_view machine, const std::string& server) {
  Resolver resolver = parse_resolver(machine);
  const auto is_loopback = [](const std::string& each) { return each.starts_with("127.") || each == "::1"; };
  std::erase_if(resolver.servers, is_loopback);
  if (!server.empty()) resolver.servers = {server};
  return text_of(resolver);
}

std::optional<std::string> resolv_text(const config::PodSpec& spec, std::string_view machine) {
  if (spec.dns_policy != config::DnsPolicy::kNone && spec.dns == config::DnsConfig{}) return std::nullopt;
  Resolver resolver;
  if (spec.dns_policy != config::DnsPolicy::kNone) resolver = parse_resolver(machine);
  for (const auto& each : spec.dns->nameservers) add_new(resolver.servers, each);
  for (const auto& each : spec.dns->searches) add_new(resolver.searches, each);
  for (const auto& [name, value] : spec.dns->options) set_option(resolver.options, name, value);
  if (resolver.servers.size() > kMostServers) resolver.servers.resize(kMostServers);
  return text_of(resolver);
}

}  // namespace mete::runtime::pod
