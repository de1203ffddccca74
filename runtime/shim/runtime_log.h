// SPDX-License-Identifier: Apache-2.0
// What another OCI runtime says about a failure: the lines of its --log with --log-format json, as runc, crun and
// others write them. Pure.
#pragma once

#include <string>
#include <string_view>

namespace mete::runtime::shim {

// `msg` of the last line whose `level` is error, fatal or panic; empty: there is none. Lines that are no JSON objects
// are left out.
[[nodiscard]] std::string last_error(std::string_view log);

// The exit code of a container that a runtime could not start, in docker's convention: 127 where its `command` is not
// found, 126 where it may not be executed, else 128.
[[nodiscard]] int code_of_runtime_error(std::string_view message, std::string_view command);

}  // namespace mete::runtime::shim
