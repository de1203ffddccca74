// SPDX-License-Identifier: Apache-2.0
// `mete rmi` and `mete image prune`.
#include <unistd.h>

#include <memory>

#include "agent/cli/images/image_commands.h"
#include "agent/cli/images/image_rows.h"
#include "agent/cli/images/image_users.h"
#include "agent/cli/output/docker_text.h"
#include "agent/cli/output/output.h"
#include "runtime/image/image_documents.h"
#include "runtime/image/store.h"

namespace mete::agent::cli {
namespace {

namespace image = runtime::image;

// The layers of an image as docker names them, lowest first. Empty: the image came without a configuration.
struct LayerIds {
  std::vector<std::string> chain;
  std::vector<std::string> directories;
};

LayerIds layers_of(const image::Store& store, const image::Image& each) {
  const auto text = store.document(each.id);
  const auto config = text ? image::parse_config(*text) : tl::unexpected(text.error());
  if (!config) return {};
  return {image::chain_ids(config->diff_ids), store.layer_directories(each, config->diff_ids)};
}

struct Words {
  std::string untagged;
  std::string deleted;
};

// What docker says of a removal. Layers that others use stay, and are not named.
std::string removal_lines(const image::Removal& removal, const LayerIds& layers, const Words& words) {
  std::string text;
  for (const std::string& name : removal.names) text += words.untagged + name + "\n";
  if (removal.stays) return text;
  text += words.deleted + "sha256:" + removal.id + "\n";
  for (std::size_t i = layers.chain.size(); i-- > 0;) {
    if (::access(layers.directories[i].c_str(), F_OK) != 0) text += words.deleted + layers.chain[i] + "\n";
  }
  return text;
}

Result<std::string> remove_one(const Common& common, image::Store& store, const std::string& reference, bool force,
                               const Words& words) {
  METE_TRY(const auto found, store.resolve(reference));
  const LayerIds layers = layers_of(store, found);
  METE_TRY(const image::Removal removal, store.remove_reference(reference, image_users(common), force));
  return removal_lines(removal, layers, words);
}

int remove_images(const Common& common, const std::vector<std::string>& names, bool force) {
  auto store = image::Store::open(common.settings.images());
  if (!store) return complain(store.error().what);
  int worst = kDone;
  for (const auto& name : names) {
    const auto text = remove_one(common, *store, name, force, {"Untagged: ", "Deleted: "});
    if (text) {
      print(*text);
    } else if (text.error().code != ENOENT || !force) {  // as docker: -f is content when there is none
      worst = complain(text.error().what, text.error().code == ENOENT ? kNotFound : kFailed);
    }
  }
  return worst;
}

struct PruneOptions {
  bool all = false;
  bool force = false;
  std::vector<std::string> filters;
};

int prune(const Common& common, const PruneOptions& options) {
  auto store = image::Store::open(common.settings.images());
  if (!store) return complain(store.error().what);
  const auto images = store->list();
  if (!images) return complain(images.error().what);
  auto filters = read_filters(options.filters, *images, FiltersOf::kPrune);
  if (!filters) return complain(filters.error().what, kUsage);
  const std::string what =
      options.all ? "all images without at least one container associated to them" : "all dangling images";
  if (!options.force && !confirmed("WARNING! This will remove " + what + ".")) return kDone;
  if (!filters->dangling && !options.all) filters->dangling = true;
  const auto users = image_users(common);
  std::string lines;
  std::int64_t freed = 0;
  for (const auto& each : *images) {
    const bool used =
        std::any_of(users.begin(), users.end(), [&](const auto& user) { return image::uses(user, each); });
    if (used || !fits(each, *filters)) continue;
    const std::string reference = image::is_nameless(each) ? each.id : each.name;
    const auto text = remove_one(common, *store, reference, false, {"untagged: ", "deleted: "});
    if (!text) return complain(text.error().what);
    lines += *text;
    if (text->find("deleted: ") != std::string::npos) freed += each.size;
  }
  if (!lines.empty()) print("Deleted Images:\n" + lines + "\n");
  print("Total reclaimed space: " + docker_size(freed, 4) + "\n");
  return kDone;
}

void add_remove(CommandLine& line, const char* name, CLI::App* group) {
  const Common& common = line.common();
  struct Options {
    std::vector<std::string> names;
    bool force = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = line.add(
      {name, "Remove images", "  mete rmi app:1.0\n  mete rmi 3c2ae9b1c4d5"},
      [&common, options] { return remove_images(common, options->names, options->force); }, group);
  command->add_option("names", options->names, "NAME[:TAG], NAME@DIGEST, or (the start of) an id")
      ->type_name("IMAGE")
      ->required();
  command->add_flag("-f,--force", options->force, "Also one that a container uses, or with several names");
}

}  // namespace

void add_image_removal(CommandLine& line, CLI::App* group) {
  const Common& common = line.common();
  add_remove(line, "rmi", nullptr);
  add_remove(line, "rm", group);
  auto options = std::make_shared<PruneOptions>();
  auto* command = line.add(
      {"prune", "Remove images that nobody uses", "  mete image prune\n  mete image prune -a -f --filter until=24h"},
      [&common, options] { return prune(common, *options); }, group);
  command->add_flag("-a,--all", options->all, "All images without a container, not only those without a name");
  command->add_flag("-f,--force", options->force, "Do not ask");
  command->add_option("--filter", options->filters, "until=24h, label=NAME[=VALUE], label!=NAME[=VALUE]")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
}

}  // namespace mete::agent::cli
