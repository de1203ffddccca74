// SPDX-License-Identifier: Apache-2.0
// How a command names a pod: mete's words, and kubectl's. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/base/result.h"

namespace mete::agent::cli {

inline constexpr const char* kPodNamespace = "The pod's namespace, where its name stands alone";

// "NAME" or "NAMESPACE/NAME" of what was typed: these two, or kubectl's pod/NAME (pods, po). `space`: of -n; empty:
// none was given. Errors: another kind, two namespaces. A namespace that has the name of a kind is given with -n.
[[nodiscard]] Result<std::string> pod_word(const std::string& word, const std::string& space);

// What -n of `logs` means: docker's number of lines, or kubectl's namespace. A namespace of digits alone needs
// --namespace.
struct LogsN {
  std::optional<std::uint64_t> tail;
  std::string space;
};
[[nodiscard]] Result<LogsN> read_logs_n(const std::string& text);

}  // namespace mete::agent::cli
