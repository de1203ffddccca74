// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/streams/file_body.h"

#include <fcntl.h>
#include <unistd.h>

#include "runtime/file.h"

namespace mete::agent::docker {

Result<runtime::UniqueFd> temporary_file(const std::string& folder) {
  runtime::UniqueFd file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file.valid()) return fail_errno("make a file in " + folder);
  return file;
}

Result<runtime::UniqueFd> body_of(const HttpRequest& request) {
  const std::string path =
      request.body_file ? "/proc/self/fd/" + std::to_string(request.body_file->get()) : "/dev/null";
  return runtime::open_at(AT_FDCWD, path, O_RDONLY);
}

FileBody::FileBody(runtime::UniqueFd file) : file_(std::move(file)) {}

void FileBody::next(Take take) {
  constexpr std::size_t kPiece = 256U << 10U;
  std::string piece(kPiece, '\0');
  const ssize_t got = ::pread(file_.get(), piece.data(), piece.size(), at_);
  if (got < 0) return take(fail_errno("read an archive"), true);
  at_ += got;
  piece.resize(static_cast<std::size_t>(got));
  take(std::move(piece), got == 0);
}

}  // namespace mete::agent::docker
