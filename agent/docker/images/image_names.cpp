// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/images/image_names.h"

namespace mete::agent::docker {

std::string with_tag(const std::string& name) {
  const auto slash = name.rfind('/');
  const bool tagged = name.find(':', slash == std::string::npos ? 0 : slash) != std::string::npos;
  return tagged || name.find('@') != std::string::npos ? name : name + ":latest";
}

std::string no_such_image(const std::string& name) {
  return "No such image: " + with_tag(name);
}

}  // namespace mete::agent::docker
