// SPDX-License-Identifier: Apache-2.0
// Headers that most test programs include. The compiler reads them once for all. A file includes what it uses all the
// same.
#pragma once

#include <gtest/gtest.h>
#include <tl/expected.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>
