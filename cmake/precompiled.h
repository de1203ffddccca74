// SPDX-License-Identifier: Apache-2.0
// Headers of the standard library and of `Result` that most files include. The compiler reads them once for all
// libraries below agent/, which has a precompiled header of its own. A file includes what it uses all the same.
#pragma once

#include <tl/expected.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
