// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/log_wish.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace mete::agent::docker {
namespace {

// One that docker has is refused with its reason; another one as docker refuses it.
Status check_driver(const std::string& driver) {
  if (driver.empty() || driver == "json-file" || driver == "local" || driver == "none") return {};
  constexpr std::array<std::string_view, 9> kDockers = {"awslogs",  "etwlogs",    "fluentd", "gcplogs", "gelf",
                                                        "journald", "logentries", "splunk",  "syslog"};
  if (std::find(kDockers.begin(), kDockers.end(), driver) == kDockers.end())
    return fail("error looking up logging plugin " + driver + ": plugin \"" + driver + "\" not found");
  return fail("HostConfig.LogConfig.Type: found \"" + driver +
              "\", which mete does not do: expected json-file, local or none; the files can be followed from there");
}

// Docker's own sizes: "10m" are 10,000,000 bytes.
Result<Bytes> size_of(const std::string& text) {
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string unit(parsed.ptr, text.data() + text.size());
  std::transform(unit.begin(), unit.end(), unit.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (unit.ends_with('b')) unit.pop_back();
  constexpr std::array<std::string_view, 4> kUnits = {"", "k", "m", "g"};
  const auto* const at = std::find(kUnits.begin(), kUnits.end(), unit);
  if (text.empty() || parsed.ec != std::errc() || at == kUnits.end()) return fail("invalid size: '" + text + "'");
  for (auto times = at - kUnits.begin(); times > 0; --times) number *= 1000;
  if (!(number >= 1)) return fail("max-size must be a positive number");
  if (number > 1e15) return fail("invalid size: '" + text + "'");
  return Bytes(static_cast<std::int64_t>(number));
}

Result<unsigned> files_of(const std::string& text) {
  constexpr unsigned kMost = 100;
  unsigned number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || number > kMost)
    return fail("max-file: found \"" + text + "\", expected a number of files, 1 to 100");
  if (number < 1) return fail("max-file cannot be less than 1");
  return number;
}

}  // namespace

Result<config::LogWish> log_wish(const Json& host_config) {
  const Json& asked = field(host_config, "LogConfig");
  const std::string driver = text_of(asked, "Type");
  METE_CHECK(check_driver(driver));
  config::LogWish wish;
  wish.none = driver == "none";
  if (wish.none) return wish;  // as docker, which looks at no option then
  constexpr std::int64_t kLocalSize = 20'000'000;
  constexpr unsigned kLocalFiles = 5;
  if (driver == "local") wish = {false, Bytes(kLocalSize), kLocalFiles};
  for (const auto& [name, value] : texts_of(asked, "Config")) {
    if (name == "max-size") {
      METE_TRY(wish.max_size, size_of(value));
    } else if (name == "max-file") {
      METE_TRY(wish.files, files_of(value));
    } else if (name == "compress" || name == "labels" || name == "labels-regex" || name == "env" ||
               name == "env-regex" || name == "tag" || name == "mode" || name == "max-buffer-size") {
      if (name == "compress" && value == "false") continue;
      if (name == "mode" && value == "blocking") continue;
      return fail("HostConfig.LogConfig.Config: found " + name + "=" + value.substr(0, 60) +
                  ", which mete does not do: expected max-size and max-file");
    } else {
      return fail("unknown log opt '" + name + "' for " + (driver.empty() ? "json-file" : driver) + " log driver");
    }
  }
  // Docker keeps one file of that size where nothing more is said.
  if (wish.max_size && !wish.files) wish.files = 1;
  return wish;
}

}  // namespace mete::agent::docker
