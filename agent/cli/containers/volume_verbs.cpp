// SPDX-License-Identifier: Apache-2.0
// volume create, ls, inspect, rm, prune: docker's words.
#include <algorithm>
#include <memory>

#include "agent/cli/containers/container_verbs.h"
#include "agent/cli/images/image_commands.h"
#include "agent/cli/output/docker_text.h"
#include "agent/cli/output/row_format.h"
#include "agent/http/http_url.h"

namespace mete::agent::cli {
namespace {

struct VolumeFlags {
  std::vector<std::string> names;
  std::vector<std::string> labels;
  std::vector<std::string> options;
  std::vector<std::string> filters;
  std::string driver = "local";
  std::string format;
  bool quiet = false;
  bool force = false;
  bool all = false;
};

Json object_of(const std::vector<std::string>& words) {
  Json object = Json::object();
  for (const auto& each : words) {
    const auto equal = each.find('=');
    object[each.substr(0, equal)] = equal == std::string::npos ? "" : each.substr(equal + 1);
  }
  return object;
}

int create_volume(const Common& common, const VolumeFlags& flags) {
  Json body = {{"Driver", flags.driver}, {"DriverOpts", object_of(flags.options)}, {"Labels", object_of(flags.labels)}};
  if (!flags.names.empty()) body["Name"] = flags.names.front();
  const auto made = docker_client(common).request("POST", "/volumes/create",
                                                  body.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!made) return complain(made.error().what, kNoAgent);
  if (made->status >= 400) return complain(message_of(*made));
  print(Json::parse(made->body)["Name"].get<std::string>() + "\n");
  return kDone;
}

int list_volumes(const Common& common, const VolumeFlags& flags) {
  const auto filters = filters_query(flags.filters);
  if (!filters) return complain(filters.error().what, kUsage);
  const auto told = fetch_docker(common, "/volumes" + (filters->empty() ? "" : "?" + *filters));
  if (told.code != kDone) return told.code;
  if (print_structured(common, told.value)) return kDone;
  Json rows = Json::array();
  for (const Json& each : told.value["Volumes"]) {
    std::string labels;
    const Json own = each.value("Labels", Json());
    if (own.is_object()) {
      for (const auto& [name, value] : own.items())
        labels += (labels.empty() ? "" : ",") + name + "=" + value.get<std::string>();
    }
    rows.push_back({{"Driver", each.value("Driver", "")},
                    {"Name", each.value("Name", "")},
                    {"Mountpoint", each.value("Mountpoint", "")},
                    {"Scope", each.value("Scope", "")},
                    {"Labels", labels},
                    {"Label", own.is_object() ? own : Json::object()}});
  }
  if (flags.quiet && flags.format.empty()) {
    for (const Json& row : rows) print(row["Name"].get<std::string>() + "\n");
    return kDone;
  }
  const std::vector<Column> columns = {
      {"Driver", "DRIVER"},      {"Name", "VOLUME NAME"},     {"Mountpoint", "MOUNTPOINT", false},
      {"Scope", "SCOPE", false}, {"Labels", "LABELS", false}, {"Label", "LABEL", false}};
  const auto text = format_rows(rows, columns, flags.format);
  if (!text) return complain(text.error().what, kUsage);
  print(*text);
  return kDone;
}

int remove_volumes(const Common& common, const VolumeFlags& flags) {
  int worst = kDone;
  for (const auto& name : flags.names) {
    const int code = ask_docker(common, "DELETE", "/volumes/" + url_encode(name) + (flags.force ? "?force=1" : ""));
    if (code == kDone) print(name + "\n");
    worst = std::max(worst, code);
  }
  return worst;
}

int prune_volumes(const Common& common, const VolumeFlags& flags) {
  if (!flags.force && !confirmed("WARNING! This will remove " + std::string(flags.all ? "all" : "all anonymous") +
                                 " volumes that no container has.\n"))
    return kDone;
  auto wanted = flags.filters;
  if (flags.all) wanted.emplace_back("all=true");
  const auto filters = filters_query(wanted);
  if (!filters) return complain(filters.error().what, kUsage);
  const auto told = fetch_docker(common, "/volumes/prune" + (filters->empty() ? "" : "?" + *filters), "POST");
  if (told.code != kDone) return told.code;
  const Json removed = told.value.value("VolumesDeleted", Json());
  if (removed.is_array() && !removed.empty()) {
    std::string lines = "Deleted Volumes:\n";
    for (const Json& each : removed) lines += each.get<std::string>() + "\n";
    print(lines + "\n");
  }
  print("Total reclaimed space: " + docker_size(told.value.value("SpaceReclaimed", std::int64_t{0})) + "\n");
  return kDone;
}

void add_filter(CLI::App* command, VolumeFlags& flags, const char* help) {
  command->add_option("--filter", flags.filters, help)->type_name("NAME=VALUE")->allow_extra_args(false);
}

void add_make_and_list(CommandLine& line, CLI::App* group) {
  const Common& common = line.common();
  auto made = std::make_shared<VolumeFlags>();
  auto* create = line.add(
      {"create", "Make a volume; without a name one is invented",
       "  mete volume create data\n  mete volume create --label app=shop data"},
      [&common, made] { return create_volume(common, *made); }, group);
  create->add_option("name", made->names, "Its name")->type_name("NAME")->expected(0, 1);
  create->add_option("--label", made->labels, "A label of it")->type_name("NAME=VALUE")->allow_extra_args(false);
  create->add_option("-d,--driver", made->driver, "local, the only one")->type_name("NAME");
  create->add_option("-o,--opt", made->options, "An option of the driver; local has none")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  auto listed = std::make_shared<VolumeFlags>();
  auto* ls = line.add(
      {"ls", "List volumes", "  mete volume ls\n  mete volume ls -q --filter dangling=true"},
      [&common, listed] { return list_volumes(common, *listed); }, group);
  ls->add_flag("-q,--quiet", listed->quiet, "Print names alone");
  add_filter(ls, *listed, "name=TEXT, label=NAME[=VALUE], dangling=true, driver=local");
  add_format(ls, listed->format);
  line.add_output(ls);
}

void add_look_and_remove(CommandLine& line, CLI::App* group) {
  const Common& common = line.common();
  auto shown = std::make_shared<Inspected>();
  shown->type = "volume";
  auto* inspect = line.add(
      {"inspect", "All that is known of volumes", "  mete volume inspect data"},
      [&common, shown] { return inspect_all(common, *shown); }, group);
  inspect->add_option("names", shown->words, "Volumes")->required()->type_name("NAME");
  inspect->add_option("-f,--format", shown->format, "A template: '{{.Mountpoint}}'")->type_name("TEXT");
  auto removed = std::make_shared<VolumeFlags>();
  auto* rm = line.add(
      {"rm", "Remove volumes that no container has", "  mete volume rm data"},
      [&common, removed] { return remove_volumes(common, *removed); }, group);
  rm->add_option("names", removed->names, "Volumes")->required()->type_name("NAME");
  rm->add_flag("-f,--force", removed->force, "One that is not there is no failure");
  auto pruned = std::make_shared<VolumeFlags>();
  auto* prune = line.add(
      {"prune", "Remove the anonymous volumes that no container has",
       "  mete volume prune -f\n  mete volume prune -f -a"},
      [&common, pruned] { return prune_volumes(common, *pruned); }, group);
  prune->add_flag("-a,--all", pruned->all, "Named ones, too");
  prune->add_flag("-f,--force", pruned->force, "Do not ask");
  add_filter(prune, *pruned, "label=NAME[=VALUE]");
}

}  // namespace

void add_volumes(CommandLine& line) {
  auto* group = line.add_group({"volume", "Volumes of containers", "  mete volume create data\n  mete volume ls"});
  add_make_and_list(line, group);
  add_look_and_remove(line, group);
}

}  // namespace mete::agent::cli
