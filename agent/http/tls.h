// SPDX-License-Identifier: Apache-2.0
// A web configuration's TLS part as an OpenSSL context.
#pragma once

#include <memory>
#include <string>

#include "agent/http/asio_ssl.h"
#include "config/result.h"
#include "config/web_config.h"

namespace mete::agent {

// PEM texts, read already.
struct TlsTexts {
  std::string cert;  // the server's, then those between it and the authority
  std::string key;
  std::string client_ca;
};

// The error says which of the texts is wrong and why (`from` names where they come from): no certificate, a key of
// another certificate, a key with a pass phrase.
[[nodiscard]] Result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(const config::WebTls& tls,
                                                                                  const TlsTexts& texts);

}  // namespace mete::agent
