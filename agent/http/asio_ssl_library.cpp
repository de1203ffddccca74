// SPDX-License-Identifier: Apache-2.0
// Asio's TLS functions that are not templates (BOOST_ASIO_SEPARATE_COMPILATION). The specialization in asio_ssl.h must
// come first.
// clang-format off
#include "agent/http/asio_ssl.h"
#include <boost/asio/ssl/impl/src.hpp>
// clang-format on
