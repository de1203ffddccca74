// SPDX-License-Identifier: Apache-2.0
// The functions of Asio's TLS part that are no templates (BOOST_ASIO_SEPARATE_COMPILATION).
// The specialization in asio_ssl.h must come before them.
// clang-format off
#include "agent/http/asio_ssl.h"
#include <boost/asio/ssl/impl/src.hpp>
// clang-format on
