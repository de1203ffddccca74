// SPDX-License-Identifier: Apache-2.0
// Makes an OpenSSL context of the TLS part of a web configuration.
#pragma once

#include <memory>
#include <string>

#include "agent/http/asio_ssl.h"
#include "config/base/result.h"
#include "config/model/web_config.h"

namespace mete::agent {

// The contents of the PEM files.
struct TlsTexts {
  std::string cert;  // the server's certificate, then the intermediate ones
  std::string key;
  std::string client_ca;
};

// The error says which text is wrong and why (`from` names its source): no certificate, a key of another certificate, a
// key with a pass phrase.
[[nodiscard]] Result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(const config::WebTls& tls,
                                                                                  const TlsTexts& texts);

}  // namespace mete::agent
