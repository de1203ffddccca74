// SPDX-License-Identifier: Apache-2.0
// nlohmann's JSON. Its classes are compiled once, in json.cpp: without that each file that includes the library
// compiles the parser and the writer again, because the library's own literals call them (1 to 4 s of CPU time a file).
#pragma once

#include <nlohmann/json.hpp>

extern template class nlohmann::basic_json<>;
extern template class nlohmann::basic_json<nlohmann::ordered_map>;
extern template nlohmann::json nlohmann::json::parse<const char*>(const char*, const char*, parser_callback_t, bool,
                                                                  bool);
