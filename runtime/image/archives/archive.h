// SPDX-License-Identifier: Apache-2.0
// Reads and unpacks tar archives, plain or compressed with gzip, xz or zstd, in one pass from front to end.
#pragma once

#include <memory>
#include <string>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/image/archives/plain_bytes.h"
#include "runtime/image/layer_writer.h"

namespace mete::runtime::image {

struct ArchivePlace {
  std::string path;
  std::string shown;  // in errors: "-" when the path is that of a descriptor
};

struct ArchiveSums {
  std::string file;     // sha256 of the archive file
  std::string content;  // sha256 of the tar inside: an OCI layer's diff_id
  bool whole = false;   // the end mark of the tar was there, or accept_missing_end()
};

class TarReader {
 public:
  // `shown` names the archive in errors.
  [[nodiscard]] static Result<TarReader> open(ByteSource source, std::string shown);
  [[nodiscard]] static Result<TarReader> open(UniqueFd file, std::string shown);
  TarReader(TarReader&&) noexcept;
  TarReader& operator=(TarReader&&) noexcept;
  TarReader(const TarReader&) = delete;
  TarReader& operator=(const TarReader&) = delete;
  ~TarReader();

  // For an archive whose content is compared with digests elsewhere: finish() tells only whether it is whole.
  void leave_out_sums();
  // For an archive that another program sends while it makes it: one that ends behind its last entry's content, without
  // its padding and end mark, is whole, too. docker's client sends such a context when it adds a Dockerfile from
  // elsewhere. A header or content that is cut stays an error.
  void accept_missing_end();
  // Moves to the next entry. False at the end.
  [[nodiscard]] Result<bool> next();
  // The current entry. Device entries have no EntryType: is_device(); is_whiteout_device(): overlayfs' whiteout, device
  // 0:0.
  [[nodiscard]] const Entry& entry() const;
  [[nodiscard]] bool is_device() const;
  [[nodiscard]] bool is_whiteout_device() const;
  [[nodiscard]] Status write_content(int fd, Budget& budget);
  // Reads the rest of the archive.
  [[nodiscard]] Result<ArchiveSums> finish();

 private:
  struct State;
  explicit TarReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

enum class Whiteouts {
  kApply,
  kRefuse,  // there is no layer below of which they could hide something
};

// Unpacks a layer: turns whiteouts into overlayfs' form and skips devices.
[[nodiscard]] Result<ArchiveSums> extract_layer(UniqueFd file, const std::string& shown, LayerWriter& layer,
                                                Budget& budget, Whiteouts whiteouts = Whiteouts::kApply);
[[nodiscard]] Result<ArchiveSums> extract_layer(TarReader tar, const std::string& shown, LayerWriter& layer,
                                                Budget& budget, Whiteouts whiteouts = Whiteouts::kApply);

// Unpacks the files of an OCI layout or of `docker save`; root owns them.
[[nodiscard]] Status extract_layout(UniqueFd file, const std::string& shown, LayerWriter& into, Budget& budget);

}  // namespace mete::runtime::image
