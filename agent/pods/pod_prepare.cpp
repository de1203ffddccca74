// SPDX-License-Identifier: Apache-2.0
// What a pod has before its first container starts: volumes, with what the agent knows of the machine and of its
// images; the files of names; its cgroup.
#include "agent/base/machine_facts.h"
#include "agent/networks/networks.h"
#include "agent/pods/cgroup_parents.h"
#include "agent/pods/pod.h"
#include "runtime/cgroup/create.h"
#include "runtime/file.h"
#include "runtime/pod/name_files.h"
#include "runtime/storage/volumes.h"

namespace mete::agent {

using runtime::Durability;

Status Pod::make_volumes() {
  image_layers_.clear();
  const auto layers = [this](const std::string& reference) -> Result<std::vector<std::string>> {
    METE_TRY(const runtime::image::Image image, services_.images.find(reference));
    image_layers_.insert(image_layers_.end(), image.layers.begin(), image.layers.end());
    std::vector<std::string> paths;
    paths.reserve(image.layers.size());
    for (const auto& layer : image.layers) paths.push_back(services_.images.layers_directory() + "/" + layer);
    return paths;
  };
  auto machine = machine_facts(services_.machine_memory, services_.images.layers_directory(), Addresses::kNone);
  METE_TRY(volumes_,
           runtime::storage::prepare_volumes(*plan_, paths().volumes(), {std::move(machine), layers, mounted_}));
  return {};
}

Status Pod::prepare() {
  if (prepared_) return give_quota();
  const auto& pod = plan_->pod;
  written_names_ = {};
  METE_CHECK(make_volumes());
  METE_CHECK(runtime::make_directories(paths().etc()));
  const auto write = [&](const std::string& name, const std::string& text) {
    return runtime::replace_file(paths().etc() + name, text, 0644, Durability::volatile_);
  };
  METE_CHECK(write("/hostname", runtime::pod::hostname_of(pod) + "\n"));
  // Of a pod that is being connected, and whose address is not known yet, they follow.
  if (connected_ != Connected::kConnecting || !networks_.addresses(record_.uid).empty()) METE_CHECK(write_names());
  METE_CHECK(note_missing_parents(services_.settings, services_.hierarchies, record_.cgroup_parent));
  METE_TRY(new_cgroup_, runtime::cgroup::create_anew(cgroup_));
  METE_CHECK(write_limits(limits_for(pod.spec)));
  open_cgroup();
  prepared_ = true;
  return {};
}

// The threads of the networks connect it meanwhile, which takes as long. Why it fails is told when the pod is
// connected, and what is there by then is not made again.
void Pod::prepare_meanwhile() {
  asio::post(services_.loop, alive_.guard([this] {
    if (connected_ == Connected::kConnecting && plan_ && !is_ending()) (void)prepare();
  }));
}

void Pod::open_cgroup() {
  drift_.open();
  watch_pids();
}

}  // namespace mete::agent
