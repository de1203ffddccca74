// SPDX-License-Identifier: Apache-2.0
// Any bytes as what docker's clients send: the body of a create (a) and of an update (b), a path with its query (c), of
// a build (d), filters of containers (e) and of others (f), changes of a commit (g), a login (h), words for ps (i), a
// template (j), the body of a network's create (k), a seccomp profile (l); as a record that lies on the disk (m), and
// as names (n). No crash, no exception; every refusal has words; what is accepted becomes a Pod, a row, an inspection
// and an image, and its record comes back from the disk as it was written.
#include "agent/cli/template/go_template.h"
#include "agent/docker/access.h"
#include "agent/docker/container/container_filters.h"
#include "agent/docker/container/row_texts.h"
#include "agent/docker/container/top_columns.h"
#include "agent/docker/create/create_request.h"
#include "agent/docker/create/pod_of.h"
#include "agent/docker/create/seccomp_opt.h"
#include "agent/docker/endpoints.h"
#include "agent/docker/images/build_request.h"
#include "agent/docker/images/change_lines.h"
#include "agent/docker/images/image_names.h"
#include "agent/docker/images/registry_login.h"
#include "agent/docker/network_request.h"
#include "agent/docker/streams/body_types.h"
#include "agent/docker/version.h"
#include "agent/http/http_url.h"
#include "runtime/image/config_changes.h"
#include "tests/fuzz/chosen.h"

