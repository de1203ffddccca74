// SPDX-License-Identifier: Apache-2.0
// The parts of Boost.Asio that implement TLS. All other files include this header, and before any of those parts.
#pragma once

#include <boost/asio/ssl/detail/openssl_init.hpp>

// Asio initialises OpenSSL before main, which costs a megabyte and a millisecond even without TLS. This specialization
// initialises it with the first context: `instance()` makes it once, at the first call.
template <>
class boost::asio::ssl::detail::openssl_init<true> : private openssl_init_base {
 public:
  openssl_init() : set_up_(instance()) {}

 private:
  boost::asio::detail::shared_ptr<do_init> set_up_;
};

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
