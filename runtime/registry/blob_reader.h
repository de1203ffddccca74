// SPDX-License-Identifier: Apache-2.0
// Reads one blob of a registry from front to end. A transfer that breaks off goes on where it was (Range), up to five
// times without progress. More bytes than the manifest says are an error at once.
#pragma once

#include <functional>
#include <string>

#include "runtime/image/image_documents.h"
#include "runtime/registry/session.h"

namespace mete::runtime::registry {

class BlobReader {
 public:
  // `progress` gets how many bytes have come so far; may be empty.
  using Progress = std::function<void(std::int64_t)>;
  BlobReader(Session& session, std::string repository, image::Descriptor blob, Progress progress);

  // 0: the end, after all bytes.
  [[nodiscard]] Result<std::size_t> read(char* buffer, std::size_t size);

 private:
  [[nodiscard]] Status open();
  [[nodiscard]] Status skip(std::int64_t bytes);
  [[nodiscard]] std::string shown() const;
  Session& session_;
  std::string repository_;
  image::Descriptor blob_;
  Progress progress_;
  std::int64_t got_ = 0;
  int failures_ = 0;  // since the last byte
  bool open_ = false;
};

// A small blob as a whole, its size and digest checked.
[[nodiscard]] Result<std::string> read_document(Session& session, const std::string& repository,
                                                const image::Descriptor& blob);
// A blob into a file; its size and digest are checked.
[[nodiscard]] Status read_to_file(Session& session, const std::string& repository, const image::Descriptor& blob,
                                  int fd);

}  // namespace mete::runtime::registry
