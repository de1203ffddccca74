// SPDX-License-Identifier: Apache-2.0
// A reserve of file descriptors for enforcement: when connections, counter files and logs use up all others, an OOM can
// still be handled.
//
// The reserved descriptors are not open. The soft limit of the process is below the hard one, and is raised to it while
// an object of this class lives. For the loop's thread only.
#pragma once

namespace mete::agent {

// Sets the soft limit to the hard limit less the reserve. Called once, at the start.
void keep_spare_descriptors();

class SpareDescriptors {
 public:
  SpareDescriptors();
  ~SpareDescriptors();
  SpareDescriptors(const SpareDescriptors&) = delete;
  SpareDescriptors& operator=(const SpareDescriptors&) = delete;
};

}  // namespace mete::agent
