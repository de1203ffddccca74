// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/images/build_outside.h"

#include <fcntl.h>

#include <ctime>

#include "agent/cli/images/layer_lines.h"
#include "runtime/file.h"
#include "runtime/registry/http.h"
#include "runtime/registry/pull.h"

namespace mete::agent::cli {
namespace {

namespace build = runtime::build;
namespace registry = runtime::registry;

// "Sun, 06 Nov 1994 08:49:37 GMT"; 0: none.
std::int64_t time_of_header(const std::string& text) {
  std::tm parts{};
  if (::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S", &parts) == nullptr) return 0;
  return std::max<std::int64_t>(::timegm(&parts), 0);
}

Result<build::Fetched> fetch_file(const std::string& url, const std::string& path) {
  registry::HttpRequest request;
  METE_TRY(request.url, registry::parse_url(url));
  registry::HttpClient client({});
  METE_TRY(const registry::HttpHead head, client.start(request));
  if (head.status != 200)
    return fail(url + ": found the answer " + std::to_string(head.status) + ", expected 200 and the file");
  METE_TRY(const runtime::UniqueFd file, runtime::open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  METE_TRY(runtime::image::Budget budget, runtime::image::Budget::of(path));
  std::string buffer(64U << 10U, '\0');
  while (true) {
    METE_TRY(const std::size_t got, client.read(buffer.data(), buffer.size()));
    if (got == 0) break;
    METE_CHECK(budget.take(got));
    METE_CHECK(runtime::write_all(file.get(), {buffer.data(), got}));
  }
  return build::Fetched{time_of_header(head.header("last-modified"))};
}

Status pull_image(Common& common, const RegistryOptions& options, runtime::image::Store& store, const std::string& name,
                  bool quiet) {
  METE_TRY(const registry::Reference reference, registry::parse_reference(name));
  METE_TRY(const registry::Access access, registry_access(common.settings, options));
  LayerLines lines(Direction::kPull, quiet);
  METE_TRY([[maybe_unused]] const auto pulled,
           registry::pull(store, reference, access, [&](const auto& news) { lines.show(news); }));
  return {};
}

}  // namespace

build::Outside build_outside(Common& common, const RegistryOptions& options, runtime::image::Store& store, bool quiet) {
  return {[&common, &options, &store, quiet](const std::string& name) {
            return pull_image(common, options, store, name, quiet);
          },
          fetch_file};
}

}  // namespace mete::agent::cli
