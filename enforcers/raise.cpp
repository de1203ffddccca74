// SPDX-License-Identifier: Apache-2.0
#include "enforcers/raise.h"

#include <algorithm>
#include <string>

#include "enforcers/memory_watch.h"

namespace mete::enforcers {

Result<Bytes> raised_limit(const config::OomRaise& raise, const RaiseFacts& facts) {
  constexpr std::int64_t kPage = 4096;
  Bytes wanted = facts.current + std::max(share_of(facts.original, raise.by), Bytes(kPage));
  if (raise.max) wanted = std::min(wanted, *raise.max);
  wanted = Bytes(wanted.count() / kPage * kPage);
  if (wanted <= facts.current) {
    return fail("the limit is at " + std::to_string(facts.current.count()) +
                " bytes, the largest that memory.raise.max allows");
  }
  const Bytes more = wanted - facts.current;
  if (more > facts.available) {
    return fail("the machine has " + std::to_string(std::max<std::int64_t>(facts.available.count(), 0)) +
                " bytes left, and " + std::to_string(more.count()) + " would be needed");
  }
  return wanted;
}

}  // namespace mete::enforcers
