// SPDX-License-Identifier: Apache-2.0
// Builds an image of a Dockerfile into the store. Steps whose inputs are known are taken from the cache. A build that
// fails or is killed leaves the steps it has done for the next one, and no image.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "config/base/units.h"
#include "runtime/build/language/stages.h"
#include "runtime/build/run_step.h"
#include "runtime/image/archives/archive.h"
#include "runtime/image/store.h"

namespace mete::runtime::build {

struct BuildOptions {
  std::string context;                        // a directory; empty: there is none, or `archive` has it
  image::ByteSource archive;                  // of a tar archive with the context
  std::string dockerfile_name;                // for errors; in an archive its path there
  std::string dockerfile;                     // its text; of an archive not used
  std::vector<std::string> names;             // what the image is called; may be none
  Arguments arguments;                        // --build-arg
  std::map<std::string, std::string> labels;  // --label
  std::string target;                         // empty: the last stage
  std::string platform;                       // empty: this machine's
  bool use_cache = true;
  bool pull = false;  // asks the registry for base images that are there
  RunNetwork network = RunNetwork::kHost;
  std::string network_namespace;  // of kGiven: its path
  std::string resolver;           // of kGiven: the text of /etc/resolv.conf in it
  std::optional<Bytes> memory;    // of all that the build runs
  std::optional<MilliCpu> cpus;
  std::map<std::string, std::string> secrets;  // id -> content
  std::string cgroup_parent;
  std::optional<std::int64_t> epoch;  // SOURCE_DATE_EPOCH: the time of the image, and the latest of its files
};

struct Fetched {
  std::int64_t time = 0;  // that the server gives it; seconds since the epoch, 0: none
};

// What needs a network.
struct Outside {
  std::function<Status(const std::string& name)> pull;                                    // into the store
  std::function<Result<Fetched>(const std::string& url, const std::string& path)> fetch;  // into a new file
};

using OnText = std::function<void(std::string_view)>;  // what a person reads, with its line ends

// Returns the image's id: hexadecimal digits. The process has one thread before, and is in a mount namespace of its own
// afterwards.
[[nodiscard]] Result<std::string> build(image::Store& store, const BuildOptions& options, const Outside& outside,
                                        const OnText& on_text);

}  // namespace mete::runtime::build
