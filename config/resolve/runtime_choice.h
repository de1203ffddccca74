// SPDX-License-Identifier: Apache-2.0
// Which runtime makes the containers of a Pod, and what of the Pod that runtime cannot do. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/model/documents.h"

namespace mete::config {

// The handler of the Pod's RuntimeClass; empty: mete itself. `errors` gets a class that is not there, and wishes that
// mete fulfils only for containers that it makes itself.
[[nodiscard]] std::string runtime_of(const Pod& pod, const std::map<std::string, RuntimeClass>& classes,
                                     std::vector<Diagnostic>& errors);

// `errors` gets what the Pod wishes and another runtime than mete cannot do.
void check_wishes(const Pod& pod, const std::string& runtime, std::vector<Diagnostic>& errors);

}  // namespace mete::config
