// SPDX-License-Identifier: Apache-2.0
// info, system df, system prune: the machine as docker's client shows its engine.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>

#include "agent/cli/containers/container_verbs.h"
#include "agent/cli/images/image_commands.h"
#include "agent/cli/output/docker_text.h"
#include "agent/cli/output/row_format.h"
#include "agent/cli/output/table.h"
#include "agent/cli/template/go_template.h"

namespace mete::agent::cli {
namespace {

// "Server Version: 1.2": the fields of GET /info with docker's words before them.
struct InfoLine {
  const char* words;
  const char* field;
};
constexpr InfoLine kInfo[] = {{"Containers", "Containers"},
                              {" Running", "ContainersRunning"},
                              {" Paused", "ContainersPaused"},
                              {" Stopped", "ContainersStopped"},
                              {"Images", "Images"},
                              {"Server Version", "ServerVersion"},
                              {"Storage Driver", "Driver"},
                              {"Logging Driver", "LoggingDriver"},
                              {"Cgroup Driver", "CgroupDriver"},
                              {"Cgroup Version", "CgroupVersion"},
                              {"Default Runtime", "DefaultRuntime"},
                              {"Init Binary", "InitBinary"},
                              {"Kernel Version", "KernelVersion"},
                              {"Operating System", "OperatingSystem"},
                              {"OSType", "OSType"},
                              {"Architecture", "Architecture"},
                              {"CPUs", "NCPU"},
                              {"Total Memory", "MemTotal"},
                              {"Name", "Name"},
                              {"ID", "ID"},
                              {"Root Dir", "DockerRootDir"},
                              {"Live Restore Enabled", "LiveRestoreEnabled"}};

int info(const Common& common, const std::string& format) {
  const auto told = fetch_docker(common, "/info");
  if (told.code != kDone) return told.code;
  if (print_structured(common, told.value)) return kDone;
  if (!format.empty() && format != "json") {
    const auto made = GoTemplate::parse(format);
    const auto text = made ? made->fill(told.value) : tl::unexpected(made.error());
    if (!text) return complain(text.error().what, kUsage);
    print(*text + "\n");
    return kDone;
  }
  if (format == "json") {
    print(told.value.dump() + "\n");
    return kDone;
  }
  std::string lines;
  for (const InfoLine& each : kInfo) {
    const auto found = told.value.find(each.field);
    if (found == told.value.end()) continue;
    const std::string value = std::string_view(each.field) == "MemTotal" ? bytes_text(found->get<std::int64_t>()) + "B"
                              : found->is_string()                       ? printable(found->get<std::string>())
                                                                         : found->dump();
    lines += std::string(each.words) + ": " + value + "\n";
    if (std::string_view(each.field) != "Driver") continue;
    for (const auto& row : told.value.value("DriverStatus", Json::array()))
      lines += " " + printable(row.at(0).get<std::string>()) + ": " + printable(row.at(1).get<std::string>()) + "\n";
  }
  print(lines);
  return kDone;
}

std::int64_t bytes_of(const Json& value, const char* key) {
  return std::max<std::int64_t>(0, value.value(key, std::int64_t{0}));
}

Json df_row(const char* type, std::size_t total, std::size_t active, std::int64_t size, std::int64_t unused) {
  const std::string percent = size > 0 ? " (" + std::to_string(100 * unused / size) + "%)" : "";
  return {{"Type", type},
          {"TotalCount", std::to_string(total)},
          {"Active", std::to_string(active)},
          {"Size", docker_size(size)},
          {"Reclaimable", docker_size(unused) + percent}};
}

Json df_rows(const Json& use) {
  std::set<std::string> used;
  std::size_t running = 0;
  std::int64_t written = 0;
  std::int64_t idle = 0;
  for (const Json& each : use["Containers"]) {
    used.insert(each.value("Image", ""));
    const bool runs = each.value("State", "") == "running";
    running += runs ? 1 : 0;
    written += bytes_of(each, "SizeRw");
    idle += runs ? 0 : bytes_of(each, "SizeRw");
  }
  const auto is_used = [&](const Json& image) {
    const Json tags = image.value("RepoTags", Json::array());
    return std::any_of(tags.begin(), tags.end(), [&](const Json& tag) {
      const auto name = tag.get<std::string>();
      constexpr std::string_view kLatest = ":latest";
      return used.contains(name) ||
             (name.ends_with(kLatest) && used.contains(name.substr(0, name.size() - kLatest.size())));
    });
  };
  std::size_t active = 0;
  std::int64_t unused = 0;
  for (const Json& image : use["Images"]) {
    active += is_used(image) ? 1 : 0;
    unused += is_used(image) ? 0 : bytes_of(image, "Size");
  }
  std::size_t mounted = 0;
  std::int64_t in_volumes = 0;
  std::int64_t in_idle = 0;
  for (const Json& volume : use["Volumes"]) {
    const Json& data = volume["UsageData"];
    const bool is_mounted = data.value("RefCount", -1) > 0;
    mounted += is_mounted ? 1 : 0;
    in_volumes += bytes_of(data, "Size");
    in_idle += is_mounted ? 0 : bytes_of(data, "Size");
  }
  return Json::array({df_row("Images", use["Images"].size(), active, bytes_of(use, "LayersSize"), unused),
                      df_row("Containers", use["Containers"].size(), running, written, idle),
                      df_row("Local Volumes", use["Volumes"].size(), mounted, in_volumes, in_idle),
                      df_row("Build Cache", use["BuildCache"].size(), 0, 0, 0)});
}

int disk_use(const Common& common, const std::string& format) {
  const auto told = fetch_docker(common, "/system/df");
  if (told.code != kDone) return told.code;
  if (print_structured(common, told.value)) return kDone;
  const std::vector<Column> columns = {{"Type", "TYPE"},
                                       {"TotalCount", "TOTAL"},
                                       {"Active", "ACTIVE"},
                                       {"Size", "SIZE"},
                                       {"Reclaimable", "RECLAIMABLE"}};
  const auto text = format_rows(df_rows(told.value), columns, format);
  if (!text) return complain(text.error().what, kUsage);
  print(*text);
  return kDone;
}

struct SystemPrune {
  bool all = false;
  bool force = false;
  bool volumes = false;
  std::vector<std::string> filters;
};

// What one of the prunes has removed, in docker's words.
struct Pruned {
  const char* target;
  const char* list;
  const char* head;
};

std::string name_of_removed(const Json& each) {
  if (each.is_string()) return each.get<std::string>();
  return each.contains("Untagged") ? "untagged: " + each["Untagged"].get<std::string>()
                                   : "deleted: " + each.value("Deleted", "");
}

int prune_one(const Common& common, const Pruned& what, std::vector<std::string> filters, std::int64_t& freed) {
  const auto query = filters_query(filters);
  if (!query) return complain(query.error().what, kUsage);
  const auto told = fetch_docker(common, what.target + (query->empty() ? "" : "?" + *query), "POST");
  if (told.code != kDone) return told.code;
  freed += bytes_of(told.value, "SpaceReclaimed");
  const Json removed = told.value.value(what.list, Json());
  if (!removed.is_array() || removed.empty()) return kDone;
  std::string lines = std::string(what.head) + ":\n";
  for (const Json& each : removed) lines += name_of_removed(each) + "\n";
  print(lines + "\n");
  return kDone;
}

int prune_system(const Common& common, const SystemPrune& options) {
  if (!options.force) {
    std::string what = "WARNING! This will remove:\n  - all stopped containers\n  - all networks that no pod is in\n";
    if (options.volumes) what += "  - all anonymous volumes that no container has\n";
    what += options.all ? "  - all images without a container\n" : "  - all dangling images\n";
    if (!confirmed(what)) return kDone;
  }
  std::int64_t freed = 0;
  auto images = options.filters;
  images.push_back(std::string("dangling=") + (options.all ? "false" : "true"));
  int worst =
      prune_one(common, {"/containers/prune", "ContainersDeleted", "Deleted Containers"}, options.filters, freed);
  worst = std::max(
      worst, prune_one(common, {"/networks/prune", "NetworksDeleted", "Deleted Networks"}, options.filters, freed));
  if (options.volumes)
    worst = std::max(
        worst, prune_one(common, {"/volumes/prune", "VolumesDeleted", "Deleted Volumes"}, options.filters, freed));
  worst = std::max(worst, prune_one(common, {"/images/prune", "ImagesDeleted", "Deleted Images"}, images, freed));
  print("Total reclaimed space: " + docker_size(freed) + "\n");
  return worst;
}

}  // namespace

void add_engine(CommandLine& line) {
  const Common& common = line.common();
  auto format = std::make_shared<std::string>();
  auto* told =
      line.add({"info", "What this machine and its agent are", "  mete info\n  mete info --format '{{.NCPU}}'"},
               [&common, format] { return info(common, *format); });
  told->add_option("-f,--format", *format, "json, or a template")->type_name("TEXT");
  line.add_output(told);
  auto* group = line.add_group(
      {"system", "The machine's images, containers and volumes together", "  mete system df\n  mete system prune -f"});
  auto use = std::make_shared<std::string>();
  auto* df = line.add(
      {"df", "What images, containers and volumes take of the disk", "  mete system df"},
      [&common, use] { return disk_use(common, *use); }, group);
  add_format(df, *use);
  line.add_output(df);
  auto options = std::make_shared<SystemPrune>();
  auto* pruned = line.add(
      {"prune", "Remove what nobody uses: stopped containers, networks, images",
       "  mete system prune\n  mete system prune -f -a --volumes"},
      [&common, options] { return prune_system(common, *options); }, group);
  pruned->add_flag("-a,--all", options->all, "All images without a container, not those alone that have no name");
  pruned->add_flag("-f,--force", options->force, "Do not ask");
  pruned->add_flag("--volumes", options->volumes, "Anonymous volumes, too");
  pruned->add_option("--filter", options->filters, "label=NAME[=VALUE]")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
}

}  // namespace mete::agent::cli
