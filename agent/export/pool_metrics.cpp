// SPDX-License-Identifier: Apache-2.0
#include "agent/export/pool_metrics.h"

#include "agent/base/agent_families.h"

namespace mete::agent {

void write_pool(std::string& out, const runtime::storage::PoolUse& use, collectors::Format format) {
  using collectors::LabelBlock;
  const auto number = [](Bytes bytes) { return static_cast<std::uint64_t>(bytes.count()); };
  {
    auto used = own_writer(out, "mete_storage_pool_used_bytes", format);
    used.add(LabelBlock{{"kind", "data"}}, number(use.data_used));
    used.add(LabelBlock{{"kind", "metadata"}}, number(use.metadata_used));
  }
  {
    auto size = own_writer(out, "mete_storage_pool_size_bytes", format);
    size.add(LabelBlock{{"kind", "data"}}, number(use.data_size));
    size.add(LabelBlock{{"kind", "metadata"}}, number(use.metadata_size));
  }
  own_writer(out, "mete_storage_pool_writable", format).add(std::uint64_t{use.fault.empty() ? 1U : 0U});
}

}  // namespace mete::agent
