// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/usage_recording.h"

#include <charconv>
#include <iterator>
#include <sstream>

#include "agent/cli/output/table.h"
#include "runtime/file.h"

namespace mete::agent::cli {
Result<NamedModel> read_recording(const std::string& path) {
  METE_TRY(const std::string text, runtime::read_file(AT_FDCWD, path));
  NamedModel recorded;
  recorded.container = path;
  std::istringstream lines(text);
  std::string line;
  double before = 0;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.empty() || line.front() == '#') continue;
    double values[5] = {};
    const char* at = line.data();
    const char* const end = at + line.size();
    for (std::size_t i = 0; i < std::size(values); ++i) {
      const auto parsed = std::from_chars(at, end, values[i]);
      const bool last = i + 1 == std::size(values);
      if (parsed.ec != std::errc() || !(values[i] >= 0) ||
          (last ? parsed.ptr != end : parsed.ptr == end || *parsed.ptr != ',')) {
        return fail(path + ":" + std::to_string(number) + ": found \"" + printable(line) +
                    "\", expected seconds,cores,throttled cores,bytes,OOM kills");
      }
      at = parsed.ptr + 1;
    }
    constexpr double kMinute = 60;
    const double over = before == 0 ? kMinute : values[0] - before;
    if (over <= 0 || values[0] > 1e10)
      return fail(path + ":" + std::to_string(number) + ": found time " + line.substr(0, line.find(',')) +
                  ", expected one after the line before");
    before = values[0];
    const auto nanoseconds = [](double seconds) {
      return std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
    };
    recorded.model.add({.at = enforcers::WallTime(nanoseconds(values[0])),
                        .over = nanoseconds(over),
                        .cores = values[1],
                        .throttled_cores = values[2],
                        .memory = Bytes(static_cast<std::int64_t>(values[3])),
                        .ooms = static_cast<std::uint64_t>(values[4])});
  }
  return recorded;
}

}  // namespace mete::agent::cli
