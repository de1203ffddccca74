// SPDX-License-Identifier: Apache-2.0
// The parts of Boost.Asio that do TLS; everything else includes this, and before any of them.
#pragma once

#include <boost/asio/ssl/detail/openssl_init.hpp>

// Asio sets OpenSSL up before main, which takes a megabyte and a millisecond of who never speaks TLS. This does it with
// the first context: `instance()` makes it once, whoever calls.
template <>
class boost::asio::ssl::detail::openssl_init<true> : private openssl_init_base {
 public:
  openssl_init() : set_up_(instance()) {}

 private:
  boost::asio::detail::shared_ptr<do_init> set_up_;
};

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
