// SPDX-License-Identifier: Apache-2.0
// The functions of Asio that are no templates (BOOST_ASIO_SEPARATE_COMPILATION).
#include <boost/asio/impl/src.hpp>
