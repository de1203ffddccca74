// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/step_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>

#include "runtime/file.h"
#include "runtime/image/image_documents.h"
#include "runtime/json_numbers.h"

namespace mete::runtime::build {
namespace {

constexpr std::int64_t kWeek = 7 * 24 * 3600;

void forget_old(const std::string& directory) {
  const std::int64_t oldest = std::time(nullptr) - kWeek;
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    struct stat info {};
    if (::lstat(at->path().c_str(), &info) == 0 && info.st_mtim.tv_sec < oldest) (void)::unlink(at->path().c_str());
  }
}

}  // namespace

std::string key_text(std::initializer_list<std::string_view> fields) {
  std::string text;
  for (const std::string_view field : fields) text.append(std::to_string(field.size())).append(":").append(field);
  return text;
}

std::string to_text(const CachedStep& step) {
  return nlohmann::json({{"created", step.created}, {"diffId", step.diff_id}}).dump();
}

Result<CachedStep> parse_cached_step(const std::string& text) {
  const auto value = nlohmann::json::parse(text, nullptr, false);
  if (!value.is_object()) return fail("cached step: found no JSON object");
  try {
    CachedStep step{whole_number<std::int64_t>(value.at("created")), value.at("diffId").get<std::string>()};
    if (!step.diff_id.empty() && !image::is_digest(step.diff_id)) return fail("cached step: found no digest");
    return step;
  } catch (const nlohmann::json::exception& error) {
    return fail(std::string("cached step: ") + error.what());
  }
}

Result<StepCache> StepCache::open(const std::string& store) {
  const std::string directory = store + "/build";
  for (const char* name : {"/cache", "/kept"}) {
    METE_CHECK(make_directories(directory + name, 0700));
    forget_old(directory + name);
  }
  return StepCache(directory);
}

std::optional<CachedStep> StepCache::find(const std::string& key) const {
  const std::string path = directory_ + "/cache/" + key;
  const auto text = read_file(AT_FDCWD, path);
  if (!text) return std::nullopt;
  auto step = parse_cached_step(*text);
  if (!step) return std::nullopt;
  (void)::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
  return *step;
}

Status StepCache::remember(const std::string& key, const CachedStep& step, const std::string& layer) const {
  // First: from then on the store keeps the layer.
  if (!layer.empty()) {
    METE_TRY([[maybe_unused]] const UniqueFd made,
             open_at(AT_FDCWD, directory_ + "/kept/" + layer, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600));
  }
  // Two builds or stages may have come to the same at once: each has a temporary file of its own.
  const std::string path = directory_ + "/cache/" + key;
  const std::string own = path + "." + std::to_string(::gettid());
  METE_CHECK(replace_file(own, to_text(step), 0600, Durability::volatile_));
  if (::rename(own.c_str(), path.c_str()) != 0) return fail_errno("rename to " + path);
  return {};
}

void StepCache::touch(const std::string& layer) const {
  (void)::utimensat(AT_FDCWD, (directory_ + "/kept/" + layer).c_str(), nullptr, 0);
}

}  // namespace mete::runtime::build
