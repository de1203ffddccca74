// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/create/log_wish.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "config/convert/docker_amounts.h"

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

// In docker's words. "10m" are 10,000,000 bytes here.
Result<Bytes> size_of(const std::string& text) {
  constexpr std::int64_t kMost = 1'000'000'000'000'000;
  const auto size = config::docker_size(text, config::SizeUnits::kDecimal);
  if (!size || *size > kMost) return fail("invalid size: '" + text + "'");
  if (*size < 1) return fail("max-size must be a positive number");
  return Bytes(*size);
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
