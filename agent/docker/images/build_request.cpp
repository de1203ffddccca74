// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/images/build_request.h"

#include <algorithm>
#include <array>

#include "agent/docker/fields.h"
#include "agent/docker/filters.h"

namespace mete::agent::docker {
namespace {

struct Plain {
  const char* parameter;
  const char* option;
};
constexpr std::array kTexts =
    std::to_array<Plain>({{"dockerfile", "--file"}, {"target", "--target"}, {"platform", "--platform"}});
constexpr std::array kFlags = std::to_array<Plain>({{"nocache", "--no-cache"}, {"pull", "--pull"}, {"q", "--quiet"}});
constexpr std::array kNotDone = {"remote",     "extrahosts", "squash",    "cachefrom", "cpuperiod",    "cpuquota",
                                 "cpusetcpus", "cpusetmems", "cpushares", "memswap",   "cgroupparent", "shmsize",
                                 "ulimits",    "outputs",    "isolation", "session",   "buildid"};

// Clients send all parameters, those without a meaning too.
bool says_nothing(const std::string& value) {
  constexpr std::array<const char*, 7> kNothing = {"", "0", "-1", "null", "[]", "{}", "false"};
  return std::any_of(kNothing.begin(), kNothing.end(), [&](const char* each) { return value == each; });
}

// {"NAME":"value"}; a null is an ARG that keeps its default.
Status add_pairs(const HttpRequest& request, const char* parameter, const char* option,
                 std::vector<std::string>& words) {
  const std::string text = request.parameter(parameter);
  if (says_nothing(text)) return {};
  const Json pairs = runtime::parse_ordered(text);
  if (!pairs.is_object())
    return fail(std::string(parameter) + ": found \"" + text.substr(0, 60) + "\", expected a JSON object of texts");
  for (const auto& [name, value] : pairs.items()) {
    if (value.is_null()) continue;
    if (!value.is_string()) return fail(std::string(parameter) + ": found no text for " + name + ", expected one");
    words.push_back(std::string(option) + "=" + name + "=" + value.get<std::string>());
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> build_words(const HttpRequest& request) {
  // Before its parameters, which the classic builder does not have.
  if (request.parameter("version") == "2") return fail(kNoBuildKit);
  std::vector<std::string> words;
  for (const char* name : kNotDone) {
    if (const std::string value = request.parameter(name); !says_nothing(value))
      return fail("build: found " + std::string(name) + "=" + value.substr(0, 60) +
                  ", which mete's builder does not do");
  }
  for (const auto& tag : request.parameters("t")) words.push_back("--tag=" + tag);
  for (const auto& [parameter, option] : kTexts) {
    if (const std::string value = request.parameter(parameter); !value.empty())
      words.push_back(std::string(option) + "=" + value);
  }
  for (const auto& [parameter, option] : kFlags) {
    if (is_true(request.parameter(parameter))) words.emplace_back(option);
  }
  METE_CHECK(add_pairs(request, "buildargs", "--build-arg", words));
  METE_CHECK(add_pairs(request, "labels", "--label", words));
  if (const std::string memory = request.parameter("memory"); !says_nothing(memory)) {
    if (memory.find_first_not_of("0123456789") != std::string::npos)
      return fail("memory: found \"" + memory.substr(0, 60) + "\", expected a number of bytes");
    words.push_back("--memory=" + memory);
  }
  return words;
}

}  // namespace mete::agent::docker
