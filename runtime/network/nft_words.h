// SPDX-License-Identifier: Apache-2.0
// The attributes of which messages of nf_tables are made. Internal to nft_*.cpp. Pure.
#pragma once

#include <string>

#include "runtime/network/nft_rules.h"

namespace mete::runtime::network::nft {

// A value of bytes.
void add_data(Message& message, unsigned type, const std::string& bytes);
// A verdict, with its chain where it has one.
void add_verdict(Message& message, unsigned type, std::int32_t code, const std::string& chain);
void add_expression(Message& message, const Expression& expression);

}  // namespace mete::runtime::network::nft
