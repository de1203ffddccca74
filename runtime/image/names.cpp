// SPDX-License-Identifier: Apache-2.0
// Image names by the grammar of the distribution specification, in the short form.
#include <algorithm>
#include <string_view>

#include "runtime/image/image_documents.h"
#include "runtime/image/store.h"

namespace mete::runtime::image {
namespace {

// A name becomes a file name, followed by ".json.tmp".
constexpr std::size_t kLongest = 240;
constexpr std::size_t kLongestAsked = 1000;  // docker.io/library/ and a tag beside a digest are taken off

bool lower(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool alnum(char c) {
  return lower(c) || (c >= 'A' && c <= 'Z');
}

// Letters and digits, joined by one '.', one or two '_', or any number of '-'.
bool is_component(std::string_view part) {
  if (part.empty() || !lower(part.front()) || !lower(part.back())) return false;
  for (std::size_t i = 0; i < part.size();) {
    if (lower(part[i])) {
      ++i;
      continue;
    }
    const std::size_t end = std::min(part.find_first_not_of(part[i], i), part.size());
    const std::size_t longest = part[i] == '-' ? part.size() : part[i] == '_' ? 2 : part[i] == '.' ? 1 : 0;
    if (end - i > longest || !lower(part[end])) return false;
    i = end;
  }
  return true;
}

bool is_host(std::string_view host) {
  const auto colon = host.find(':');
  if (colon != std::string_view::npos) {
    const std::string_view port = host.substr(colon + 1);
    if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos) return false;
    host = host.substr(0, colon);
  }
  if (host.empty() || !alnum(host.front()) || !alnum(host.back()) || host.find("..") != std::string_view::npos)
    return false;
  return std::all_of(host.begin(), host.end(), [](char c) { return alnum(c) || c == '.' || c == '-'; });
}

bool is_tag(std::string_view tag) {
  const auto word = [](char c) { return alnum(c) || c == '_'; };
  return !tag.empty() && tag.size() <= 128 && word(tag.front()) &&
         std::all_of(tag.begin(), tag.end(), [&](char c) { return word(c) || c == '.' || c == '-'; });
}

bool is_repository(std::string_view repository) {
  while (true) {
    const auto slash = repository.find('/');
    if (!is_component(repository.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    repository.remove_prefix(slash + 1);
  }
}

constexpr const char* kNameless = "<none>@sha256:";

}  // namespace

std::string nameless(const std::string& id) {
  return kNameless + id;
}

bool is_nameless(const Image& image) {
  return image.name.starts_with(kNameless);
}

std::string full_name(const std::string& name) {
  const auto slash = name.find('/');
  if (slash == std::string::npos) return "docker.io/library/" + name;
  const std::string start = name.substr(0, slash);
  return start == "localhost" || start.find_first_of(".:") != std::string::npos ? name : "docker.io/" + name;
}

std::string repository_of(const std::string& name) {
  const auto at = name.find('@');
  if (at != std::string::npos) return name.substr(0, at);
  const auto colon = name.rfind(':');
  return colon == std::string::npos || name.find('/', colon) != std::string::npos ? name : name.substr(0, colon);
}

namespace {

tl::unexpected<Error> too_long(std::size_t size) {
  return fail("image name: found " + std::to_string(size) + " characters with its tag, expected at most " +
              std::to_string(kLongest));
}

}  // namespace

Result<std::string> normalize_name(const std::string& name) {
  const auto bad = [&](const std::string& why) { return fail("image name \"" + name + "\": " + why); };
  if (name.empty()) return bad("found nothing, expected a name like busybox or registry.example/team/app:1.2");
  if (name.size() > kLongestAsked) return too_long(name.size());
  // With a digest the tag says nothing: docker leaves it out.
  const auto at = name.find('@');
  const std::string digest = at == std::string::npos ? "" : name.substr(at + 1);
  if (at != std::string::npos && !is_digest(digest))
    return bad("found the digest \"" + digest + "\", expected sha256: and 64 hexadecimal digits");
  std::string repository = name.substr(0, at);
  std::string tag = "latest";
  const auto slash = repository.rfind('/');
  const auto colon = repository.rfind(':');
  if (colon != std::string::npos && (slash == std::string::npos || colon > slash)) {
    tag = repository.substr(colon + 1);
    repository.erase(colon);
    if (!is_tag(tag)) return bad("found the tag \"" + tag + "\", expected 1 to 128 letters, digits, '_', '.', '-'");
  }

  std::string host;
  const auto first = repository.find('/');
  if (first != std::string::npos) {
    const std::string start = repository.substr(0, first);
    if (start == "localhost" || start.find_first_of(".:") != std::string::npos) {
      if (!is_host(start)) return bad("found the registry \"" + start + "\", expected a host name and perhaps a port");
      host = start;
      repository.erase(0, first + 1);
    }
  }
  if (!is_repository(repository)) {
    return bad("expected lower-case letters and digits, joined by '.', '_', '-' or '/', and perhaps :tag");
  }
  if (host == "docker.io" || host == "index.docker.io") host.clear();
  constexpr std::string_view kLibrary = "library/";
  const bool official =
      host.empty() && repository.starts_with(kLibrary) && repository.find('/', kLibrary.size()) == std::string::npos;
  if (official) repository.erase(0, kLibrary.size());
  std::string whole = (host.empty() ? "" : host + "/") + repository + (digest.empty() ? ":" + tag : "@" + digest);
  if (whole.size() > kLongest) return too_long(whole.size());  // with the tag that was not said
  return whole;
}

}  // namespace mete::runtime::image
