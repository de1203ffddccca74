// SPDX-License-Identifier: Apache-2.0
// The functions of Beast that are no templates (BOOST_BEAST_SEPARATE_COMPILATION).
#include <boost/beast/src.hpp>
