// SPDX-License-Identifier: Apache-2.0
// `mete history` and `mete image inspect`.
#include <unistd.h>

#include <memory>

#include "agent/cli/images/history_rows.h"
#include "agent/cli/images/image_commands.h"
#include "agent/cli/images/image_document.h"
#include "agent/cli/output/output.h"
#include "agent/cli/template/go_template.h"
#include "runtime/image/store.h"
#include "runtime/image/tree.h"

namespace mete::agent::cli {
namespace {

namespace image = runtime::image;

struct HistoryOptions {
  std::string name;
  std::string format;
  HistoryForm form;
  bool quiet = false;
};

int show_history(const Common& common, const HistoryOptions& options) {
  const auto store = image::Store::open(common.settings.images());
  if (!store) return complain(store.error().what);
  const auto found = store->resolve(options.name);
  if (!found) return complain(found.error().what, found.error().code == ENOENT ? kNotFound : kFailed);
  const Json config = config_document(*store, *found);
  std::vector<std::int64_t> sizes;
  for (const std::string& layer : store->layer_directories(*found, config["rootfs"]["diff_ids"]))
    sizes.push_back(image::tree_size(layer).value_or(0));
  const Json rows = history_rows(config, found->id, sizes, options.form);
  if (options.quiet) {
    for (const Json& row : rows) print(row["ID"].get<std::string>() + "\n");
    return kDone;
  }
  const auto text = format_rows(rows, history_columns(), options.format);
  if (!text) return complain(text.error().what, kUsage);
  print(*text);
  return kDone;
}

void add_history(CommandLine& line, CLI::App* group) {
  const Common& common = line.common();
  auto options = std::make_shared<HistoryOptions>();
  auto* command = line.add(
      {"history", "How an image was made, the latest step first", "  mete history --no-trunc app:1.0"},
      [&common, options] { return show_history(common, *options); }, group);
  command->add_option("name", options->name, "NAME[:TAG] or (the start of) an id")->type_name("IMAGE")->required();
  add_format(command, options->format);
  command->add_flag("-H,--human,!--no-human", options->form.human, "Sizes and times for people")->default_val(true);
  command->add_flag("-q,--quiet", options->quiet, "Print ids alone");
  command->add_flag("--no-trunc", options->form.no_trunc, "Print whole ids and instructions");
}

}  // namespace

bool has_image(const Common& common, const std::string& name) {
  // A look at a store must not make one.
  if (::access(common.settings.images().c_str(), F_OK) != 0) return false;
  const auto store = image::Store::open(common.settings.images());
  return store && store->resolve(name);
}

int inspect_images(const Common& common, const std::vector<std::string>& names, const std::string& format) {
  const auto store = image::Store::open(common.settings.images());
  if (!store) return complain(store.error().what);
  const auto images = store->list();
  if (!images) return complain(images.error().what);
  const auto made = GoTemplate::parse(format);
  if (!made) return complain(made.error().what, kUsage);
  int worst = kDone;
  Json values = Json::array();
  for (const std::string& name : names) {
    const auto found = image::choose_reference(*images, name);
    if (!found) {
      worst = complain(found.error().what, found.error().code == ENOENT ? kNotFound : kFailed);
      continue;
    }
    values.push_back(inspect_document(*store, *images, *found));
    if (format.empty()) continue;
    const auto text = made->fill(values.back());
    if (!text) return complain(text.error().what, kUsage);
    print(*text + "\n");
  }
  if (format.empty()) print(values.dump(4, ' ', false, Json::error_handler_t::replace) + "\n");
  return worst;
}

void add_image_history(CommandLine& line, CLI::App* group) {
  const Common& common = line.common();
  add_history(line, nullptr);
  add_history(line, group);
  struct Options {
    std::vector<std::string> names;
    std::string format;
  };
  auto options = std::make_shared<Options>();
  auto* command = line.add(
      {"inspect", "All that is known of images",
       "  mete image inspect app:1.0\n  mete image inspect --format '{{json .Config}}' app:1.0"},
      [&common, options] { return inspect_images(common, options->names, options->format); }, group);
  command->add_option("names", options->names, "NAME[:TAG] or (the start of) an id")->type_name("IMAGE")->required();
  command->add_option("-f,--format", options->format, "A template: '{{.Id}}', '{{json .Config}}'")->type_name("TEXT");
}

}  // namespace mete::agent::cli
