// SPDX-License-Identifier: Apache-2.0
// How commands refer to images: docker's rules for names, digests and ids, and for what `rmi` removes. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "runtime/image/image.h"

namespace mete::runtime::image {

// The index of the image that `reference` means: a whole id, a name, a registry's digest, or the start of an id, in
// this order. Error ENOENT: there is none; another error: the start of several ids.
[[nodiscard]] Result<std::size_t> choose_reference(const std::vector<Image>& images, const std::string& reference);

// True: the image was found by (the start of) its id, not by a name.
[[nodiscard]] bool is_id_reference(const Image& image, const std::string& reference);

// Whether its name with the tag, or its repository, fits a pattern of docker's filter `reference`: `*`, `?` and `[ab]`,
// none of which stands for a slash.
[[nodiscard]] bool is_named_like(const Image& image, const std::string& pattern);

struct ToSave {
  std::size_t image = 0;           // its index
  std::vector<std::string> names;  // under which it is saved; none: it was asked for by its id or digest
};
// What `docker save REFERENCE...` means: a repository without a tag is all of its tags. Each image once, in the order
// of the references. Errors as of choose_reference().
[[nodiscard]] Result<std::vector<ToSave>> choose_to_save(const std::vector<Image>& images,
                                                         const std::vector<std::string>& references);

struct ImageUser {
  std::string container;
  bool running = false;
  std::vector<std::string> layers;  // topmost first; those of image volumes follow
};
[[nodiscard]] bool uses(const ImageUser& user, const Image& image);

struct Removal {
  std::vector<std::string> names;  // that it loses
  std::string id;
  bool stays = false;     // it has other names, or stays without one because a container uses it
  bool nameless = false;  // it stays without a name
};

// What `docker rmi [-f] REFERENCE` does. Errors in docker's words: a container uses the image, or an id has names in
// several repositories.
[[nodiscard]] Result<Removal> plan_removal(const std::vector<Image>& images, const std::string& reference,
                                           const std::vector<ImageUser>& users, bool force);

// The ids by which docker knows layers, lowest first: of each the sum of all up to it.
[[nodiscard]] std::vector<std::string> chain_ids(const std::vector<std::string>& diff_ids);

}  // namespace mete::runtime::image
