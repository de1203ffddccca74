// SPDX-License-Identifier: Apache-2.0
// -p of `mete run`, as docker reads it. Pure.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"

namespace mete::agent::cli {

struct PublishedFlag {
  std::string address;   // of the machine; empty: all
  std::string outside;   // port of the machine; empty: one is chosen
  std::string inside;    // port of the container
  std::string protocol;  // tcp, udp, sctp
};

// "[ADDRESS:][PORT:]PORT[/PROTOCOL]", where PORT is a number or a range: 8000-8002:80-82 is three ports, one by one.
[[nodiscard]] Result<std::vector<PublishedFlag>> published_ports(const std::string& text);

}  // namespace mete::agent::cli
