// SPDX-License-Identifier: Apache-2.0
#include "config/reading/agent_yaml/runtimes_reader.h"

#include <array>
#include <set>

#include "config/model/diagnostics.h"
#include "config/model/objects.h"
#include "config/values/names.h"

namespace mete::config {
namespace {

constexpr std::array kRuntimeFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .required = true, .doc = "The handler of a RuntimeClass"},
    {.name = "path",
     .type = FieldType::kString,
     .doc = "Its program; not set: that of the same name in /usr/local/sbin, /usr/local/bin, /usr/sbin, /usr/bin, "
            "/sbin or /bin"},
    {.name = "args", .type = FieldType::kStringList, .doc = "Arguments of the program, before those of mete"},
});

}  // namespace

const ObjectSpec kRuntimeSpec = {.name = "Runtime", .fields = kRuntimeFields};

std::vector<RuntimeProgram> read_runtimes(const View& view) {
  std::vector<RuntimeProgram> programs;
  std::set<std::string> seen;
  for (const auto& item : view.items()) {
    RuntimeProgram program{item["name"].text(), item["path"].text(), item["args"].texts()};
    const View name = item["name"];
    if (name) name.check(check_dns_label(program.name));
    if (program.name == kOwnRuntime)
      name.error(mismatch("`mete`", "another name: mete makes the containers of that one itself"));
    if (name && !seen.insert(program.name).second)
      name.error(mismatch("`" + program.name + "` again", "each runtime once"));
    if (item["path"]) item["path"].check(check_absolute_path(program.path));
    programs.push_back(std::move(program));
  }
  return programs;
}

}  // namespace mete::config
