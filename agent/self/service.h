// SPDX-License-Identifier: Apache-2.0
// What follows from the way in which the agent was started: the group that may use the socket, and the messages for a
// service manager (sd_notify(3)).
#pragma once

#include <string>
#include <string_view>

#include "config/base/result.h"

namespace mete::agent {

// Gives the socket to `group` too, mode 0660. The mode changes last: an error leaves it for its owner alone.
[[nodiscard]] Status share_socket(const std::string& socket, const std::string& group);
// The socket that only reads: for `group`; where none is named, for the group "mete" if the machine has it, else for
// root alone.
[[nodiscard]] Status share_with_dashboards(const std::string& socket, const std::string& group);

// sd_notify(3): sends "READY=1" and the like to the socket that NOTIFY_SOCKET names. Does nothing without one.
void tell_service_manager(std::string_view state);

}  // namespace mete::agent
