// SPDX-License-Identifier: Apache-2.0
// The folder of a volume that a subPath names. It allocates nothing, so that a child may call it.
#pragma once

namespace mete::runtime::process {

// Opens what `path` names below `volume` (a descriptor of a directory), whatever links are in there: nothing outside of
// the volume is reached (CVE-2021-25741). Missing folders are made: the last one has the volume's permissions and
// set-group-ID bit, so that whoever may write into the volume may write into it, and those above it are 0755, as the
// kubelet makes them (pkg/volume/util/subpath, doSafeMakeDir). The caller closes it. -1: errno says why.
[[nodiscard]] int open_sub_path(int volume, const char* path);

}  // namespace mete::runtime::process
