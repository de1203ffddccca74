// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/images/image_users.h"

#include <fcntl.h>

#include <filesystem>

#include "agent/cli/output/output.h"
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
  for (const Json& pod : answer.at("pods")) {
    for (const Json& container : pod.at("containers")) {
      const std::string state = container.value("state", "");
      users.push_back(user_of(pod, container, state == "running" || state == "starting"));
    }
  }
  return users;
}

// Whether a container has ended meanwhile is not known: all of them count as running.
void add_users_of_record(const std::string& text, std::vector<ImageUser>& users) {
  try {
    const Json record = Json::parse(text);
    for (const Json& container : record.at("containers")) users.push_back(user_of(record, container, true));
  } catch (const Json::exception&) {
    return;  // no record of this version
  }
}

std::vector<ImageUser> users_of_records(const std::string& pods) {
  std::vector<ImageUser> users;
  std::error_code error;
  for (std::filesystem::directory_iterator at(pods, error), end; !error && at != end; at.increment(error)) {
    const auto text = runtime::read_file(AT_FDCWD, at->path().string() + "/record.json");
    if (text) add_users_of_record(*text, users);
  }
  return users;
}

}  // namespace

std::vector<ImageUser> image_users(const Common& common) {
  const auto answer = Client(common.socket).request("GET", "/mete/v1/pods");
  if (!answer || answer->status != 200) return users_of_records(common.settings.pods());
  try {
    return users_of_agent(Json::parse(answer->body));
  } catch (const Json::exception&) {
    return users_of_records(common.settings.pods());
  }
}

}  // namespace mete::agent::cli
