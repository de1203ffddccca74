// SPDX-License-Identifier: Apache-2.0
// The web configuration file in force: TLS, passwords, headers and the rate limit of the TCP address. The file, and
// those that it names, are checked at each connection and request, and read again when they have changed.
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
#include "config/base/result.h"
#include "config/model/web_config.h"

namespace mete::agent {

class WebAccess : public HttpAccess {
 public:
  // Called for each change of the files: taken, or refused with the reason. After a refusal the old configuration
  // stays.
  using Changed = std::function<void(bool taken, const std::string& message)>;
  WebAccess(asio::io_context& loop, Changed changed) : auth_(loop), changed_(std::move(changed)) {}

  // The error names the file, the position, what was found and what was expected.
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
  // Enough to notice that a file was replaced or has changed.
  struct Stamp {
    std::string path;
    dev_t device = 0;
    ino_t inode = 0;           // 0: the file does not exist
    std::int64_t changed = 0;  // ctime, nanoseconds
    off_t size = 0;
    bool operator==(const Stamp&) const = default;
  };

  [[nodiscard]] static Stamp stamp_of(const std::string& path);
  // Reads everything, and sets `looked_at_` to the files that were read, also on an error.
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
