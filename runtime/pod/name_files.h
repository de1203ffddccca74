// SPDX-License-Identifier: Apache-2.0
// The pod's own name, and the texts of its /etc/hosts and /etc/resolv.conf. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/model/pod_spec.h"

namespace mete::runtime::pod {

// Kubernetes' rule: hostnameOverride; with setHostnameAsFQDN and a subdomain the full name; otherwise spec.hostname or
// the pod's name, at most 63 characters.
[[nodiscard]] std::string hostname_of(const config::Pod& pod);

// HOSTNAME.SUBDOMAIN.NAMESPACE.svc.cluster.local; empty without a subdomain.
[[nodiscard]] std::string full_hostname_of(const config::Pod& pod);

// /etc/hosts of the pod's containers: this machine, the pod's own names, its hostAliases. `addresses`: of the pod;
// empty: it has its loopback only.
[[nodiscard]] std::string hosts_text(const config::Pod& pod, const std::vector<std::string>& addresses);

// That of a pod in the machine's network, which `machine` is the text of: with the pod's hostAliases.
[[nodiscard]] std::string hosts_text_beside(std::string_view machine, const config::Pod& pod);

// /etc/resolv.conf by dnsPolicy and dnsConfig. `machine`: the machine's own text. Of both the servers and search
// domains are joined, and an option of dnsConfig replaces the machine's. Empty: the manifest asks for nothing of its
// own.
[[nodiscard]] std::optional<std::string> resolv_text(const config::PodSpec& spec, std::string_view machine);

// The machine's resolv.conf for a pod of a network: with the network's own server, or without those of the machine's
// loopback, which the pod cannot reach. `server`: empty where the network has none.
[[nodiscard]] std::string resolver_inside(std::string_view machine, const std::string& server);

}  // namespace mete::runtime::pod
