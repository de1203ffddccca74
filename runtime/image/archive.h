// SPDX-License-Identifier: Apache-2.0
// Tar archives, plain or compressed with gzip, xz or zstd, read once from front to end; and what they hold, written.
#pragma once

#include <memory>
#include <string>

#include "config/result.h"
#include "runtime/fd.h"
#include "runtime/image/layer_writer.h"

namespace mete::runtime::image {

struct ArchiveSums {
  std::string file;     // sha256 of the archive as it is
  std::string content;  // of the tar inside: an OCI layer's diff_id
  bool whole = false;   // the mark of a tar's end was there
};

class TarReader {
 public:
  // `shown` is what errors call it.
  [[nodiscard]] static Result<TarReader> open(UniqueFd file, std::string shown);
  TarReader(TarReader&&) noexcept;
  TarReader& operator=(TarReader&&) noexcept;
  TarReader(const TarReader&) = delete;
  TarReader& operator=(const TarReader&) = delete;
  ~TarReader();

  // False at the end.
  [[nodiscard]] Result<bool> next();
  // Of the entry that next() came to. A device has no type here; `is_whiteout_device`: overlayfs' own, 0:0.
  [[nodiscard]] const Entry& entry() const;
  [[nodiscard]] bool is_device() const;
  [[nodiscard]] bool is_whiteout_device() const;
  [[nodiscard]] Status write_content(int fd, Budget& budget);
  // Reads what is left.
  [[nodiscard]] Result<ArchiveSums> finish();

 private:
  struct State;
  explicit TarReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Unpacks a layer: whiteouts become overlayfs', devices are left out.
[[nodiscard]] Result<ArchiveSums> extract_layer(UniqueFd file, const std::string& shown, LayerWriter& layer,
                                                Budget& budget);

enum class ArchiveKind { kRootfs, kLayout };
// By the names in it: an OCI layout or `docker save`, or else a root file system. The file's position moves.
[[nodiscard]] Result<ArchiveKind> kind_of_archive(UniqueFd file, const std::string& shown);

// Unpacks the files of an OCI layout or of `docker save`, as root's own.
[[nodiscard]] Status extract_layout(UniqueFd file, const std::string& shown, LayerWriter& into, Budget& budget);

}  // namespace mete::runtime::image
