// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include "config/diagnostics.h"
#include "config/quantity.h"
#include "config/reading/readers.h"

namespace mete::config {
namespace {

constexpr Bytes kLeastMemory(4LL << 20U);    // less does not hold even a container's first process
constexpr Bytes kMostMemory(1LL << 60U);     // more than any machine has; keeps sums of limits within 64 bits
constexpr MilliCpu kMostCpu(8192LL * 1000);  // NR_CPUS of the largest kernels
constexpr std::string_view kHugePages = "hugepages-";

enum class Side { kRequests, kLimits };

template <class T>
std::optional<T> read_bounded(const View& view, Result<T> (*parse)(std::string_view), T least, T most,
                              const std::string& expected) {
  if (!view) return std::nullopt;
  if (view.node().kind != YamlNode::Kind::kScalar) {
    view.error(mismatch(describe(view.node()), expected));
    return std::nullopt;
  }
  const auto amount = parse(view.node().text);
  if (!amount) {
    view.check(tl::unexpected(amount.error()));
    return std::nullopt;
  }
  if (*amount >= least && *amount <= most) return *amount;
  Complaint complaint = mismatch(describe(view.node()), expected);
  const std::string& text = view.node().text;
  const bool thousandths = std::is_same_v<T, Bytes> && !text.empty() && text.back() == 'm';
  if (thousandths) complaint.message += " (`m` is thousandths of a byte; did you mean `M` or `Mi`?)";
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
  const auto amount = read_bounded(view, parse_bytes, Bytes(0), kMostMemory, "0 or more bytes");
  if (!amount) return;
  if (amount->count() % page->count() != 0) {
    view.error(mismatch(describe(view.node()), "a multiple of the page size " + size));
  }
  list.huge_pages[size] = *amount;
}

ResourceList read_list(const View& view, Side side) {
  ResourceList list;
  const bool limits = side == Side::kLimits;
  for (const auto& [name, value] : view.entries()) {
    if (name == "cpu") {
      list.cpu = read_bounded(value, parse_cpu, MilliCpu(limits ? 1 : 0), kMostCpu,
                              limits ? "more than 0 and at most 8192 CPUs" : "0 to 8192 CPUs");
    } else if (name == "memory") {
      list.memory = read_bounded(value, parse_bytes, limits ? kLeastMemory : Bytes(0), kMostMemory,
                                 limits ? "at least 4Mi and at most 1Ei" : "0 to 1Ei bytes");
    } else if (name.rfind(kHugePages, 0) == 0) {
      read_huge_pages(name, value, list);
    } else if (name == "ephemeral-storage" || name.find('/') != std::string::npos) {
      value.warn({"`" + name + "` is not acted on yet"});
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
