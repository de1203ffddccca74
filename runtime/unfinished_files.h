// SPDX-License-Identifier: Apache-2.0
// What replace_file() of a process leaves that was killed in the middle of it.
#pragma once

#include <string>

namespace mete::runtime {

// Removes the files NAME.tmp of this directory, for the one process that writes there, before it begins to. One that
// cannot be removed stays; a directory that is not there is none.
void remove_unfinished(const std::string& directory);

}  // namespace mete::runtime
