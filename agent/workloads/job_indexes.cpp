// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/job_indexes.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "agent/workloads/replica_plan.h"

namespace mete::agent {

bool has_index_of(const config::JobSpec& spec, const Child& child) {
  return !spec.indexed || (child.index >= 0 && child.index < spec.completions.value_or(0));
}

std::string ranges_text(const std::set<int>& indexes) {
  std::string text;
  for (auto at = indexes.begin(); at != indexes.end();) {
    const int first = *at;
    int last = first;
    while (++at != indexes.end() && *at == last + 1) ++last;
    if (!text.empty()) text += ",";
    text += std::to_string(first);
    // Kubernetes writes two neighbours as a list, and more as a range.
    if (last == first + 1) text += "," + std::to_string(last);
    if (last > first + 1) text += "-" + std::to_string(last);
  }
  return text;
}

std::vector<std::string> dispensable_of_job(const config::JobSpec& spec, const std::vector<Child>& children,
                                            int surplus) {
  if (!spec.indexed) return dispensable(children, surplus);
  std::vector<std::string> names;
  std::map<int, std::vector<Child>> by_index;
  for (const auto& child : children) {
    if (!is_active(child)) continue;
    if (has_index_of(spec, child)) {
      by_index[child.index].push_back(child);
    } else {
      names.push_back(child.name);
    }
  }
  std::vector<Child> left;
  for (auto& [index, same] : by_index) {
    const auto twins = dispensable(same, static_cast<int>(same.size()) - 1);
    names.insert(names.end(), twins.begin(), twins.end());
    std::erase_if(same,
                  [&](const Child& child) { return std::find(twins.begin(), twins.end(), child.name) != twins.end(); });
    left.insert(left.end(), std::make_move_iterator(same.begin()), std::make_move_iterator(same.end()));
  }
  const auto more = dispensable(left, surplus - static_cast<int>(names.size()));
  names.insert(names.end(), more.begin(), more.end());
  return names;
}

}  // namespace mete::agent
