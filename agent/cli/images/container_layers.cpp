// SPDX-License-Identifier: Apache-2.0
// `mete diff POD`, `mete commit` and `mete export`. They read the container's files themselves, while it runs.
#include "agent/cli/images/container_layers.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>

#include "agent/cli/containers/subject.h"
#include "agent/cli/images/image_commands.h"
#include "agent/cli/images/output_file.h"
#include "agent/cli/output/output.h"
#include "agent/cli/output/table.h"
#include "agent/http/http_url.h"
#include "runtime/image/archives/export.h"
#include "runtime/image/changes.h"
#include "runtime/image/made_images.h"
#include "runtime/storage/place.h"
#include "runtime/storage/tree_difference.h"

namespace mete::agent::cli {
namespace {

namespace image = runtime::image;
using runtime::storage::CopyContent;
using runtime::storage::UpperView;

struct OfContainer {
  std::string image;                // the name that its pod gives
  std::string place;                // its attempt's directory
  std::vector<std::string> layers;  // names of its image's layers, topmost first
};

// The layers of a container's image, without those of image volumes, which follow them in its record.
std::vector<std::string> own_layers(const image::Store& store, const std::string& name,
                                    std::vector<std::string> layers) {
  const auto found = store.find(name);
  if (found && found->layers.size() <= layers.size() &&
      std::equal(found->layers.begin(), found->layers.end(), layers.begin()))
    layers.resize(found->layers.size());
  return layers;
}

// Empty: an error has been printed, and `code` says which.
std::optional<OfContainer> find_layers(const Common& common, const image::Store& store, const std::string& pod,
                                       const std::string& name, int& code) {
  const auto fetched = fetch(common, "GET", "/mete/v1/pods/" + pod_key(pod));
  code = fetched.code;
  if (code != kDone) return std::nullopt;
  const auto container = find_container(fetched.value, name);
  code = kNotFound;
  if (!container) return std::nullopt;
  const std::string directory = container->value("directory", "");
  if (directory.empty() || !runtime::storage::keeps_written(directory)) {
    code = complain("container " + container->value("name", "") + " has written nothing yet: it has not run");
    return std::nullopt;
  }
  OfContainer found{container->value("image", ""), directory, container->value("layers", std::vector<std::string>())};
  found.layers = own_layers(store, found.image, std::move(found.layers));
  code = kDone;
  return found;
}

Result<UpperView> view_of(const Common& common, const OfContainer& container, CopyContent content) {
  return UpperView::of(container.place, runtime::storage::scratch_directory(common.settings.storage()), content);
}

struct CommitOptions {
  std::string pod;
  std::string container;
  image::MadeImage wanted;
};

// The image that the container runs: the one of its name, or another of the same layers. The error: both are gone, and
// nothing tells its configuration any more.
Result<image::Image> base_of(const image::Store& store, const OfContainer& container) {
  if (auto named = store.find(container.image); named && named->layers == container.layers) return named;
  METE_TRY(const auto images, store.list());
  for (const auto& each : images) {
    if (each.layers == container.layers) return each;
  }
  return fail("image \"" + container.image +
              "\": found another one under this name than the container runs, or none, expected it with its "
              "configuration; `mete export` writes the files alone");
}

// Of a container of `mete run` or a docker client: by docker's API, which knows the configuration that it was made
// with.
int commit_of_docker(const Common& common, const Subject& subject, const CommitOptions& options) {
  if (!options.container.empty() && !(subject.pod.is_object() && find_container(subject.pod, options.container)))
    return complain("commit: found --container " + options.container + ", expected none: " + options.pod +
                        " is a container and no pod",
                    kNotFound);
  constexpr std::string_view kContainers = "/containers/";
  std::string target = "/commit?container=" + subject.path.substr(kContainers.size());
  const auto add = [&](const char* name, const std::string& value) {
    target += std::string("&") + name + "=" + url_encode(value);
  };
  add("repo", options.wanted.name);
  add("comment", options.wanted.message);
  add("author", options.wanted.author);
  for (const std::string& each : options.wanted.changes) add("changes", each);
  const auto made = fetch_docker(common, target, "POST");
  if (made.code == kDone) print(made.value.value("Id", "") + "\n");
  return made.code;
}

int commit(const Common& common, const CommitOptions& options) {
  const Subject subject = find_subject(common, options.pod);
  if (subject.code != kDone) return subject.code;
  if (!subject.is_pod) return commit_of_docker(common, subject, options);
  const auto store = image::Store::open(common.settings.images());
  if (!store) return complain(store.error().what);
  int code = kDone;
  const auto container = find_layers(common, *store, options.pod, options.container, code);
  if (!container) return code;
  const auto base = base_of(*store, *container);
  if (!base) return complain(base.error().what);
  std::string command;
  for (const auto* words : {&base->config.entrypoint, &base->config.cmd}) {
    for (const std::string& word : *words) command += (command.empty() ? "" : " ") + word;
  }
  const auto written = view_of(common, *container, CopyContent::kAll);
  if (!written) return complain(written.error().what);
  const auto made = image::commit_upper(*store, *base, written->directory(), command, options.wanted);
  if (!made) return complain(made.error().what);
  print("sha256:" + made->id + "\n");
  return kDone;
}

int export_container(const Common& common, const std::string& pod, const std::string& name, const std::string& file) {
  if (file.empty() && ::isatty(STDOUT_FILENO) == 1)
    return complain("cowardly refusing to save to a terminal. Use the -o flag or redirect", kUsage);
  const auto store = image::Store::open(common.settings.images());
  if (!store) return complain(store.error().what);
  int code = kDone;
  const auto container = find_layers(common, *store, pod, name, code);
  if (!container) return code;
  const auto written = view_of(common, *container, CopyContent::kAll);
  if (!written) return complain(written.error().what);
  const auto done = write_output(file, [&](int out) {
    return image::export_tree(written->directory(), store->layers_directory(), container->layers, out);
  });
  return done ? kDone : complain(done.error().what);
}

void add_commit(CommandLine& line) {
  const Common& common = line.common();
  auto options = std::make_shared<CommitOptions>();
  auto* command = line.add({"commit", "Make an image of a container and what it wrote",
                            "  mete commit web web:patched\n  mete commit -m 'with data' -c 'ENV A=b' web web:2"},
                           [&common, options] { return commit(common, *options); });
  command->add_option("pod", options->pod, kPodName)->type_name(kPod)->required();
  command->add_option("name", options->wanted.name, "NAME[:TAG]")->type_name("IMAGE");
  command->add_option("--container", options->container, "Of a pod with several containers")->type_name(kContainer);
  command->add_option("-a,--author", options->wanted.author, "Who made it")->type_name("TEXT");
  add_made_options(command, options->wanted);
}

void add_export(CommandLine& line) {
  const Common& common = line.common();
  struct Options {
    std::string pod;
    std::string container;
    std::string file;
  };
  auto options = std::make_shared<Options>();
  auto* command = line.add(
      {"export", "Write a container's files as a tar archive",
       "  mete export -o web.tar web\n  mete export web | tar t"},
      [&common, options] { return export_container(common, options->pod, options->container, options->file); });
  command->add_option("pod", options->pod, kPodName)->type_name(kPod)->required();
  command->add_option("-c,--container", options->container, "Of a pod with several containers")->type_name(kContainer);
  command->add_option("-o,--output", options->file, "Write to this file instead of standard output")->type_name(kFile);
}

}  // namespace

int container_diff(const Common& common, const std::string& pod, const std::string& name) {
  const auto store = image::Store::open(common.settings.images());
  if (!store) return complain(store.error().what);
  int code = kDone;
  const auto container = find_layers(common, *store, pod, name, code);
  if (!container) return code;
  std::vector<std::string> layers;
  for (const std::string& layer : container->layers) layers.push_back(store->layers_directory() + "/" + layer);
  const auto written = view_of(common, *container, CopyContent::kSizeOnly);
  if (!written) return complain(written.error().what);
  const auto changes = image::changes_of(written->directory(), layers);
  if (!changes) return complain(changes.error().what);
  std::string lines;
  for (const auto& each : *changes) {
    const char* const kind = each.kind == image::ChangeKind::kAdded     ? "A "
                             : each.kind == image::ChangeKind::kDeleted ? "D "
                                                                        : "C ";
    lines += kind + printable(each.path) + "\n";
  }
  print(lines);
  return kDone;
}

void add_container_layers(CommandLine& line) {
  add_commit(line);
  add_export(line);
}

}  // namespace mete::agent::cli
