// SPDX-License-Identifier: Apache-2.0
#include "runtime/json.h"

template class nlohmann::basic_json<>;
template class nlohmann::basic_json<nlohmann::ordered_map>;
template nlohmann::json nlohmann::json::parse<const char*>(const char*, const char*, parser_callback_t, bool, bool);
