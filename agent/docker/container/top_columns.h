// SPDX-License-Identifier: Apache-2.0
// Which columns a client of `docker top` wants, in the words of ps(1). Pure.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"

namespace mete::agent::docker {

// What `ps -ef` shows of a process, in its order.
inline constexpr const char* kTopTitles[] = {"UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"};

struct TopColumn {
  std::string title;
  std::size_t of = 0;  // the index among those of `ps -ef`
};

// "", "-ef", "-e", "-o pid,args", "-eo pid -o user". The error: other words of ps, of which mete knows these alone.
[[nodiscard]] Result<std::vector<TopColumn>> top_columns(const std::string& ps_args);

}  // namespace mete::agent::docker