namespace {

using namespace mete;
using namespace mete::agent::docker;
using mete::fuzz::require;

template <class Value>
void require_words(const Result<Value>& result) {
  require(result.has_value() || !result.error().what.empty());
}

const MachineBounds kMachine{4, "0-3"};
const std::string kId(64, 'b');

// Of an image that says something, so that the client's wishes are completed by it.
runtime::image::Image some_image() {
  runtime::image::Image image;
  image.id = std::string(64, 'a');
  image.config.entrypoint = {"/entry"};
  image.config.cmd = {"sh", "-c", "true"};
  image.config.env = {"PATH=/bin", "A=image"};
  return image;
}

// What docker_answers show of a container, while it runs and when it has ended.
void look_at(const ContainerRecord& record) {
  require_words(pod_of(record, {.volumes = "/volumes", .network_of_other = "default/other"}));
  RowTexts rows;
  for (const bool running : {true, false}) {
    for (const int version : {24, kNewestVersion}) {
      View view{record, {}, {}, "/volumes", {}, {}};
      view.state.running = running;
      view.version = version;
      (void)inspect_json(view).dump(-1, ' ', false, Json::error_handler_t::replace);
      std::string text;
      rows.append(view, {}, {}, text);
      require(!Json::parse(text, nullptr, false).is_discarded());
    }
  }
  (void)aliases_of(record);
  for (const char* network : {"bridge", "other"}) {
    const auto with = connected(record, network, Json::object());
    require_words(with);
    const auto without = disconnected(record, network);
    require_words(without);
    require(!(with && without));  // it is in the network, or it is not
  }
}

// As `docker commit` does.
void commit(const ContainerRecord& record) {
  Json config;
  const auto done = runtime::image::apply_changes(config, lines_of_config(record.config));
  require(done.has_value());
  require(words_of(config, "Cmd") == words_of(record.config, "Cmd"));
  require(words_of(config, "Entrypoint") == words_of(record.config, "Entrypoint"));
}

void as_create(const std::string& text) {
  const auto body = parse_body(text);
  require_words(body);
  if (!body) return;
  const auto right = check_types(*body);
  require_words(right);
  if (!right) return;
  static const auto kImage = some_image();
  auto record = read_create(*body, kImage, kMachine);
  require_words(record);
  if (!record) return;
  record->id = kId;
  record->name = record->pod = "web";
  look_at(*record);
  commit(*record);
  const auto again = parse_container(to_json(*record));
  require(again && again->config == record->config && again->host_config == record->host_config &&
          again->endpoints == record->endpoints);
}

void as_update(const std::string& text) {
  static const auto kRecord = read_create(
      Json::parse(R"({"Image":"a","HostConfig":{"Memory":67108864,"MemorySwap":134217728,"NanoCpus":500000000}})"),
      some_image(), kMachine);
  require(kRecord.has_value());
  const auto body = parse_body(text);
  if (!body || !check_types(Json{{"HostConfig", *body}})) return;
  auto updated = update_host_config(kRecord->host_config, *body, kMachine);
  require_words(updated);
  if (!updated) return;
  ContainerRecord record = *kRecord;
  record.id = kId;
  record.name = record.pod = "web";
  record.host_config = std::move(*updated);
  look_at(record);
}

agent::HttpRequest request_of(const std::string& text) {
  agent::HttpRequest request;
  auto target = agent::parse_target(text);
  request.path = std::move(target.path);
  request.query = std::move(target.query);
  return request;
}

void as_path(const std::string& text) {
  const auto request = request_of(text);
  const auto path = split_version(request.path);
  require_words(path);
  if (!path) return;
  require(path->version >= kOldestVersion && path->version <= kNewestVersion);
  // The read-only socket changes nothing.
  for (const char* method : {"GET", "HEAD", "POST", "PUT", "DELETE"})
    require(!is_for_dashboards(method, path->path) || !changes_something(method, path->path));
}

void as_build(const std::string& text) {
  const auto words = build_words(request_of(text));
  require_words(words);
  // Each is a flag: no value becomes another word of the builder's command line.
  for (const auto& each : words ? *words : std::vector<std::string>()) require(each.starts_with("--"));
}

void as_container_filters(const std::string& text) {
  const auto filters = container_filters(text);
  require_words(filters);
  if (!filters) return;
  ContainerRecord record;
  record.id = kId;
  record.name = record.pod = "web";
  record.image = "busybox";
  record.config = {{"Labels", {{"a", "b"}}}, {"ExposedPorts", {{"80/tcp", Json::object()}}}};
  View view{record, {}, {}, "/volumes", {}, {}};
  (void)is_asked_for(true, *filters, view);
  view.state.running = true;
  const bool shown = is_asked_for(false, *filters, view);
  require(!shown || is_asked_for(true, *filters, view));
}

void as_filters(const std::string& text) {
  const auto filters = Filters::parse(text, {"until", "label", "label!", "reference", "driver", "name", "type"});
  require_words(filters);
  if (!filters) return;
  require_words(filters->until());
  (void)filters->labels({{"a", "b"}, {"c", ""}});
  require(filters->equals("none of these", "x") && filters->contains("none of these", "x"));
}

void as_changes(const std::string& text) {
  const auto lines = change_lines({text, "CMD x"});
  require(!lines.empty() && lines.back() == "CMD x");
  if (!wrong_change(lines).empty()) return;
  Json config;
  const auto done = runtime::image::apply_changes(config, lines);
  require_words(done);
  if (done) (void)config.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void as_login(const std::string& text) {
  const auto login = login_of(text);
  require_words(login);
  if (login && !login->empty()) require(!Json::parse(*login, nullptr, false).is_discarded());
}

void as_ps(const std::string& text) {
  const auto columns = top_columns(text);
  require_words(columns);
  for (const auto& each : columns ? *columns : std::vector<TopColumn>()) require(each.of < std::size(kTopTitles));
}

// A loop in a loop goes on as often as its writer says: such a one is not waited for.
void as_template(const std::string& text) {
  std::size_t loops = 0;
  for (auto at = text.find("range"); at != std::string::npos; at = text.find("range", at + 1)) ++loops;
  constexpr std::size_t kMost = 6;
  if (loops > kMost) return;
  const auto read = agent::cli::GoTemplate::parse(text);
  require_words(read);
  if (!read) return;
  static const Json kValue = Json::parse(
      R"({"ID":"b","Names":["/a","/b"],"Labels":{"a":"b"},"Size":12,"Up":true,"None":null,"Ports":{"80/tcp":[{"HostPort":"1"}]}})");
  require_words(read->fill(kValue));
}

void as_network(const std::string& text) {
  const auto body = parse_body(text);
  if (body) require_words(wanted_network(*body));
}

void as_seccomp(const std::string& text) {
  for (const bool all : {true, false}) {
    const auto profile = seccomp_profile(text, {"amd64", 6, 1, all ? ~std::uint64_t{0} : 0});
    require_words(profile);
    if (profile) require(Json::parse(*profile, nullptr, false).is_object());
  }
}

void as_record(const std::string& text) {
  const auto record = parse_container(text);
  require_words(record);
  if (!record) return;
  const auto again = parse_container(to_json(*record));
  require(again && again->id == record->id && again->config == record->config);
  look_at(*record);
}

void as_names(const std::string& text) {
  const auto right = check_container_name(text);
  require_words(right);
  require(!is_plain_name(text) || text.find_first_of(std::string("/\0 \n", 4)) == std::string::npos);
  if (right) require(!pod_name(text, kId, false).empty() && pod_name(text, kId, true) != pod_name(text, kId, false));
  require(with_tag(with_tag(text)) == with_tag(text));
}

constexpr mete::fuzz::Reader kReaders[] = {as_create,  as_update,  as_path,   as_build, as_container_filters,
                                           as_filters, as_changes, as_login,  as_ps,    as_template,
                                           as_network, as_seccomp, as_record, as_names};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mete::fuzz::give(kReaders, data, size);
  return 0;
}
