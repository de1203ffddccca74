// SPDX-License-Identifier: Apache-2.0
// An archive on its way to a client: written by a thread into a file without a name, then sent from there.
#pragma once

#include <string>

#include "agent/http/http_types.h"
#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::agent::docker {

[[nodiscard]] Result<runtime::UniqueFd> temporary_file(const std::string& folder);
// A descriptor of its own for the archive that a request has brought, at its beginning; /dev/null where it brought
// none.
[[nodiscard]] Result<runtime::UniqueFd> body_of(const HttpRequest& request);

// From the file's beginning to its end.
class FileBody : public HttpSource {
 public:
  explicit FileBody(runtime::UniqueFd file);
  void next(Take take) override;

 private:
  runtime::UniqueFd file_;
  std::int64_t at_ = 0;
};

}  // namespace mete::agent::docker
