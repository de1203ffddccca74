// SPDX-License-Identifier: Apache-2.0
// The network of RUN, from the word of `mete build --network`.
#pragma once

#include <string>

#include "runtime/build/build.h"

namespace mete::agent::cli {

// "default" and "host": the machine's. "none". "ns:PATH[,SERVER]": a namespace that is connected, with its name server.
[[nodiscard]] Status read_network(const std::string& word, runtime::build::BuildOptions& options);

}  // namespace mete::agent::cli
