// SPDX-License-Identifier: Apache-2.0
#include "agent/http/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/asio.h"

namespace mete::agent {
namespace {

namespace ssl = boost::asio::ssl;
using config::ClientAuth;
using config::TlsVersion;
using config::WebTls;

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* object) const { Free(object); }
};
using BioPtr = std::unique_ptr<BIO, Freed<BIO, ::BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, Freed<X509, ::X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, ::EVP_PKEY_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES, ::GENERAL_NAMES_free>>;

std::string reason() {
  const unsigned long code = ::ERR_peek_last_error();
  const char* const text = code == 0 ? nullptr : ::ERR_reason_error_string(code);
  ::ERR_clear_error();
  return text == nullptr ? "" : std::string(": ") + text;
}

BioPtr reader(const std::string& text) {
  return BioPtr(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// OpenSSL's default asks on the terminal and would block there.
int no_pass_phrase(char* /*to*/, int /*size*/, int /*writing*/, void* /*data*/) {
  return -1;
}

std::string shown(const std::string& file, const char* what) {
  return file.empty() ? what : std::string(what) + "_file " + file;
}

Result<std::vector<X509Ptr>> read_certificates(const std::string& text, const std::string& from) {
  std::vector<X509Ptr> all;
  const BioPtr bio = reader(text);
  ::ERR_clear_error();
  while (X509Ptr one{::PEM_read_bio_X509(bio.get(), nullptr, no_pass_phrase, nullptr)}) all.push_back(std::move(one));
  const bool ended = ERR_GET_REASON(::ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (all.empty() || !ended)
    return fail(from + ": found no certificate that can be read" + (ended ? "" : reason()) + ", expected PEM text");
  ::ERR_clear_error();
  return all;
}

Status use_certificate(SSL_CTX* context, const WebTls& tls, const TlsTexts& texts) {
  METE_TRY(auto chain, read_certificates(texts.cert, shown(tls.cert_file, "cert")));
  if (::SSL_CTX_use_certificate(context, chain.front().get()) != 1)
    return fail(shown(tls.cert_file, "cert") + " cannot be used" + reason());
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (::SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1)
      return fail(shown(tls.cert_file, "cert") + ": its chain cannot be used" + reason());
  }
  const BioPtr bio = reader(texts.key);
  const KeyPtr key(::PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr));
  if (key == nullptr)
    return fail(shown(tls.key_file, "key") + ": found no key that can be read" + reason() +
                ", expected PEM text without a pass phrase");
  if (::SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return fail(shown(tls.key_file, "key") + ": found a key that does not belong to the certificate" + reason() +
                ", expected that of " + shown(tls.cert_file, "cert"));
  }
  return {};
}

Status use_client_ca(SSL_CTX* context, const WebTls& tls, const TlsTexts& texts) {
  if (texts.client_ca.empty() && tls.client_ca_file.empty()) return {};
  METE_TRY(auto authorities, read_certificates(texts.client_ca, shown(tls.client_ca_file, "client_ca")));
  X509_STORE* const store = ::SSL_CTX_get_cert_store(context);
  for (const auto& authority : authorities) {
    if (::X509_STORE_add_cert(store, authority.get()) != 1 || ::SSL_CTX_add_client_CA(context, authority.get()) != 1) {
      return fail(shown(tls.client_ca_file, "client_ca") + " cannot be used" + reason());
    }
  }
  return {};
}

// In the format of Go's crypto/x509, so that a list of names made for Prometheus' exporters means the same here.
std::string text_of(const GENERAL_NAME* name) {
  if (name->type == GEN_IPADD) {
    const auto* const bytes = ::ASN1_STRING_get0_data(name->d.iPAddress);
    const int size = ::ASN1_STRING_length(name->d.iPAddress);
    if (size == 4) {
      asio::ip::address_v4::bytes_type four{};
      std::copy_n(bytes, 4, four.begin());
      return asio::ip::address_v4(four).to_string();
    }
    if (size != 16) return {};
    asio::ip::address_v6::bytes_type sixteen{};
    std::copy_n(bytes, 16, sixteen.begin());
    return asio::ip::address_v6(sixteen).to_string();
  }
  if (name->type != GEN_DNS && name->type != GEN_EMAIL && name->type != GEN_URI) return {};
  const ASN1_IA5STRING* const text = name->d.ia5;
  return {reinterpret_cast<const char*>(::ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(::ASN1_STRING_length(text))};
}

bool has_allowed_name(X509* certificate, const std::vector<std::string>& allowed) {
  const NamesPtr names(
      static_cast<GENERAL_NAMES*>(::X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const std::string name = text_of(sk_GENERAL_NAME_value(names.get(), i));
    if (!name.empty() && std::find(allowed.begin(), allowed.end(), name) != allowed.end()) return true;
  }
  return false;
}

void ask_clients(ssl::context& context, const WebTls& tls) {
  int mode = ssl::verify_none;
  if (tls.client_auth != ClientAuth::kNone) mode = ssl::verify_peer;
  if (tls.client_auth == ClientAuth::kRequireAny || tls.client_auth == ClientAuth::kRequireAndVerify)
    mode |= ssl::verify_fail_if_no_peer_cert;
  context.set_verify_mode(mode);
  const bool any = tls.client_auth == ClientAuth::kRequest || tls.client_auth == ClientAuth::kRequireAny;
  if (mode == ssl::verify_none || (!any && tls.client_allowed_sans.empty())) return;
  context.set_verify_callback([any, allowed = tls.client_allowed_sans](bool verified, ssl::verify_context& chain) {
    // OpenSSL calls this for every link of the chain. In each call the client's own certificate decides.
    X509* const leaf = ::X509_STORE_CTX_get0_cert(chain.native_handle());
    return (verified || any) && (allowed.empty() || (leaf != nullptr && has_allowed_name(leaf, allowed)));
  });
}

int number_of(TlsVersion version) {
  constexpr std::array kNumbers = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
  return kNumbers.at(static_cast<std::size_t>(version));
}

Status set_ciphers(SSL_CTX* context, const WebTls& tls) {
  // Debian's security level 2 disables TLS 1.0 and 1.1; a configuration that asks for them lowers the level.
  const std::string level = tls.min_version < TlsVersion::k12 ? ":@SECLEVEL=0" : "";
  std::string list;
  for (const auto& suite : tls.cipher_suites) {
    const std::string_view name = ::OPENSSL_cipher_name(suite.c_str());
    // The cipher suites of TLS 1.3 cannot be chosen, as in Go's crypto/tls.
    if (!name.starts_with("TLS_") && name != "(NONE)") list.append(list.empty() ? "" : ":").append(name);
  }
  const bool only_13 = !tls.cipher_suites.empty() && list.empty();
  const int least = only_13 ? TLS1_3_VERSION : number_of(tls.min_version);
  if (only_13 && tls.max_version != TlsVersion::k13)
    return fail("cipher_suites: found suites of TLS 1.3 only, expected one for max_version");
  if (list.empty()) list = "DEFAULT";
  if (::SSL_CTX_set_cipher_list(context, (list + level).c_str()) != 1)
    return fail("cipher_suites cannot be used" + reason());
  if (::SSL_CTX_set_min_proto_version(context, least) != 1 ||
      ::SSL_CTX_set_max_proto_version(context, number_of(tls.max_version)) != 1) {
    return fail("min_version and max_version cannot be used" + reason());
  }
  if (tls.prefer_server_cipher_suites) ::SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  std::string curves;
  for (const auto& curve : tls.curves) {
    const std::string name = curve == "X25519" ? curve : "P-" + curve.substr(std::string_view("CurveP").size());
    curves.append(curves.empty() ? "" : ":").append(name);
  }
  if (!curves.empty() && ::SSL_CTX_set1_groups_list(context, curves.c_str()) != 1)
    return fail("curve_preferences cannot be used" + reason());
  return {};
}

// ALPN: chooses HTTP/1.1 when the client offers it. A client that offers only others gets no answer and may try.
int choose_protocol(SSL* /*ssl*/, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned length, void* /*data*/) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1";
  unsigned char* found = nullptr;
  if (::SSL_select_next_proto(&found, size, kOurs, sizeof kOurs - 1, offered, length) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Result<std::shared_ptr<ssl::context>> make_tls_context(const WebTls& tls, const TlsTexts& texts) {
  ::ERR_clear_error();
  std::shared_ptr<ssl::context> context;
  try {
    context = std::make_shared<ssl::context>(ssl::context::tls_server);
    ask_clients(*context, tls);
  } catch (const std::exception& error) {
    return fail(std::string("TLS: ") + error.what());
  }
  SSL_CTX* const native = context->native_handle();
  METE_CHECK(set_ciphers(native, tls));
  METE_CHECK(use_certificate(native, tls, texts));
  METE_CHECK(use_client_ca(native, tls, texts));
  // No session resumption: a resumed session would carry a certificate that was checked by earlier rules. Scrapers keep
  // their connections, so the cost is small.
  ::SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  ::SSL_CTX_set_num_tickets(native, 0);
  ::SSL_CTX_set_options(native, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  ::SSL_CTX_set_alpn_select_cb(native, choose_protocol, nullptr);
  return context;
}

}  // namespace mete::agent
