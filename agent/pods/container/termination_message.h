// SPDX-License-Identifier: Apache-2.0
// The message of a container about its own end: the file at terminationMessagePath, or the end of its log
// (terminationMessagePolicy). As the kubelet does it: at most 4096 bytes of the file; of the log at most 2048 bytes and
// 80 lines, when the container has failed and the file is empty.
#pragma once

#include <string>
#include <string_view>

namespace mete::agent {

struct TerminationSources {
  std::string file;  // on the machine
  std::string log;
  bool log_on_error = false;  // FallbackToLogsOnError
  int exit_code = 0;
};

// Empty where there is nothing to read: a message is worth no failure.
[[nodiscard]] std::string termination_message(const TerminationSources& sources);

// The last lines of a log of the CRI ("TIME stdout F text"), without the head of each line. Pure.
[[nodiscard]] std::string end_of_log(std::string_view log);

}  // namespace mete::agent
