// SPDX-License-Identifier: Apache-2.0
// Chooses a scrape's format by the Accept and Accept-Encoding headers (RFC 9110 12.5). Pure.
#pragma once

#include <string_view>

#include "collectors/exposition/exposition.h"

namespace mete::agent {

// OpenMetrics only when the header names it in a supported version (1.0.0, 0.0.1) and prefers it at least as much as
// text. Protobuf (delimited messages io.prometheus.client.MetricFamily) only when it is preferred to both.
[[nodiscard]] collectors::Format choose_format(std::string_view accept);
[[nodiscard]] const char* content_type(collectors::Format format);
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding);

}  // namespace mete::agent
