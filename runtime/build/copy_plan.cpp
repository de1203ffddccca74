// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/copy_plan.h"

#include <fcntl.h>

#include "runtime/build/settings_step.h"
#include "runtime/file.h"
#include "runtime/image/merged.h"
#include "runtime/image/sha256.h"
#include "runtime/image/users.h"

namespace mete::runtime::build {
namespace {

// Without a group: the group of the same name or number, or else the user's own.
Result<FileOwner> file_owner(const std::string& text, const NameFiles& names) {
  const bool has_group = text.find(':') != std::string::npos;
  auto user = image::resolve_user(has_group ? text : text + ":" + text, names.passwd, names.group);
  if (!user && !has_group) user = image::resolve_user(text, names.passwd, names.group);
  if (!user) return fail_in("--chown=" + text, user.error());
  return FileOwner{user->uid, user->gid};
}

std::string url_name(const std::string& url) {
  const std::string path = url.substr(0, url.find_first_of("?#"));
  const auto host = path.find("://") + 3;
  const auto slash = path.rfind('/');
  return slash == std::string::npos || slash < host ? "" : path.substr(slash + 1);
}

class CopyPlanner {
 public:
  CopyPlanner(const Instruction& at, const CopyWords& words, const SourceTree& tree, BuildContext& context)
      : at_(at), words_(words), tree_(tree), context_(context) {}

  Result<CopyStep> run(const StageState& state) {
    step_.keyword = at_.keyword;
    step_.keep_owners = flag_value(at_, "from").has_value();
    step_.target = from_working_dir(state.settings, words_.target);
    step_.into_directory = words_.target.ends_with('/') || words_.target == "." || words_.target.ends_with("/.") ||
                           words_.target.ends_with("..");
    if (!words_.owner.empty()) {
      METE_TRY(const NameFiles names, name_files(state, context_.store));
      METE_TRY(step_.owner, file_owner(words_.owner, names));
    }
    if (!words_.mode.empty()) {
      METE_TRY(step_.mode, file_mode(words_.mode));
    }
    std::string patterns;
    for (const std::string& each : words_.exclude) patterns += each + "\n";
    METE_TRY(step_.exclude, IgnoreRules::parse(patterns));
    for (const std::string& source : words_.sources) METE_CHECK(add(source));
    for (const Heredoc& document : words_.documents) {
      CopyPart part{.item = {}, .content = document.content, .file = {}, .name = document.name};
      part.time = context_.now();
      step_.parts.push_back(std::move(part));
    }
    if (step_.parts.size() > 1 && !step_.into_directory)
      return fail("found " + std::to_string(step_.parts.size()) + " sources for " + words_.target +
                  ", expected a folder with / at its end");
    return std::move(step_);
  }

 private:
  Status add(const std::string& source) {
    if (at_.keyword == "ADD" && is_url(source)) return add_url(source);
    if (at_.keyword == "ADD" && (source.starts_with("git@") || source.starts_with("git://")))
      return fail("found the git repository " + source + ", expected files: clone it into the context");
    METE_TRY(const auto items, tree_.find(source));
    if (items.empty())
      return fail("found no \"" + source + "\", or .dockerignore leaves it out, expected a file or folder of the " +
                  (flag_value(at_, "from") ? "image" : "context"));
    for (const SourceItem& item : items) {
      CopyPart part{.item = item, .content = {}, .file = {}, .name = item.name};
      if (at_.keyword == "ADD" && !item.is_directory) {
        METE_TRY(part.unpack, is_archive(tree_, item));
      }
      step_.parts.push_back(std::move(part));
    }
    return {};
  }

  Status add_url(const std::string& url) {
    if (url.substr(0, url.find_first_of("?#")).ends_with(".git"))
      return fail("found the git repository " + url + ", expected a file: clone it into the context");
    CopyPart part{.item = {}, .content = {}, .file = context_.workspace.new_path(), .name = url_name(url)};
    part.mode = 0600;
    if (step_.into_directory && part.name.empty())
      return fail("found no file name in " + url + ", expected one, or a target without / at its end");
    METE_TRY(const Fetched fetched, context_.outside.fetch(url, part.file));
    part.time = fetched.time;
    METE_CHECK(check_sum(url, part.file));
    step_.parts.push_back(std::move(part));
    return {};
  }

  Status check_sum(const std::string& url, const std::string& path) const {
    if (words_.checksum.empty()) return {};
    METE_TRY(const UniqueFd file, open_at(AT_FDCWD, path, O_RDONLY));
    image::Sha256 sum;
    std::string buffer(256U << 10U, '\0');
    for (ssize_t got = 1; got != 0;) {
      got = ::read(file.get(), buffer.data(), buffer.size());
      if (got < 0 && errno != EINTR) return fail_errno("read " + path);
      if (got > 0) sum.update({buffer.data(), static_cast<std::size_t>(got)});
    }
    const std::string digest = "sha256:" + sum.hex();
    if (digest != words_.checksum) return fail(url + ": found the digest " + digest + ", expected " + words_.checksum);
    return {};
  }

  const Instruction& at_;
  const CopyWords& words_;
  const SourceTree& tree_;
  BuildContext& context_;
  CopyStep step_;
};

}  // namespace

Result<NameFiles> name_files(const StageState& state, const image::Store& store) {
  std::vector<std::string> layers;
  layers.reserve(state.layers.size());
  for (const std::string& layer : state.layers) layers.push_back(store.layers_directory() + "/" + layer);
  METE_TRY(const image::MergedView view, image::MergedView::open(layers));
  NameFiles files;
  METE_TRY(files.passwd, view.text("etc/passwd"));
  METE_TRY(files.group, view.text("etc/group"));
  return files;
}

Result<CopyStep> plan_copy(const Instruction& at, const CopyWords& words, const StageState& state,
                           const SourceTree& tree, BuildContext& context) {
  return CopyPlanner(at, words, tree, context).run(state);
}

}  // namespace mete::runtime::build
