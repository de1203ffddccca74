// SPDX-License-Identifier: Apache-2.0
// `mete search`.
#include "runtime/registry/search.h"

#include <algorithm>
#include <memory>

#include "agent/cli/images/image_commands.h"
#include "agent/cli/images/registry_access.h"
#include "agent/cli/output/output.h"
#include "agent/cli/output/row_format.h"

namespace mete::agent::cli {
namespace {

namespace registry = runtime::registry;

constexpr std::size_t kShownDescription = 45;  // as docker's

struct SearchOptions {
  std::string term;
  std::vector<std::string> filters;
  std::string format;
  int limit = 25;
  bool no_trunc = false;
  RegistryOptions registry;
};

// One line. Cut at whole characters of UTF-8.
std::string shown_description(std::string text, bool whole) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; }, ' ');
  std::size_t characters = 0;
  std::size_t cut = text.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U) continue;
    if (++characters == kShownDescription) cut = i;
  }
  return whole || characters <= kShownDescription ? text : text.substr(0, cut) + "…";
}

Json row_of(const registry::FoundImage& image, bool whole) {
  return {{"Name", image.name},
          {"Description", shown_description(image.description, whole)},
          {"StarCount", std::to_string(image.stars)},
          {"IsOfficial", image.official ? "[OK]" : ""},
          {"IsAutomated", image.automated ? "[OK]" : ""}};
}

// As the Docker Engine API has it.
Json result_of(const registry::FoundImage& image) {
  return {{"name", image.name},
          {"description", image.description},
          {"star_count", image.stars},
          {"is_official", image.official},
          {"is_automated", image.automated}};
}

int search(Common& common, const SearchOptions& options) {
  const auto term = registry::parse_search_term(options.term);
  if (!term) return complain(term.error().what, kUsage);
  const auto filter = registry::parse_search_filter(options.filters);
  if (!filter) return complain(filter.error().what, kUsage);
  const auto access = registry_access(common.settings, options.registry);
  if (!access) return complain(access.error().what);
  const auto found = registry::search(*term, *filter, options.limit, *access);
  if (!found) return complain(found.error().what);
  Json results = Json::array();
  Json rows = Json::array();
  for (const auto& each : *found) {
    results.push_back(result_of(each));
    rows.push_back(row_of(each, options.no_trunc));
  }
  if (print_structured(common, {{"results", results}})) return kDone;
  const auto text = format_rows(rows,
                                {{"Name", "NAME"},
                                 {"Description", "DESCRIPTION"},
                                 {"StarCount", "STARS"},
                                 {"IsOfficial", "OFFICIAL"},
                                 {"IsAutomated", "AUTOMATED", false}},
                                options.format);
  if (!text) return complain(text.error().what, kUsage);
  print(*text);
  return kDone;
}

}  // namespace

void add_search(CommandLine& line) {
  Common& common = line.common();
  auto options = std::make_shared<SearchOptions>();
  auto* command = line.add({"search", "Ask a registry which images it has",
                            "  mete search nginx\n  mete search --filter is-official=true nginx\n"
                            "  mete search registry.example:5000/team"},
                           [&common, options] { return search(common, *options); });
  command->add_option("term", options->term, "[HOST[:PORT]/]TERM: a part of the name; default: Docker Hub")
      ->type_name("TEXT")
      ->required();
  command->add_option("-f,--filter", options->filters, "is-official=true, is-automated=true, stars=NUMBER")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command->add_option("--limit", options->limit, "The most that are shown; default: 25")
      ->type_name("N")
      ->check(CLI::Range(1, registry::kMostFound));
  add_format(command, options->format);
  command->add_flag("--no-trunc", options->no_trunc, "Print whole descriptions");
  add_registry_options(command, options->registry);
  line.add_output(command);
}

}  // namespace mete::agent::cli
