// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/cni/attachment.h"

#include "runtime/network/cni/json_fields.h"

namespace mete::runtime::network::cni {

std::string to_json(const Attachment& attachment) {
  const Json value = {{"containerId", attachment.container}, {"netns", attachment.space},
                      {"ifName", attachment.device},         {"args", attachment.arguments},
                      {"offers", attachment.offers},         {"configuration", attachment.configuration},
                      {"version", attachment.version},       {"result", attachment.result}};
  return value.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Attachment> parse_attachment(const std::string& text) {
  const std::string shown = "record of a CNI attachment";
  METE_TRY(const Json value, parse_object(text, shown));
  Attachment read;
  METE_TRY(read.container, required_text(value, "containerId", shown));
  METE_TRY(read.space, optional_text(value, "netns", shown));
  METE_TRY(read.device, required_text(value, "ifName", shown));
  METE_TRY(read.arguments, optional_text(value, "args", shown));
  METE_TRY(read.configuration, required_text(value, "configuration", shown));
  METE_TRY(read.version, required_text(value, "version", shown));
  METE_TRY(read.result, optional_text(value, "result", shown));
  const Json offers = value.value("offers", Json::object());
  if (!offers.is_object()) return fail(shown + ": offers: found " + shown_value(offers) + ", expected an object");
  for (const auto& [name, offer] : offers.items()) {
    if (!offer.is_string()) return fail(shown + ": offers: found " + shown_value(offer) + ", expected a text");
    read.offers[name] = offer.get<std::string>();
  }
  return read;
}

}  // namespace mete::runtime::network::cni
