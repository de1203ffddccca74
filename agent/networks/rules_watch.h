// SPDX-License-Identifier: Apache-2.0
// Notices that somebody else has changed mete's rules.
#pragma once

#include <functional>
#include <string>

#include "agent/base/asio.h"
#include "runtime/network/rule_news.h"

namespace mete::agent {

class RulesWatch {
 public:
  // `changed`: on the loop, with who it was ("nft (4711)").
  RulesWatch(asio::io_context& loop, const std::string& table, std::function<void(const std::string&)> changed);

  [[nodiscard]] Status open();  // again: no error
  void close() { socket_.close(); }

 private:
  void wait();
  void read();
  runtime::network::RuleNews news_;
  std::function<void(const std::string&)> changed_;
  Descriptor socket_;
  Alive alive_;
};

}  // namespace mete::agent
