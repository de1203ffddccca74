// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/overlay/overlay_key.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "agent/etcd/messages.h"
#include "config/base/base64.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

using runtime::network::TunnelKey;

constexpr mode_t kRootAlone = 0600;

Result<TunnelKey> new_secret() {
  TunnelKey secret{};
  if (::getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size()))
    return fail_errno("make a key: read random bytes");
  // RFC 7748, section 5: the bits that every key of Curve25519 has.
  secret.front() &= 248U;
  secret.back() = static_cast<std::uint8_t>((secret.back() & 127U) | 64U);
  return secret;
}

// What it says is never part of the error.
Result<TunnelKey> secret_in(const std::string& path, const std::string& text) {
  const auto bytes = config::decode_base64(text);
  TunnelKey secret{};
  if (!bytes || bytes->size() != secret.size())
    return fail(path + ": found no key, expected 32 bytes in base64; without the file the machine makes a new one");
  std::copy(bytes->begin(), bytes->end(), secret.begin());
  return secret;
}

}  // namespace

Result<TunnelKey> public_key_of(const TunnelKey& secret) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, secret.data(), secret.size()), &EVP_PKEY_free);
  TunnelKey open{};
  std::size_t size = open.size();
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), open.data(), &size) != 1 || size != open.size())
    return fail("make the public key of this machine: OpenSSL refuses");
  return open;
}

Result<OverlayKey> read_or_make_key(const std::string& path) {
  OverlayKey key;
  const auto text = runtime::read_file(AT_FDCWD, path);
  if (!text && text.error().code != ENOENT) return tl::unexpected(text.error());
  if (text) {
    METE_TRY(key.secret, secret_in(path, *text));
    // Restored from a copy, perhaps, with the rights of that.
    if (::chmod(path.c_str(), kRootAlone) != 0) return fail_errno("keep others from " + path);
  } else {
    METE_TRY(key.secret, new_secret());
    const std::string_view bytes(static_cast<const char*>(static_cast<const void*>(key.secret.data())),
                                 key.secret.size());
    METE_CHECK(runtime::replace_file(path, etcd::base64(bytes) + "\n", kRootAlone));
  }
  METE_TRY(key.public_key, public_key_of(key.secret));
  return key;
}

}  // namespace mete::agent
