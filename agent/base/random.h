// SPDX-License-Identifier: Apache-2.0
// Random names, for files and objects of which no other may have the same name.
#pragma once

#include <string>

namespace mete::agent {

// RFC 9562, version 4.
[[nodiscard]] std::string new_uid();

// Five letters as at the end of the names of a ReplicaSet's pods: no vowels, so that no words arise.
[[nodiscard]] std::string random_suffix();

}  // namespace mete::agent
