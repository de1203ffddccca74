// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "collectors/exposition/exposition.h"
#include "runtime/storage/driver.h"

namespace mete::agent {

// The families mete_storage_pool_*.
void write_pool(std::string& out, const runtime::storage::PoolUse& use, collectors::Format format);

}  // namespace mete::agent
