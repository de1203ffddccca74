// SPDX-License-Identifier: Apache-2.0
// Which manifests of an index are for this machine. Pure, but for the machine's own architecture.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/image/image_documents.h"

namespace mete::runtime::image {

// Go's name of this machine's architecture: "amd64" on x86_64.
[[nodiscard]] std::string machine_architecture();

// Chooses the manifest for linux on this machine among those of an index, all of which have a platform.
[[nodiscard]] Result<Descriptor> choose_platform(std::vector<Descriptor> found, const std::string& name);
// All of them for linux on this machine; of one image in several variants the plainest. The error: there is none.
[[nodiscard]] Result<std::vector<Descriptor>> all_platforms(const std::vector<Descriptor>& found);

// The image's whole name that a descriptor or a list of tags gives; empty: a tag alone ("latest"), or none.
[[nodiscard]] std::string name_of_reference(const std::string& reference);

}  // namespace mete::runtime::image
