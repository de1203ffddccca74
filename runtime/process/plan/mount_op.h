// SPDX-License-Identifier: Apache-2.0
// The operations on mounts and on the root; the others are in setup_op.h, which says what operations are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/process/plan/launch_spec.h"

namespace mete::runtime::process {

// Mounts made from here on do not reach the host, and later mounts of the host do not appear (except with `receive`).
struct MakeMountsPrivate {
  static constexpr const char* kName = "make mounts private";
  bool receive = false;
  template <class Archive>
  void fields(Archive& archive) {
    archive(receive);
  }
  bool operator==(const MakeMountsPrivate&) const = default;
};

struct MountRoot {
  static constexpr const char* kName = "mount root";
  std::string target;
  std::string overlay_dir;      // working directory for the relative lower paths; empty: `target` is bound to itself
  std::string overlay_options;  // lowerdir=...,upperdir=...,workdir=...
  std::uint64_t attributes = 0;
  std::optional<OverlayRoot> prepared;  // the launcher mounts it (prepared_root.h), and the two above are empty
  template <class Archive>
  void fields(Archive& archive) {
    archive(target, overlay_dir, overlay_options, attributes, prepared);
  }
  bool operator==(const MountRoot&) const = default;
};

struct MountFilesystem {
  static constexpr const char* kName = "mount";
  std::string type;
  std::string source;
  std::string destination;
  bool no_links = false;             // a symbolic link in `destination` is an error
  std::vector<std::string> options;  // "key=value" or "flag"
  std::uint64_t attributes = 0;
  std::uint64_t propagation = 0;
  bool optional = false;
  bool copy_up = false;
  template <class Archive>
  void fields(Archive& archive) {
    archive(type, source, destination, no_links, options, attributes, propagation, optional, copy_up);
  }
  bool operator==(const MountFilesystem&) const = default;
};

enum class MountCopier : std::uint8_t {
  child,
  // The launcher, before the clone: the child lacks the right (id_map) or would lose the mount's peers with its own
  // mount namespace (a shared mount).
  launcher,
  // The same where the launcher may do it, else the child: in a user namespace the child may not reach what only the
  // launcher's user may (a directory of mode 0700), nor clear attributes that the mount has.
  launcher_if_allowed,
};

struct BindMount {
  static constexpr const char* kName = "bind";
  std::string source;
  std::string sub_path;
  std::string destination;
  bool no_links = false;  // a symbolic link in `destination` is an error
  std::uint64_t attributes = 0;
  std::uint64_t top_attributes = 0;
  std::uint64_t cleared = 0;      // attributes that the mount at `source` may have and the new one has not
  std::uint64_t top_cleared = 0;  // the same, of the topmost mount only
  std::uint64_t propagation = 0;
  bool recursive = false;
  // The process that copies the mount at `source`.
  MountCopier copier = MountCopier::child;
  IdMap id_map;
  template <class Archive>
  void fields(Archive& archive) {
    archive(source, sub_path, destination, no_links, attributes, top_attributes, cleared, top_cleared, propagation,
            recursive, copier, id_map);
  }
  bool operator==(const BindMount&) const = default;
};

// Changes the attributes of the mount that is at `path` already.
struct ChangeMount {
  static constexpr const char* kName = "change the mount";
  std::string path;
  std::uint64_t attributes = 0;
  std::uint64_t cleared = 0;
  bool recursive = false;
  template <class Archive>
  void fields(Archive& archive) {
    archive(path, attributes, cleared, recursive);
  }
  bool operator==(const ChangeMount&) const = default;
};

// Sets the propagation of the root mount after all mounts are made: mounts below a root that is shared already would
// appear on the host.
struct SetRootPropagation {
  static constexpr const char* kName = "set the root's propagation";
  std::uint64_t propagation = 0;
  template <class Archive>
  void fields(Archive& archive) {
    archive(propagation);
  }
  bool operator==(const SetRootPropagation&) const = default;
};

// Covers a file with /dev/null, a directory with an empty read-only tmpfs. A missing path is not an error.
struct MaskPath {
  static constexpr const char* kName = "mask";
  std::string path;
  template <class Archive>
  void fields(Archive& archive) {
    archive(path);
  }
  bool operator==(const MaskPath&) const = default;
};

struct MakePathReadOnly {
  static constexpr const char* kName = "make read-only";
  std::string path;  // "/" is the root mount itself
  template <class Archive>
  void fields(Archive& archive) {
    archive(path);
  }
  bool operator==(const MakePathReadOnly&) const = default;
};

struct PivotRoot {
  static constexpr const char* kName = "pivot root";
  template <class Archive>
  void fields(Archive&) {}
  bool operator==(const PivotRoot&) const = default;
};

// For machines whose root may be the kernel's first file system (an initramfs), which pivot_root cannot exchange. Where
// pivot_root can, it is used. Elsewhere all other mounts are detached, and the container's root is moved on top of "/".
// That is weaker than a pivot: a process with CAP_SYS_ADMIN can uncover the file system that was the root.
struct MoveRoot {
  static constexpr const char* kName = "move root";
  template <class Archive>
  void fields(Archive&) {}
  bool operator==(const MoveRoot&) const = default;
};

// chroot, for a mount namespace with other processes in it, whose root must not change.
struct EnterRoot {
  static constexpr const char* kName = "enter root";
  template <class Archive>
  void fields(Archive&) {}
  bool operator==(const EnterRoot&) const = default;
};

}  // namespace mete::runtime::process
