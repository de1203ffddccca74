// SPDX-License-Identifier: Apache-2.0
// Asio's functions that are not templates (BOOST_ASIO_SEPARATE_COMPILATION).
#include <boost/asio/impl/src.hpp>
