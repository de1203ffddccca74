// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/row_texts.h"

#include <utility>

#include "runtime/network/cni/cni_result.h"

namespace mete::agent::docker {
namespace {

std::string text_of_row(const Json& part) {
  return part.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::vector<Attached> attached(const RowTexts::Ends& ends, const std::vector<runtime::network::NetworkSpec>& networks) {
  std::vector<Attached> all;
  for (const auto& endpoint : ends) {
    Attached one;
    for (const auto& spec : networks) {
      if (spec.name != endpoint.network || spec.driver == runtime::network::Driver::kCni) continue;
      one.gateway = to_string(runtime::network::gateway_of(spec));
      one.prefix = spec.range.length;
      one.prefix6 = spec.range6 && endpoint.address6 ? spec.range6->length : 0;
    }
    if (const auto told = runtime::network::cni::address_in(endpoint.answer, endpoint.address)) {
      one.gateway = told->gateway ? to_string(*told->gateway) : "";
      one.prefix = told->length;
    }
    one.endpoint = endpoint;
    all.push_back(std::move(one));
  }
  return all;
}

void RowTexts::begin(std::vector<runtime::network::NetworkSpec> networks) {
  if (networks == networks_) return;
  networks_ = std::move(networks);
  rows_.clear();
}

void RowTexts::append(View view, Ends ends, WallTime now, std::string& text) {
  Row& row = rows_[view.record.id];
  const bool has_process = view.state.has_process();
  if (row.begin.empty() || row.has_process != has_process || row.version != view.version || row.ends != ends) {
    view.networks = attached(ends, networks_);
    row = {std::move(ends), has_process, view.version, text_of_row(row_begin(view)), text_of_row(row_end(view))};
    row.begin.pop_back();  // its brace
    row.end.front() = ',';
  }
  // The words of states and times have nothing that JSON would quote.
  text.append(row.begin).append(R"(,"State":")").append(view.state.status);
  text.append(R"(","Status":")").append(row_status(view, now)).append("\"").append(row.end);
}

}  // namespace mete::agent::docker
