// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <functional>

#include "config/model/diagnostics.h"
#include "config/reading/readers.h"
#include "config/values/names.h"
#include "config/values/quantity.h"
#include "config/values/resource_amounts.h"

namespace mete::config {
namespace {

constexpr std::string_view kHugePages = "hugepages-";
constexpr std::string_view kPids = "pids";
constexpr std::int64_t kMostPids = 4194304;  // the kernel's PID_MAX_LIMIT, the most that pids.max takes

enum class Side { kRequests, kLimits };

template <class T>
std::optional<T> read_bounded(const View& view, Result<T> (*parse)(std::string_view), const AmountRule<T>& rule) {
  if (!view) return std::nullopt;
  const std::string expected(rule.expected);
  if (view.node().kind != YamlNode::Kind::kScalar) {
    view.error(mismatch(describe(view.node()), expected));
    return std::nullopt;
  }
  const auto amount = parse(view.node().text);
  if (!amount) {
    view.check(tl::unexpected(amount.error()));
    return std::nullopt;
  }
  if (allows(rule, *amount)) return *amount;
  Complaint complaint = mismatch(describe(view.node()), expected);
  if (std::is_same_v<T, Bytes>) complaint.message += hint_of_size(view.node().text);
  view.error(std::move(complaint));
  return std::nullopt;
}

void read_huge_pages(const std::string& name, const View& view, ResourceList& list) {
  const std::string size = name.substr(kHugePages.size());
  const auto page = parse_bytes(size);
  if (!page || *page <= Bytes(0) || !std::has_single_bit(static_cast<std::uint64_t>(page->count()))) {
    view.error(mismatch("page size \"" + size + "\"", "a power of two such as hugepages-2Mi or hugepages-1Gi"));
    return;
  }
  const auto amount = read_bounded(view, parse_bytes, {Bytes(0), kMostMemory, "0 or more bytes"});
  if (!amount) return;
  if (amount->count() % page->count() != 0) {
    view.error(mismatch(describe(view.node()), "a multiple of the page size " + size));
  }
  list.huge_pages.edit()[size] = *amount;
}

// A limit of 0 is none, as in Kubernetes.
template <class T>
bool is_zero(const View& view, Result<T> (*parse)(std::string_view)) {
  return read_with(view, parse) == T(0);
}

// kWholePod: its limit on processes is read by read_pids_limit().
enum class Whose { kContainer, kWholePod };

ResourceList read_list(const View& view, Side side, Whose whose = Whose::kContainer) {
  ResourceList list;
  const bool limits = side == Side::kLimits;
  for (const auto& [name, value] : view.entries()) {
    if (name == kPids && limits && whose == Whose::kWholePod) continue;
    if (name == "cpu") {
      if (!limits || !is_zero(value, parse_cpu))
        list.cpu = read_bounded(value, parse_cpu, limits ? kCpuLimit : kCpuRequest);
    } else if (name == "memory") {
      if (!limits || !is_zero(value, parse_bytes)) {
        list.memory = read_bounded(value, parse_bytes, limits ? kMemoryLimit : kMemoryRequest);
      }
    } else if (name.rfind(kHugePages, 0) == 0) {
      read_huge_pages(name, value, list);
    } else if (name == "ephemeral-storage") {
      if (!limits || !is_zero(value, parse_bytes))
        list.ephemeral_storage = read_bounded(value, parse_bytes, {Bytes(0), kMostMemory, "0 or more bytes"});
    } else if (name.find('/') == std::string::npos) {
      Complaint complaint{"unknown resource", "`" + name + "`", "cpu, memory or hugepages-<size>"};
      if (name == "pids")
        complaint.message += "; `limits` of the pod's own resources bound processes, and a Policy by `pids.max`";
      complaint.suggestion = nearest(name, {"cpu", "memory", "hugepages-2Mi", "hugepages-1Gi", "ephemeral-storage"});
      if (!complaint.suggestion.empty()) complaint.message += ", did you mean `" + complaint.suggestion + "`?";
      value.error(std::move(complaint));
    }
  }
  return list;
}

// Empty: no whole number of devices, which is reported.
std::optional<std::int64_t> whole_devices(const View& value) {
  if (value.node().kind != YamlNode::Kind::kScalar) {
    value.error(mismatch(describe(value.node()), "a whole number"));
    return std::nullopt;
  }
  // A quantity, which is rounded up to a whole number and to a thousandth.
  const auto count = parse_count(value.node().text);
  const auto thousandths = parse_cpu(value.node().text);
  if (count && *count < 0) {
    value.error({"must be greater than or equal to 0", describe(value.node()), "0 or more"});
  } else if (!count || !thousandths || thousandths->count() != *count * 1000) {
    value.error({"must be an integer", describe(value.node()), "a whole number of devices"});
  } else {
    return *count;
  }
  return std::nullopt;
}

// "nvidia.com/gpu": devices of this machine. The messages are those of Kubernetes (pkg/apis/core/validation).
void read_devices(const View& limits, const View& requests, Resources& resources) {
  const auto is_device = [](const std::string& name) { return name.find('/') != std::string::npos; };
  for (const auto& [name, value] : limits.entries()) {
    if (!is_device(name)) continue;
    if (const Status kind = check_label_key(name); !kind || name.find("kubernetes.io/") != std::string::npos)
      value.error({"must be a standard resource for containers", "`" + name + "`",
                   "cpu, memory, hugepages-<size>, ephemeral-storage or devices such as vendor.com/class"});
    const auto count = whole_devices(value);
    if (!count) continue;
    if (const View request = requests[name]; request && whole_devices(request) != count)
      request.error({"must be equal to " + name + " limit of " + std::to_string(*count), describe(request.node()),
                     "the limit, as devices are not shared"});
    if (*count == 0) continue;
    resources.limits.devices.edit()[name] = *count;
    resources.requests.devices.edit()[name] = *count;
  }
  for (const auto& [name, value] : requests.entries()) {
    if (!is_device(name) || limits[name]) continue;
    if (whole_devices(value).value_or(0) != 0)
      value.error({"Limit must be set for non overcommitable resources", "a request for `" + name + "` alone",
                   "the same number under `limits`"});
  }
}

template <class T>
void default_and_compare(std::optional<T>& request, const std::optional<T>& limit, const View& limits,
                         std::string_view name) {
  if (!request) request = limit;
  if (!limit || *request <= *limit) return;
  limits[name].error(mismatch("a limit below the request", "at least what `requests` says"));
}

}  // namespace

Resources read_resources(const View& view) {
  Resources resources;
  const View limits = view["limits"];
  resources.limits = read_list(limits, Side::kLimits);
  resources.requests = read_list(view["requests"], Side::kRequests);
  default_and_compare(resources.requests.cpu, resources.limits.cpu, limits, "cpu");
  default_and_compare(resources.requests.memory, resources.limits.memory, limits, "memory");
  default_and_compare(resources.requests.ephemeral_storage, resources.limits.ephemeral_storage, limits,
                      "ephemeral-storage");
  read_devices(limits, view["requests"], resources);
  for (const auto& [size, amount] : *resources.requests.huge_pages) {
    const auto limit = resources.limits.huge_pages->find(size);
    if (limit != resources.limits.huge_pages->end() && limit->second == amount) continue;
    view["requests"][std::string(kHugePages) + size].error(mismatch(
        "a request without an equal limit", "the same amount under `limits`: huge pages are not overcommitted"));
  }
  if (!resources.limits.huge_pages->empty())
    resources.requests.huge_pages.edit().insert(resources.limits.huge_pages->begin(),
                                                resources.limits.huge_pages->end());
  return resources;
}

namespace {

const Container* first_above(const PodSpec& spec, const std::function<bool(const ResourceList& limits)>& is_above) {
  for (const auto* list : {&spec.init_containers, &spec.containers}) {
    for (const auto& each : *list) {
      if (is_above(each.resources.limits)) return &each;
    }
  }
  return nullptr;
}

// Of the containers that run together: init containers but sidecars come before.
template <class T>
std::optional<T> sum_of_requests(const PodSpec& spec, std::optional<T> ResourceList::*member) {
  std::optional<T> sum;
  const auto add = [&](const Container& each) {
    if (const auto& own = each.resources.requests.*member) sum = sum.value_or(T(0)) + *own;
  };
  for (const auto& each : spec.init_containers) {
    if (each.sidecar) add(each);
  }
  for (const auto& each : spec.containers) add(each);
  return sum;
}

template <class T>
void check_pod_resource(const View& view, PodSpec& spec, std::optional<T> ResourceList::*member, const char* name) {
  auto& own = *spec.resources;
  const auto& limit = own.limits.*member;
  const auto together = sum_of_requests(spec, member);
  if (!view["requests"][name]) {
    own.requests.*member = together ? together : limit;
  } else if (together && own.requests.*member < together) {
    view["requests"][name].error(mismatch("less than the requests of all containers", "at least their sum"));
  }
  if (!limit) return;
  if (own.requests.*member > limit)
    view["limits"][name].error(mismatch("a limit below the request", "at least what `requests` or the containers say"));
  const Container* const above =
      first_above(spec, [&](const ResourceList& limits) { return limits.*member && *(limits.*member) > *limit; });
  if (above != nullptr) {
    view["limits"][name].error(
        mismatch("a limit below that of container `" + above->name + "`", "at least the limit of each container"));
  }
}

// `limits` of the whole pod alone: processes cannot be requested.
std::optional<std::uint64_t> read_pids_limit(const View& view) {
  if (!view) return std::nullopt;
  const bool scalar = view.node().kind == YamlNode::Kind::kScalar;
  // Both round up: they agree where the number is whole.
  const auto count = scalar ? parse_count(view.node().text) : Result<std::int64_t>(0);
  const auto thousandths = scalar ? parse_cpu(view.node().text) : Result<MilliCpu>(MilliCpu(0));
  const bool whole = count && thousandths && thousandths->count() == *count * 1000;
  if (whole && *count >= 1 && *count <= kMostPids) return static_cast<std::uint64_t>(*count);
  view.error(mismatch(describe(view.node()), "a whole number of processes and threads from 1 to 4194304"));
  return std::nullopt;
}

}  // namespace

void read_pod_resources(const View& view, PodSpec& spec) {
  if (!view) return;
  for (const char* side : {"limits", "requests"}) {
    for (const auto& [name, value] : view[side].entries()) {
      // All other names are unknown, which read_list() reports.
      if (name == "ephemeral-storage" || name.starts_with(kHugePages) || name.find('/') != std::string::npos)
        value.error(mismatch("`" + name + "` for a whole pod", "cpu or memory; all others belong to containers"));
    }
  }
  const View pids = view["limits"][kPids];
  spec.pids_limit = read_pids_limit(pids);
  // What bounds processes alone leaves CPU and memory to the containers.
  if (pids && view["limits"].entries().size() == 1 && view["requests"].entries().empty()) return;
  spec.resources.emplace();
  spec.resources->limits = read_list(view["limits"], Side::kLimits, Whose::kWholePod);
  spec.resources->requests = read_list(view["requests"], Side::kRequests, Whose::kWholePod);
  check_pod_resource(view, spec, &ResourceList::cpu, "cpu");
  check_pod_resource(view, spec, &ResourceList::memory, "memory");
}

}  // namespace mete::config
