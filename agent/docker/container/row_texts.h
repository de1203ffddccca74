// SPDX-License-Identifier: Apache-2.0
// The rows of GET /containers/json as text. Clients ask for all of them every second or so, and most containers have
// gone on as they were: the text of a row is kept with what it was made of, and is made anew where that has changed.
// Beside the record, whose owner calls forget(), everything is compared at each use. Pure.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/docker/container/container_json.h"

namespace mete::agent::docker {

class RowTexts {
 public:
  // Its own end, then those in further networks.
  using Ends = std::vector<runtime::network::Endpoint>;

  // Before the rows of an answer: the networks that there are now.
  void begin(std::vector<runtime::network::NetworkSpec> networks);
  [[nodiscard]] const std::vector<runtime::network::NetworkSpec>& networks() const { return networks_; }

  // Appends the row. `view` needs no networks: they are made of `ends` when the row is.
  void append(View view, Ends ends, WallTime now, std::string& text);
  // The record of this container has changed, or goes.
  void forget(const std::string& id) { rows_.erase(id); }

 private:
  struct Row {
    Ends ends;
    bool has_process = false;
    int version = 0;
    std::string begin;  // up to the state
    std::string end;    // after the status
  };
  std::vector<runtime::network::NetworkSpec> networks_;
  std::map<std::string, Row> rows_;  // by the container's id
};

// What the networks say of these ends.
[[nodiscard]] std::vector<Attached> attached(const RowTexts::Ends& ends,
                                             const std::vector<runtime::network::NetworkSpec>& networks);

}  // namespace mete::agent::docker
