// SPDX-License-Identifier: Apache-2.0
// The part of the reader about limits. They depend on all cgroups above, also on those that are not exported.
#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>

#include "collectors/effective.h"
#include "collectors/reader.h"

namespace mete::collectors {
namespace {

// Target::cgroup_id of an ancestor that is read only for its limits.
constexpr std::uint64_t kNotAsked = 1;

}  // namespace

// Adds the ancestors whose limits count although their series are not wanted. The cgroup of a pod with a single
// container is left out: that pod's limits are set on the container's cgroup alone.
void Reader::add_ancestors() {
  std::set<std::string> known;
  for (const Target& target : targets_) known.insert(target.path);
  std::vector<Target> more;
  for (const Target& target : targets_) {
    std::string path = target.path;
    for (bool first = true; path.size() > 1; first = false) {
      path.erase(std::max<std::size_t>(path.rfind('/'), 1));
      const bool skip = first && target.pod_labels != nullptr;
      if (path == "/" || skip || !known.insert(path).second) continue;
      Target ancestor;
      ancestor.path = path;
      ancestor.foreign = true;
      ancestor.cgroup_id = kNotAsked;
      more.push_back(std::move(ancestor));
    }
  }
  targets_.insert(targets_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

void Reader::set_effective_limits() {
  std::unordered_map<std::string_view, const Sample*> samples;
  for (const Series& series : reading_->series) samples.emplace(series.path, series.sample);
  std::vector<const Sample*> chain;
  for (Series& series : reading_->series) {
    if (series.sample == nullptr) continue;
    chain.assign(1, series.sample);
    for (std::string_view path = series.path; path.size() > 1;) {
      path = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
      if (path == "/") break;
      const auto found = samples.find(path);
      chain.push_back(found == samples.end() ? nullptr : found->second);
    }
    series.effective = effective_limits(chain, reading_->machine);
  }
}

}  // namespace mete::collectors
