// SPDX-License-Identifier: Apache-2.0
// File descriptors that are kept for enforcement: connections, counter files and logs may use up all others, and an OOM
// is still decided about.
//
// They are not open: the soft limit of the process is below the hard one, and is raised to it for as long as one of
// these objects lives. Of the loop's thread alone.
#pragma once

namespace mete::agent {

// As many descriptors as the process may have, less those that are kept. Once, at the start.
void keep_spare_descriptors();

class SpareDescriptors {
 public:
  SpareDescriptors();
  ~SpareDescriptors();
  SpareDescriptors(const SpareDescriptors&) = delete;
  SpareDescriptors& operator=(const SpareDescriptors&) = delete;
};

}  // namespace mete::agent
