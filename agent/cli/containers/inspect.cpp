// SPDX-License-Identifier: Apache-2.0
// `mete inspect`: whatever has that name, as docker's inspect shows it; a pod in the agent's own words.
#include <array>
#include <memory>

#include "agent/cli/containers/container_verbs.h"
#include "agent/cli/images/image_commands.h"
#include "agent/cli/template/go_template.h"
#include "agent/http/http_url.h"

namespace mete::agent::cli {
namespace {

struct Found {
  int code = kNotFound;
  bool is_pod = false;
  Json value;
};

bool wants(const Inspected& options, const char* type) {
  return options.type.empty() || options.type == type;
}

Found find_container_or_pod(const Common& common, const Inspected& options, const std::string& word,
                            std::string& problem) {
  const Subject subject = look_for_subject(common, word, problem);
  if (subject.code != kDone) return {subject.code, false, {}};
  // -o asks for the agent's own words.
  if (subject.is_pod || common.output != "table") return {kDone, true, subject.pod};
  const auto told = fetch_docker(common, subject.path + "/json" + (options.sizes ? "?size=1" : ""));
  return {told.code, false, told.value};
}

// Of what docker's API tells under this path; without a word where there is nothing.
Found find_there(const Common& common, const std::string& target) {
  const auto answer = docker_client(common).request("GET", target);
  if (!answer || answer->status != 200) return {};
  return {kDone, false, Json::parse(answer->body, nullptr, false)};
}

Found find_any(const Common& common, const Inspected& options, const std::string& word) {
  std::string problem = "no such " + (options.type.empty() ? std::string("object") : options.type) + ": " + word;
  if (wants(options, "container")) {
    Found found = find_container_or_pod(common, options, word, problem);
    if (found.code != kNotFound) {
      if (found.code != kDone) complain(problem);
      return found;
    }
  }
  constexpr std::array<std::pair<const char*, const char*>, 3> kOthers = {
      {{"image", "/images/"}, {"network", "/networks/"}, {"volume", "/volumes/"}}};
  for (const auto& [type, path] : kOthers) {
    if (!wants(options, type)) continue;
    const std::string target = path + url_encode(word) + (std::string_view(type) == "image" ? "/json" : "");
    if (Found found = find_there(common, target); found.code == kDone) return found;
  }
  complain(problem);
  return {};
}

int show_formatted(const Inspected& options, const Json& value) {
  const auto made = GoTemplate::parse(options.format);
  if (!made) return complain(made.error().what, kUsage);
  const auto text = options.format == "json" ? Result<std::string>(value.dump()) : made->fill(value);
  if (!text) return complain(text.error().what);
  print(*text + "\n");
  return kDone;
}

}  // namespace

int inspect_all(const Common& common, const Inspected& options) {
  // An image needs no agent to be shown.
  const bool no_agent = !Client(common.socket).request("GET", "/healthz");
  if (no_agent && has_image(common, options.words.front()) && wants(options, "image"))
    return inspect_images(common, options.words, options.format);
  int worst = kDone;
  Json list = Json::array();
  bool pods = false;
  for (const auto& word : options.words) {
    const Found found = find_any(common, options, word);
    int code = found.code;
    if (code == kDone && !options.format.empty()) {
      code = show_formatted(options, found.value);
    } else if (code == kDone && found.is_pod) {
      pods = true;
      if (!print_structured(common, found.value)) print(to_yaml(found.value));
    } else if (code == kDone) {
      list.push_back(found.value);
    }
    worst = std::max(worst, code);
  }
  if (options.format.empty() && (!list.empty() || (!pods && worst == kNotFound)))
    print(list.dump(4, ' ', false, Json::error_handler_t::replace) + "\n");
  return worst;
}

}  // namespace mete::agent::cli
