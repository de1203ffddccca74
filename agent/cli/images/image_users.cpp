// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/images/image_users.h"

#include <fcntl.h>

#include <filesystem>

#include "agent/cli/output.h"
#include "runtime/file.h"

namespace mete::agent::cli {
namespace {

using runtime::image::ImageUser;

// A container that waits for its next start holds its image, too: it runs the layers that it was made of.
ImageUser user_of(const Json& pod, const Json& container, bool running) {
  return {pod.value("namespace", "") + "/" + pod.value("name", "") + "/" + container.value("name", ""), running,
          container.value("layers", std::vector<std::string>())};
}

std::vector<ImageUser> users_of_agent(const Json& answer) {
  std::vector<ImageUser> users;
  for (const Json& pod : answer.value("pods", Json::array())) {
    for (const Json& container : pod.value("containers", Json::array())) {
      const std::string state = container.value("state", "");
      users.push_back(user_of(pod, container, state == "running" || state == "starting"));
    }
  }
  return users;
}

std::vector<ImageUser> users_of_records(const Common& common) {
  std::vector<ImageUser> users;
  std::error_code error;
  for (std::filesystem::directory_iterator at(common.settings.pods(), error), end; !error && at != end;
       at.increment(error)) {
    const auto text = runtime::read_file(AT_FDCWD, at->path().string() + "/record.json");
    const Json record = text ? Json::parse(*text, nullptr, false) : Json();
    if (!record.is_object()) continue;
    for (const Json& container : record.value("containers", Json::array()))
      users.push_back(user_of(record, container, true));  // whether it has ended meanwhile is not known
  }
  return users;
}

}  // namespace

std::vector<ImageUser> image_users(const Common& common) {
  try {
    const auto answer = Client(common.socket).request("GET", "/mete/v1/pods");
    if (!answer || answer->status != 200) return users_of_records(common);
    const Json value = Json::parse(answer->body, nullptr, false);
    return value.is_object() ? users_of_agent(value) : users_of_records(common);
  } catch (const Json::exception&) {
    return {};
  }
}

}  // namespace mete::agent::cli
