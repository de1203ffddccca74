// SPDX-License-Identifier: Apache-2.0
// Table of ClusterTrustBundle.
#include <array>

#include "config/reading/fields.h"

namespace mete::config {
namespace {

constexpr std::array kTrustBundleKind = std::to_array<std::string_view>({"ClusterTrustBundle"});

constexpr std::array kTrustBundleSpecFields = std::to_array<FieldSpec>({
    {.name = "signerName",
     .type = FieldType::kString,
     .doc = "Of whom the certificates are; the object's name then begins with it"},
    {.name = "trustBundle", .type = FieldType::kString, .required = true, .doc = "Certificates in PEM"},
});
constexpr ObjectSpec kTrustBundleSpecSpec = {.name = "ClusterTrustBundleSpec", .fields = kTrustBundleSpecFields};

constexpr std::array kTrustBundleFields = std::to_array<FieldSpec>({
    {.name = "apiVersion", .type = FieldType::kString, .required = true},
    {.name = "kind", .type = FieldType::kString, .required = true, .values = kTrustBundleKind},
    {.name = "metadata", .type = FieldType::kObject, .required = true, .object = &kMetadataSpec},
    {.name = "spec", .type = FieldType::kObject, .required = true, .object = &kTrustBundleSpecSpec},
});

}  // namespace

const ObjectSpec kTrustBundleSpec = {.name = "ClusterTrustBundle", .fields = kTrustBundleFields};

}  // namespace mete::config
