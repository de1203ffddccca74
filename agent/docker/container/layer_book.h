// SPDX-License-Identifier: Apache-2.0
// Where docker's engine keeps what a container wrote and its logs, for those who look there beside the API: cAdvisor
// takes no container whose layer it does not find (container/docker/handler.go). ROOT is DockerRootDir of GET /info.
//
//   ROOT/image/DRIVER/layerdb/mounts/ID/mount-id   the name of its layer: ID
//   ROOT/DRIVER/ID                                 a link to the folder that has diff/ of the present attempt
//   ROOT/containers/ID                             a link to the folder of its log
//
// Nothing in mete reads this.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "config/base/result.h"

namespace mete::agent::docker {

class LayerBook {
 public:
  // `driver` as docker names it: "overlay2".
  LayerBook(std::string root, std::string driver) : root_(std::move(root)), driver_(std::move(driver)) {}

  // Of a new container. `logs`: the folder, an absolute path; all links are relative to ROOT, which others mount
  // elsewhere.
  [[nodiscard]] Status add(const std::string& id, const std::string& logs) const;
  // `written`: the folder with what it writes, STATE/pods/.../diff. It is another one after each start.
  [[nodiscard]] Status point(const std::string& id, const std::string& written) const;
  void remove(const std::string& id) const;
  // Removes all whose id is unknown, of this driver.
  void sweep(const std::function<bool(const std::string& id)>& is_known) const;

 private:
  [[nodiscard]] std::string mounts() const { return root_ + "/image/" + driver_ + "/layerdb/mounts"; }
  [[nodiscard]] std::string layer_link(const std::string& id) const { return root_ + "/" + driver_ + "/" + id; }
  [[nodiscard]] std::string log_link(const std::string& id) const { return root_ + "/containers/" + id; }

  std::string root_;
  std::string driver_;
};

}  // namespace mete::agent::docker
