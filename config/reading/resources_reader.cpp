// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include "config/diagnostics.h"
#include "config/quantity.h"
#include "config/reading/readers.h"
#include "config/resource_amounts.h"

namespace mete::config {
namespace {

constexpr std::string_view kHugePages = "hugepages-";

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
  list.huge_pages[size] = *amount;
}

// A limit of 0 is none, as in Kubernetes.
template <class T>
bool is_zero(const View& view, Result<T> (*parse)(std::string_view)) {
  return read_with(view, parse) == T(0);
}

ResourceList read_list(const View& view, Side side) {
  ResourceList list;
  const bool limits = side == Side::kLimits;
  for (const auto& [name, value] : view.entries()) {
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
    } else if (name.find('/') != std::string::npos) {
      value.warn({.message = "`" + name + "` is not acted on yet", .not_acted_on = true});
    } else {
      Complaint complaint{"unknown resource", "`" + name + "`", "cpu, memory or hugepages-<size>"};
      complaint.suggestion = nearest(name, {"cpu", "memory", "hugepages-2Mi", "hugepages-1Gi", "ephemeral-storage"});
      if (!complaint.suggestion.empty()) complaint.message += ", did you mean `" + complaint.suggestion + "`?";
      value.error(std::move(complaint));
    }
  }
  return list;
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
  for (const auto& [size, amount] : resources.requests.huge_pages) {
    const auto limit = resources.limits.huge_pages.find(size);
    if (limit != resources.limits.huge_pages.end() && limit->second == amount) continue;
    view["requests"][std::string(kHugePages) + size].error(mismatch(
        "a request without an equal limit", "the same amount under `limits`: huge pages are not overcommitted"));
  }
  resources.requests.huge_pages.insert(resources.limits.huge_pages.begin(), resources.limits.huge_pages.end());
  return resources;
}

}  // namespace mete::config
