// SPDX-License-Identifier: Apache-2.0
// `mete save`, `mete load` and `mete import`.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "agent/cli/images/image_commands.h"
#include "agent/cli/images/output_file.h"
#include "agent/cli/output/output.h"
#include "runtime/file.h"
#include "runtime/image/archives/load.h"
#include "runtime/image/archives/save.h"
#include "runtime/image/made_images.h"

namespace mete::agent::cli {
namespace {

namespace image = runtime::image;

int exit_code_of(const Error& error) {
  return error.code == ENOENT ? kNotFound : kFailed;
}

Result<std::vector<image::SaveRequest>> requests_of(const image::Store& store, const std::vector<std::string>& names) {
  METE_TRY(const auto images, store.list());
  METE_TRY(const auto chosen, image::choose_to_save(images, names));
  std::vector<image::SaveRequest> requests;
  for (const auto& each : chosen) requests.push_back({images[each.image], each.names});
  return requests;
}

int save(const Common& common, const std::vector<std::string>& names, const std::string& file) {
  if (file.empty() && ::isatty(STDOUT_FILENO) == 1)
    return complain("cowardly refusing to save to a terminal. Use the -o flag or redirect", kUsage);
  const auto store = image::Store::open(common.settings.images());
  if (!store) return complain(store.error().what);
  const auto requests = requests_of(*store, names);
  if (!requests) return complain(requests.error().what, exit_code_of(requests.error()));
  const auto done = write_output(file, [&](int out) { return image::save_images(*store, *requests, out); });
  return done ? kDone : complain(done.error().what);
}

int load(const Common& common, const std::string& file, bool quiet) {
  const auto store = image::Store::open(common.settings.images());
  if (!store) return complain(store.error().what);
  if (file.empty() && ::isatty(STDIN_FILENO) == 1)
    return complain("requested load from stdin, but stdin is empty", kUsage);
  const auto input = file.empty() ? input_of("-", store->directory()) : input_of(file, store->directory());
  if (!input) return complain(input.error().what);
  const auto loaded = image::load_images(*store, input->place);
  if (!loaded) return complain(loaded.error().what);
  for (const auto& each : *loaded) {
    const std::string said =
        image::is_nameless(each) ? "Loaded image ID: sha256:" + each.id : "Loaded image: " + each.name;
    if (!quiet || image::is_nameless(each)) print(said + "\n");
  }
  return kDone;
}

struct RootfsOptions {
  std::string path;
  image::MadeImage wanted;
};

int import_archive(const Common& common, const RootfsOptions& options) {
  const auto store = image::Store::open(common.settings.images());
  if (!store) return complain(store.error().what);
  const auto input = input_of(options.path, store->directory());
  if (!input) return complain(input.error().what);
  const auto made = image::import_rootfs(*store, input->place, options.wanted);
  if (!made) return complain(made.error().what);
  print("sha256:" + made->id + "\n");
  return kDone;
}

void add_save(CommandLine& line) {
  const Common& common = line.common();
  struct Options {
    std::vector<std::string> names;
    std::string file;
  };
  auto options = std::make_shared<Options>();
  auto* command = line.add({"save", "Write images into an archive, as docker save does",
                            "  mete save -o app.tar app:1.0 busybox\n  mete save app:1.0 | ssh host docker load"},
                           [&common, options] { return save(common, options->names, options->file); });
  command->add_option("names", options->names, "NAME[:TAG] or (the start of) an id")->type_name("IMAGE")->required();
  command->add_option("-o,--output", options->file, "Write to this file instead of standard output")->type_name(kFile);
}

void add_load(CommandLine& line) {
  const Common& common = line.common();
  struct Options {
    std::string file;
    bool quiet = false;
  };
  auto options = std::make_shared<Options>();
  auto* command =
      line.add({"load", "Load the images of an archive", "  mete load -i app.tar\n  docker save app | mete load"},
               [&common, options] { return load(common, options->file, options->quiet); });
  command->add_option("-i,--input", options->file, "Read this file or directory instead of standard input")
      ->type_name(kFile);
  command->add_flag("-q,--quiet", options->quiet, "Do not print the names");
}

void add_import(CommandLine& line) {
  const Common& common = line.common();
  auto options = std::make_shared<RootfsOptions>();
  auto* command =
      line.add({"import", "Make an image of the archive of a root file system",
                "  mete import -c 'CMD [\"/bin/sh\"]' rootfs.tar.gz base:1\n  mete export web | mete import - web:1"},
               [&common, options] { return import_archive(common, *options); });
  command->add_option("path", options->path, "An archive, or - for standard input")->type_name(kFile)->required();
  command->add_option("name", options->wanted.name, "NAME[:TAG]")->type_name("IMAGE");
  add_made_options(command, options->wanted);
}

}  // namespace

void add_made_options(CLI::App* command, image::MadeImage& wanted) {
  command
      ->add_option("-c,--change", wanted.changes,
                   "An instruction of a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, "
                   "VOLUME or WORKDIR")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  command->add_option("-m,--message", wanted.message, "What `mete history` says of it")->type_name("TEXT");
}

void add_image_archives(CommandLine& line) {
  add_save(line);
  add_load(line);
  add_import(line);
}

}  // namespace mete::agent::cli
