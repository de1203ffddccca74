// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/references.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "runtime/image/sha256.h"
#include "runtime/image/store.h"

namespace mete::runtime::image {
namespace {

constexpr std::size_t kIdDigits = 64;

// The digits of an id or of its start; empty: it cannot be one.
std::string id_digits(std::string_view reference) {
  if (reference.starts_with("sha256:")) reference.remove_prefix(7);
  if (reference.empty() || reference.size() > kIdDigits) return "";
  return reference.find_first_not_of("0123456789abcdef") == std::string_view::npos ? std::string(reference) : "";
}

// Of one image under several names the first that has one.
Result<std::size_t> choose_id(const std::vector<Image>& images, const std::string& digits,
                              const std::string& reference) {
  std::size_t found = images.size();
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (!images[i].id.starts_with(digits)) continue;
    if (found != images.size() && images[found].id != images[i].id)
      return fail("image \"" + reference + "\": found the start of several ids, expected more digits");
    if (found == images.size() || is_nameless(images[found])) found = i;
  }
  if (found == images.size()) return tl::unexpected(Error{ENOENT, "No such image: " + reference});
  return found;
}

std::string short_id(const std::string& id) {
  return id.substr(0, 12);
}

// The names of the image, as records have them.
std::vector<std::string> names_of(const std::vector<Image>& images, const std::string& id) {
  std::vector<std::string> names;
  for (const Image& image : images) {
    if (image.id == id && !is_nameless(image)) names.push_back(image.name);
  }
  return names;
}

bool is_digest_name(const std::string& name) {
  return name.find('@') != std::string::npos;
}

// One tag at most, and everything in one repository.
bool is_single(const std::vector<std::string>& names) {
  std::set<std::string> repositories;
  std::size_t tags = 0;
  for (const std::string& name : names) {
    repositories.insert(repository_of(name));
    if (!is_digest_name(name)) ++tags;
  }
  return repositories.size() <= 1 && tags <= 1;
}

const ImageUser* user_of(const Image& image, const std::vector<ImageUser>& users, bool running_only) {
  const auto found = std::find_if(users.begin(), users.end(), [&](const ImageUser& user) {
    return (user.running || !running_only) && uses(user, image);
  });
  return found == users.end() ? nullptr : &*found;
}

// What goes with a name: the digests of its repository when that has no other tag.
std::vector<std::string> going_with(const std::string& name, const std::vector<std::string>& names) {
  std::vector<std::string> going = {name};
  if (is_digest_name(name)) return going;
  const std::string repository = repository_of(name);
  const auto own = [&](const std::string& other) { return other != name && repository_of(other) == repository; };
  const bool other_tag =
      std::any_of(names.begin(), names.end(), [&](const std::string& at) { return own(at) && !is_digest_name(at); });
  if (other_tag) return going;
  std::copy_if(names.begin(), names.end(), std::back_inserter(going), own);
  return going;
}

Result<Removal> plan_by_name(const Image& image, const std::vector<std::string>& names, const std::string& reference,
                             const std::vector<ImageUser>& users, bool force) {
  const ImageUser* const user = user_of(image, users, false);
  if (user != nullptr && !force && is_single(names)) {
    return fail("conflict: unable to remove repository reference \"" + reference + "\" (must force) - container " +
                user->container + " is using its referenced image " + short_id(image.id));
  }
  Removal removal;
  removal.id = image.id;
  removal.names = going_with(image.name, names);
  removal.stays = removal.names.size() < names.size();
  if (!removal.stays && user_of(image, users, true) != nullptr) removal.stays = removal.nameless = true;
  return removal;
}

Result<Removal> plan_by_id(const Image& image, const std::vector<std::string>& names,
                           const std::vector<ImageUser>& users, bool force) {
  const std::string unable = "conflict: unable to delete " + short_id(image.id);
  if (!force && !is_single(names))
    return fail(unable + " (must be forced) - image is referenced in multiple repositories");
  if (const ImageUser* const user = user_of(image, users, true); user != nullptr)
    return fail(unable + " (cannot be forced) - image is being used by running container " + user->container);
  if (const ImageUser* const user = user_of(image, users, false); user != nullptr && !force)
    return fail(unable + " (must be forced) - image is being used by stopped container " + user->container);
  Removal removal;
  removal.id = image.id;
  removal.names = names;
  return removal;
}

// All of a repository that is named without a tag; none: it is something else.
std::vector<std::size_t> tags_of(const std::vector<Image>& images, const std::string& reference) {
  std::vector<std::size_t> all;
  const auto name = normalize_name(reference);
  if (!name || repository_of(reference) != reference) return all;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const std::string& each = images[i].name;
    if (!is_nameless(images[i]) && !is_digest_name(each) && repository_of(each) == repository_of(*name))
      all.push_back(i);
  }
  return all;
}

}  // namespace

