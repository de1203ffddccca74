// SPDX-License-Identifier: Apache-2.0
// Asks a registry which images it has of a name.
#pragma once

#include "runtime/registry/pull.h"
#include "runtime/registry/search_documents.h"

namespace mete::runtime::registry {

// The most that are asked for, as docker has it.
inline constexpr int kMostFound = 100;

// At most `limit`, the ones with the most stars first. Mirrors are not asked. Error::code EOPNOTSUPP: the registry has
// no search and tells nobody what it has.
[[nodiscard]] Result<std::vector<FoundImage>> search(const SearchTerm& term, const SearchFilter& filter, int limit,
                                                     const Access& access);

}  // namespace mete::runtime::registry
