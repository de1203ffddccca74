// SPDX-License-Identifier: Apache-2.0
// A web configuration file in force: TLS, passwords, headers and the rate limit of the TCP address. It and the files
// that it names are looked at whenever somebody comes in, and read again when they have changed.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/asio.h"
#include "agent/http/basic_auth.h"
#include "agent/http/http_access.h"
#include "config/result.h"
#include "config/web_config.h"

namespace mete::agent {

class WebAccess : public HttpAccess {
 public:
  // Told of each change: taken, or refused with the reason; what was in force stays so then.
  using Changed = std::function<void(bool taken, const std::string& message)>;
  WebAccess(asio::io_context& loop, Changed changed) : auth_(loop), changed_(std::move(changed)) {}

  // The error names the file, the place in it, what was found and what was expected.
  [[nodiscard]] Status open(const std::string& path);

  [[nodiscard]] std::shared_ptr<boost::asio::ssl::context> tls() override;
  [[nodiscard]] const HttpHeaders& headers() override { return now_.headers; }
  void admit(const std::string& authorization, std::function<void(Admission)> done) override;

 private:
  struct Loaded {
    config::WebConfig config;
    HttpHeaders headers;
    std::shared_ptr<boost::asio::ssl::context> context;
    std::string texts;  // of all files
  };
  // Enough to see that a file is another one or has other contents.
  struct Stamp {
    std::string path;
    dev_t device = 0;
    ino_t inode = 0;           // 0: not there
    std::int64_t changed = 0;  // ctime, nanoseconds
    off_t size = 0;
    bool operator==(const Stamp&) const = default;
  };

  [[nodiscard]] static Stamp stamp_of(const std::string& path);
  // Reads everything; `looked_at_` becomes what was looked at, also when it fails.
  [[nodiscard]] Result<Loaded> load();
  [[nodiscard]] Result<std::string> read(const std::string& path, Loaded& into);
  void refresh();
  [[nodiscard]] bool take_token();

  std::string path_;
  Loaded now_;
  std::vector<Stamp> looked_at_;
  std::optional<std::chrono::steady_clock::time_point> look_again_;
  BasicAuth auth_;
  Changed changed_;
  double tokens_ = 0;
  std::chrono::steady_clock::time_point filled_at_{};
};

}  // namespace mete::agent
