// SPDX-License-Identifier: Apache-2.0
// Beast's functions that are not templates (BOOST_BEAST_SEPARATE_COMPILATION).
#include <boost/beast/src.hpp>
