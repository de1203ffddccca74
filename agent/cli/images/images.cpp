// SPDX-License-Identifier: Apache-2.0
// `mete images` and `mete image import`. They act on the store, so they work with and without an agent.
#include <memory>

#include "agent/cli/images/image_commands.h"
#include "agent/cli/images/image_rows.h"
#include "agent/cli/output/output.h"
#include "agent/cli/output/table.h"
#include "runtime/image/store.h"
#include "runtime/shim/log_writer.h"

namespace mete::agent::cli {
namespace {

struct ListOptions {
  std::vector<std::string> filters;
  std::string format;
  std::string name;
  bool all = false;  // docker hides intermediate images; there are none here
  bool quiet = false;
  RowOptions rows;
};

// Empty: the image has no creation time, as with reproducible builds.
std::string created_text(const runtime::image::Image& image) {
  const auto created = std::chrono::duration_cast<std::chrono::nanoseconds>(image.created.time_since_epoch());
  return created.count() <= 0 ? std::string() : std::string(runtime::shim::format_time(created).data());
}

Json image_json(const runtime::image::Image& image) {
  Json value = {{"name", image.name}, {"id", image.id}, {"layers", image.layers.size()}, {"size", image.size}};
  value["createdAt"] = created_text(image);
  if (!image.digest.empty()) value["digest"] = image.digest;
  value["entrypoint"] = image.config.entrypoint;
  value["cmd"] = image.config.cmd;
  return value;
}

int image_import(const Common& common, const std::string& path, const std::string& name) {
  auto store = runtime::image::Store::open(common.settings.images());
  if (!store) return complain(store.error().what);
  const auto image = store->import(path, name);
  if (!image) return complain(image.error().what);
  if (print_structured(common, image_json(*image))) return kDone;
  print(image->name + " " + image->id.substr(0, 12) + " " + std::to_string(image->layers.size()) + " layers, " +
        bytes_text(image->size) + "\n");
  return kDone;
}

int images(const Common& common, const ListOptions& options) {
  const auto store = runtime::image::Store::open(common.settings.images());
  if (!store) return complain(store.error().what);
  auto list = store->list();
  if (!list) return complain(list.error().what);
  auto filters = read_filters(options.filters, *list, FiltersOf::kList);
  if (!filters) return complain(filters.error().what, kUsage);
  if (!options.name.empty()) filters->references.push_back(options.name);
  std::erase_if(*list, [&](const auto& image) { return !fits(image, *filters); });
  Json values = Json::array();
  for (const auto& image : *list) values.push_back(image_json(image));
  if (print_structured(common, {{"images", values}})) return kDone;
  sort_as_docker(*list);
  Json rows = Json::array();
  for (const auto& image : *list) rows.push_back(image_row(image, options.rows));
  if (options.quiet && options.format.empty()) {
    for (const Json& row : rows) print(row["ID"].get<std::string>() + "\n");
    return kDone;
  }
  const auto text = format_rows(rows, image_columns(options.rows), options.format);
  if (!text) return complain(text.error().what, kUsage);
  print(*text);
  return kDone;
}

void add_list(CommandLine& line, const char* name, CLI::App* group) {
  const Common& common = line.common();
  auto options = std::make_shared<ListOptions>();
  auto* command = line.add(
      {name, "List images", "  mete images\n  mete images --filter reference='app:*'\n  mete images -o json"},
      [&common, options] { return images(common, *options); }, group);
  command->add_option("name", options->name, "REPOSITORY[:TAG], with * and ? as in a shell")->type_name("IMAGE");
  command
      ->add_option("-f,--filter", options->filters,
                   "before=IMAGE, since=IMAGE, dangling=true, label=NAME[=VALUE], reference=PATTERN, until=24h")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  add_format(command, options->format);
  command->add_flag("-q,--quiet", options->quiet, "Print ids alone");
  command->add_flag("-a,--all", options->all, "As docker has it; every image is shown anyway");
  command->add_flag("--no-trunc", options->rows.no_trunc, "Print whole ids");
  command->add_flag("--digests", options->rows.digests, "Print registries' digests");
  line.add_output(command);
}

void add_image_import(CommandLine& line, CLI::App* group) {
  const Common& common = line.common();
  struct ImportOptions {
    std::string path;
    std::string name;
  };
  auto what = std::make_shared<ImportOptions>();
  auto* import = line.add(
      {"import", "Import an archive (docker save, OCI, a root file system) or a directory",
       "  mete image import busybox.tar busybox\n  mete image import ./rootfs app:1.0"},
      [&common, what] { return image_import(common, what->path, what->name); }, group);
  import->add_option("path", what->path, "File or directory")->type_name(kFile)->required();
  import->add_option("name", what->name, "NAME[:TAG]")->type_name("IMAGE")->required();
  line.add_output(import);
}

}  // namespace

void add_format(CLI::App* command, std::string& format) {
  command->add_option("--format", format, "json, or a template: '{{.ID}}', 'table {{.ID}}\\t{{.Size}}'")
      ->type_name("TEXT");
}

void add_images(CommandLine& line) {
  auto* group = line.add_group({"image", "Images", "  mete image import busybox.tar busybox"});
  add_image_import(line, group);
  add_list(line, "images", nullptr);
  add_list(line, "ls", group);
  add_image_removal(line, group);
  add_image_archives(line);
  add_image_history(line, group);
  add_container_layers(line);
}

}  // namespace mete::agent::cli