Result<std::size_t> choose_reference(const std::vector<Image>& images, const std::string& reference) {
  const std::string digits = id_digits(reference);
  if (digits.size() == kIdDigits) return choose_id(images, digits, reference);
  if (const auto name = normalize_name(reference)) {
    for (std::size_t i = 0; i < images.size(); ++i) {
      if (images[i].name == *name) return i;
    }
    const auto at = name->find('@');
    for (std::size_t i = 0; at != std::string::npos && i < images.size(); ++i) {
      if (images[i].digest == name->substr(at + 1) && repository_of(images[i].name) == name->substr(0, at)) return i;
    }
  } else if (digits.empty()) {
    return tl::unexpected(name.error());
  }
  if (!digits.empty()) return choose_id(images, digits, reference);
  return tl::unexpected(Error{ENOENT, "No such image: " + reference});
}

bool is_named_like(const Image& image, const std::string& pattern) {
  if (is_nameless(image)) return false;
  const auto fits = [&](const std::string& text) {
    return ::fnmatch(pattern.c_str(), text.c_str(), FNM_PATHNAME) == 0;
  };
  return fits(image.name) || fits(repository_of(image.name));
}

Result<std::vector<ToSave>> choose_to_save(const std::vector<Image>& images,
                                           const std::vector<std::string>& references) {
  std::vector<ToSave> all;
  const auto add = [&](std::size_t index, bool by_name) {
    const Image& image = images[index];
    auto at =
        std::find_if(all.begin(), all.end(), [&](const ToSave& each) { return images[each.image].id == image.id; });
    if (at == all.end()) at = all.insert(all.end(), {index, {}});
    if (by_name && std::find(at->names.begin(), at->names.end(), image.name) == at->names.end())
      at->names.push_back(image.name);
  };
  for (const std::string& reference : references) {
    const auto tags = tags_of(images, reference);
    for (const std::size_t each : tags) add(each, true);
    if (!tags.empty()) continue;
    METE_TRY(const std::size_t found, choose_reference(images, reference));
    const Image& image = images[found];
    add(found, !is_nameless(image) && !is_id_reference(image, reference) && !is_digest_name(image.name));
  }
  return all;
}

bool is_id_reference(const Image& image, const std::string& reference) {
  const std::string digits = id_digits(reference);
  if (digits.empty() || !image.id.starts_with(digits)) return false;
  const auto name = normalize_name(reference);
  return digits.size() == kIdDigits || !name || *name != image.name;
}

bool uses(const ImageUser& user, const Image& image) {
  return user.layers.size() >= image.layers.size() &&
         std::search(user.layers.begin(), user.layers.end(), image.layers.begin(), image.layers.end()) !=
             user.layers.end();
}

Result<Removal> plan_removal(const std::vector<Image>& images, const std::string& reference,
                             const std::vector<ImageUser>& users, bool force) {
  METE_TRY(const std::size_t found, choose_reference(images, reference));
  const Image& image = images[found];
  const auto names = names_of(images, image.id);
  if (is_id_reference(image, reference)) return plan_by_id(image, names, users, force);
  return plan_by_name(image, names, reference, users, force);
}

std::vector<std::string> chain_ids(const std::vector<std::string>& diff_ids) {
  std::vector<std::string> ids;
  for (const std::string& diff_id : diff_ids)
    ids.push_back(ids.empty() ? diff_id : "sha256:" + sha256_hex(ids.back() + " " + diff_id));
  return ids;
}

}  // namespace mete::runtime::image
