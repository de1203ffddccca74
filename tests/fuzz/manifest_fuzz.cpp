// SPDX-License-Identifier: Apache-2.0
// Any bytes as a manifest: no crash, no exception, every error has a place, and what was read can be assembled.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "config/reading/cdi_reader.h"
#include "config/reading/yaml/yaml_reader.h"
#include "config/resolve/cdi_devices.h"
#include "config/resolve/desired_state.h"
#include "config/values/pem.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mete::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Documents documents = read_documents(text, "fuzz.yaml");
  for (const auto& error : documents.errors) {
    require(error.location.line > 0 && error.location.column > 0 && !error.message.empty());
  }
  const DesiredState state = assemble({documents, read_documents(text, "again.yaml")});
  require(state.pods.size() + state.rejected.size() == 2 * documents.pods.size());

  // The same bytes as a specification of devices, and as certificates.
  auto devices = read_cdi_spec(text, "fuzz.yaml");
  for (const auto& error : devices.errors) require(error.location.line > 0 && !error.message.empty());
  if (devices.errors.empty()) {
    const CdiDevices all({std::move(devices.spec)});
    for (const auto& kind : all.kinds()) require(all.edits(all.of_kind(kind)).has_value());
  }
  if (const auto certificates = parse_certificates(text)) {
    std::string again;
    for (const auto& each : *certificates) again += certificate_text(each);
    require(parse_certificates(again) == *certificates);
  }

  // Documents read one by one are the documents read together.
  std::size_t errors = 0;
  if (documents.errors.size() != 1) {
    for (const auto& part : split_documents(text)) {
      errors += read_documents(part.text, "part.yaml", part.first_line).errors.size();
    }
    require(errors == documents.errors.size());
  }
  return 0;
}
