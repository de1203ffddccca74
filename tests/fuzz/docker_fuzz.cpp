// SPDX-License-Identifier: Apache-2.0
// Any bytes as what docker's clients send: a path, a query, filters, the bodies of create and update, a template. No
// crash, no exception; every refusal has words; what is accepted becomes a Pod, a row and an inspection, and its record
// comes back from the disk as it was written.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "agent/cli/template/go_template.h"
#include "agent/docker/body_types.h"
#include "agent/docker/build_request.h"
#include "agent/docker/change_lines.h"
#include "agent/docker/container/container_filters.h"
#include "agent/docker/container/create_request.h"
#include "agent/docker/container/pod_of.h"
#include "agent/docker/container/row_texts.h"
#include "agent/docker/container/top_columns.h"
#include "agent/docker/endpoints.h"
#include "agent/docker/registry_login.h"
#include "agent/docker/version.h"
#include "agent/http/http_url.h"

namespace {

using namespace mete;
using namespace mete::agent::docker;

void require(bool holds) {
  if (!holds) std::abort();
}

template <class Value>
void require_words(const Result<Value>& result) {
  require(result.has_value() || !result.error().what.empty());
}

void look_at(const ContainerRecord& record) {
  require_words(pod_of(record, {"/volumes", "default/other"}));
  View view{record, {}, {}, "/volumes", {}, {}};
  view.state.running = true;
  view.version = 41;
  (void)inspect_json(view).dump(-1, ' ', false, Json::error_handler_t::replace);
  RowTexts rows;
  std::string text;
  rows.append(view, {}, {}, text);
  require(!Json::parse(text, nullptr, false).is_discarded());
  (void)aliases_of(record);
  for (const char* network : {"bridge", "other"}) {
    const auto with = connected(record, network, Json::object());
    require_words(with);
    const auto without = disconnected(record, network);
    require_words(without);
    require(!(with && without));  // it is in the network, or it is not
  }
}

void create(const Json& body) {
  const auto right = check_types(body);
  require_words(right);
  if (!right) return;
  runtime::image::Image image;
  image.id = std::string(64, 'a');
  image.config.cmd = {"sh"};
  auto record = read_create(body, image, MachineBounds{4, "0-3"});
  require_words(record);
  if (!record) return;
  record->id = std::string(64, 'b');
  record->name = record->pod = "web";
  look_at(*record);
  const auto again = parse_container(to_json(*record));
  require(again && again->config == record->config && again->host_config == record->host_config);
  require_words(update_host_config(record->host_config, body, MachineBounds{4, "0-3"}));
}

void ask(const std::string& text) {
  const auto path = split_version(text);
  require_words(path);
  const auto filters = container_filters(text);
  require_words(filters);
  ContainerRecord record;
  record.id = std::string(64, 'b');
  View view{record, {}, {}, "/volumes", {}, {}};
  if (filters) (void)is_asked_for(true, *filters, view);
  if (const auto until = Filters::parse(text, {"until", "label", "label!"})) require_words(until->until());
  agent::HttpRequest request;
  const auto target = agent::parse_target(text);
  request.path = target.path;
  request.query = target.query;
  require_words(build_words(request));
  (void)change_lines({text});
  require_words(login_of(text));
  require_words(top_columns(text));
}

void fill(const std::string& text) {
  const auto read = agent::cli::GoTemplate::parse(text);
  require_words(read);
  if (!read) return;
  static const Json kValue = Json::parse(
      R"({"ID":"b","Names":["/a","/b"],"Labels":{"a":"b"},"Size":12,"Up":true,"None":null,"Ports":{"80/tcp":[{"HostPort":"1"}]}})");
  require_words(read->fill(kValue));
}

}  // namespace

// The first byte says what the rest is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      if (const auto body = parse_body(text)) create(*body);
      break;
    case 1:
      ask(text);
      break;
    default:
      fill(text);
  }
  return 0;
}
