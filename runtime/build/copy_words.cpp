// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/copy_words.h"

#include <charconv>

#include "runtime/build/language/heredoc.h"
#include "runtime/build/settings_step.h"

namespace mete::runtime::build {
namespace {

// Those without variables are parts of the Dockerfile.
constexpr std::size_t kMostDocuments = 2 * kMostDockerfile;  // bytes

Status take_flag(const Flag& flag, const Lookup& lookup, char escape, CopyWords& words) {
  if (flag.name == "link") {
    words.link = !flag.value || *flag.value == "true";
    return {};
  }
  METE_TRY(std::string value, expand(flag.value.value_or(""), lookup, escape));
  if (value.empty()) return fail("found --" + flag.name + " without a value, expected one");
  if (flag.name == "chown") words.owner = std::move(value);
  if (flag.name == "chmod") words.mode = std::move(value);
  if (flag.name == "checksum") words.checksum = std::move(value);
  if (flag.name == "exclude") words.exclude.push_back(std::move(value));
  return {};
}

}  // namespace

std::string CopyWords::text(const std::string& keyword) const {
  std::string line = keyword;
  if (!owner.empty()) line += " --chown=" + owner;
  if (!mode.empty()) line += " --chmod=" + mode;
  if (!checksum.empty()) line += " --checksum=" + checksum;
  if (link) line += " --link";
  for (const std::string& each : exclude) line += " --exclude=" + each;
  for (const std::string& each : sources) line += " " + each;
  for (const Heredoc& each : documents) line += " <<" + each.name;
  return line + " in " + target;
}

bool is_url(const std::string& source) {
  return source.starts_with("http://") || source.starts_with("https://");
}

Result<std::uint32_t> file_mode(const std::string& text) {
  std::uint32_t mode = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, mode, 8);
  if (error != std::errc() || at != end || mode > 07777U)
    return fail("found --chmod=" + text + ", expected an octal number such as 755");
  return mode;
}

Result<CopyWords> copy_words(const Instruction& at, const Lookup& lookup, char escape) {
  std::vector<std::string> known = {"chown", "chmod", "link", "exclude"};
  known.emplace_back(at.keyword == "COPY" ? "from" : "checksum");
  METE_CHECK(check_flags(at, known));
  CopyWords words;
  for (const Flag& flag : at.flags) {
    if (flag.name != "from") METE_CHECK(take_flag(flag, lookup, escape, words));
  }
  METE_TRY(std::vector<std::string> all,
           at.json ? expand_all(*at.json, lookup, escape) : expand_list(at.rest, lookup, escape));
  if (!at.heredocs.empty()) {
    HeredocHead head;
    std::erase_if(all, [&](const std::string& word) { return is_heredoc(word, head); });
  }
  if (all.empty() || all.size() + at.heredocs.size() < 2)
    return fail("found " + std::to_string(all.size()) + " argument, expected sources and a target");
  words.target = std::move(all.back());
  all.pop_back();
  words.sources = std::move(all);
  std::size_t bytes = 0;
  for (Heredoc document : at.heredocs) {
    if (document.expand) {
      METE_TRY(document.content, expand_document(document.content, lookup));
    }
    bytes += document.content.size();
    if (bytes > kMostDocuments)
      return fail("found more than " + std::to_string(kMostDocuments) +
                  " bytes of here-documents after variables are replaced, expected fewer");
    words.documents.push_back(std::move(document));
  }
  const bool fetches = words.sources.size() == 1 && words.documents.empty() && is_url(words.sources.front());
  if (!words.checksum.empty() && !fetches) return fail("found --checksum, expected it with one URL");
  if (words.target.empty()) return fail("found an empty target after variables are replaced, expected a path");
  return words;
}

}  // namespace mete::runtime::build
