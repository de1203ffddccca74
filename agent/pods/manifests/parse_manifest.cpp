// SPDX-License-Identifier: Apache-2.0
// A manifest's text as the objects that `mete apply` stores.
#include <iterator>

#include "agent/pods/manifests/document_objects.h"
#include "agent/pods/manifests/manifests.h"

namespace mete::agent {
namespace {

template <class T>
void move_to_end(std::vector<T>& to, std::vector<T> from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

// Appends the object of a document; a kind without one adds nothing.
void add_object(const config::DocumentText& document, config::Documents read, ParsedManifest& to) {
  for_each_object(read, [&](const std::string& kind, const config::ObjectMeta& metadata) {
    to.objects.push_back({kind, metadata.namespace_, metadata.name, document.text, document.first_line});
  });
  if (read.has_objects()) to.objects.back().read = std::move(read);
}

}  // namespace

ParsedManifest parse_manifest(std::string_view text, const std::string& file) {
  ParsedManifest parsed;
  if (text.size() > config::kMaxManifestBytes) {
    parsed.errors = config::read_documents(text, file).errors;
    return parsed;
  }
  for (const auto& document : config::split_documents(text)) {
    auto read = config::read_documents(document.text, file, document.first_line);
    move_to_end(parsed.errors, std::move(read.errors));
    move_to_end(parsed.warnings, read.warnings);
    move_to_end(parsed.claims, read.claims);
    // Only a document of one object has a file to itself, so the items of a list become documents.
    const auto items = config::list_items(document);
    for (const auto& item : items) add_object(item, config::read_documents(item.text, file, item.first_line), parsed);
    if (items.empty()) add_object(document, std::move(read), parsed);
  }
  return parsed;
}

}  // namespace mete::agent
