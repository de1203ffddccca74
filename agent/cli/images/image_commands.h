// SPDX-License-Identifier: Apache-2.0
// The commands of images, one file each.
#pragma once

#include <string>
#include <vector>

#include "agent/cli/command_line.h"
#include "runtime/image/made_images.h"

namespace mete::agent::cli {

void add_image_removal(CommandLine& line, CLI::App* group);  // remove.cpp: rmi, image rm, image prune
void add_image_archives(CommandLine& line);                  // archives.cpp: save, load, import
void add_container_layers(CommandLine& line);                // container_layers.cpp: commit, export
void add_image_history(CommandLine& line, CLI::App* group);  // history.cpp: history, image history, image inspect
[[nodiscard]] bool has_image(const Common& common, const std::string& name);
// Docker's JSON, or what the template `format` makes of it.
[[nodiscard]] int inspect_images(const Common& common, const std::vector<std::string>& names,
                                 const std::string& format);
// -c and -m
void add_made_options(CLI::App* command, runtime::image::MadeImage& wanted);
// --format
void add_format(CLI::App* command, std::string& format);

}  // namespace mete::agent::cli
