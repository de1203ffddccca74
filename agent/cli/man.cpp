// SPDX-License-Identifier: Apache-2.0
// `mete man` writes the manual pages, for packages.
#include <cstdlib>
#include <ctime>
#include <memory>

#include "agent/cli/cli_model.h"
#include "agent/cli/output/output.h"
#include "agent/cli/reference/manual.h"
#include "runtime/file.h"

namespace mete::agent::cli {
namespace {

// SOURCE_DATE_EPOCH (reproducible-builds.org), so that the same source gives the same page; today without it.
std::string page_date() {
  const char* const epoch = std::getenv("SOURCE_DATE_EPOCH");
  const std::time_t when = epoch == nullptr ? std::time(nullptr) : std::strtoll(epoch, nullptr, 10);
  std::tm parts{};
  char text[16] = "";
  if (::gmtime_r(&when, &parts) == nullptr) return "1970-01-01";
  (void)std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

int write_pages(const CLI::App& app, const std::string& folder) {
  for (const auto& page : manual_pages(command_model(app), page_date())) {
    if (const auto written =
            runtime::replace_file(folder + "/" + page.name, page.text, 0644, runtime::Durability::volatile_);
        !written)
      return complain(written.error().what);
  }
  return kDone;
}

}  // namespace

void add_man(CommandLine& line) {
  auto folder = std::make_shared<std::string>();
  line.add({"man", "Write the manual pages into a folder", ""},
           [&line, folder] { return write_pages(line.app(), *folder); })
      ->add_option("folder", *folder, "An existing folder")
      ->required();
}

}  // namespace mete::agent::cli
