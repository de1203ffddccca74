// SPDX-License-Identifier: Apache-2.0
// The table of the Docker Engine API: method and path to the function that answers. One file a subject has these
// functions.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/docker/engine.h"
#include "agent/docker/filters.h"
#include "agent/http/http_types.h"

namespace mete::agent::docker {

// One request, with its path taken apart.
struct Call {
  const HttpRequest& request;  // as long as the function that answers has not returned
  std::shared_ptr<HttpReply> reply;
  int version;                     // 41: of 1.41
  std::vector<std::string> words;  // what stands at the places of the pattern that are open

  [[nodiscard]] std::string parameter(const char* name) const { return request.parameter(name); }
  [[nodiscard]] bool flag(const char* name) const;
};

struct Route {
  const char* method;
  const char* pattern;  // "/containers/*/json": * is one word, ** one word or more
  void (*answer)(Engine&, const Call&);
  bool takes_archive = false;  // the body may have any size, and is a file (HttpRequest::body_file)
};
[[nodiscard]] std::span<const Route> all_routes();
struct FoundRoute {
  const Route* route;
  std::vector<std::string> words;  // at the open places
};
// `path` is without a version. A HEAD is answered as a GET.
[[nodiscard]] std::optional<FoundRoute> find_route(std::string_view method, std::string_view path);

// The words at the open places; empty: another path. Pure.
[[nodiscard]] std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path);

// Answers.
void answer(const Call& call, const Json& value, unsigned status = 200);
void answer_text(const Call& call, std::string json, unsigned status = 200);  // that is JSON already
void answer_nothing(const Call& call, unsigned status = 204);
void refuse(const Call& call, unsigned status, const std::string& message);
// The event of a prune: what of `type` ("image") nobody used is gone.
void tell_prune(Engine& engine, const char* type, std::int64_t bytes = 0);
// The refusal, or an empty answer with `status`. 304 is a refusal without words.
void answer_done(const Call& call, const std::optional<Refusal>& refusal, unsigned status = 204);
// Objects, one a line, as a stream: docker-py takes what comes in one piece for one object.
void answer_lines(HttpReply& reply, const std::string& lines);
[[nodiscard]] HttpResponse refusal_response(unsigned status, const std::string& message);

// The container that a path names; null: refused already.
[[nodiscard]] ContainerRecord* container_of(Engine& engine, const Call& call);
// A number of the query; the error is refused already: false.
[[nodiscard]] bool take_number(const Call& call, const char* name, std::optional<std::int64_t>& number);

// Bytes of a stream, in a frame where the container has no terminal: [stream, 0, 0, 0, length]. Pure.
[[nodiscard]] std::string frame(int stream, std::string_view bytes);
// st_mode as Go's FileMode, which docker's clients read. Pure.
[[nodiscard]] std::uint32_t go_mode(std::uint32_t mode);
// Content-Type of raw and multiplexed streams.
[[nodiscard]] std::string stream_type(int version, bool tty);

// containers.cpp's routes
void list_containers(Engine& engine, const Call& call);
void create_container(Engine& engine, const Call& call);
void inspect_container(Engine& engine, const Call& call);
void start_container(Engine& engine, const Call& call);
void stop_container(Engine& engine, const Call& call);
void restart_container(Engine& engine, const Call& call);
void kill_container(Engine& engine, const Call& call);
void pause_container(Engine& engine, const Call& call);
void unpause_container(Engine& engine, const Call& call);
void rename_container(Engine& engine, const Call& call);
void update_container(Engine& engine, const Call& call);
void remove_container(Engine& engine, const Call& call);
void prune_containers(Engine& engine, const Call& call);
void wait_for_container(Engine& engine, const Call& call);
void resize_container(Engine& engine, const Call& call);
void attach_container(Engine& engine, const Call& call);
void container_logs(Engine& engine, const Call& call);
void container_top(Engine& engine, const Call& call);
void container_stats(Engine& engine, const Call& call);
void read_archive(Engine& engine, const Call& call);
void write_archive(Engine& engine, const Call& call);
// execs
void create_exec(Engine& engine, const Call& call);
void start_exec(Engine& engine, const Call& call);
void inspect_exec(Engine& engine, const Call& call);
void resize_exec(Engine& engine, const Call& call);
// images
void list_images(Engine& engine, const Call& call);
// A row for each image that the filters ask for, the newest first.
[[nodiscard]] Result<Json> image_rows(Engine& engine, const Filters& filters, int version);
void inspect_image(Engine& engine, const Call& call);
void pull_image(Engine& engine, const Call& call);
void tag_image(Engine& engine, const Call& call);
void remove_image(Engine& engine, const Call& call);
void prune_images(Engine& engine, const Call& call);
void search_images(Engine& engine, const Call& call);  // search_answers.cpp
void push_image(Engine& engine, const Call& call);
void image_history(Engine& engine, const Call& call);
void build_image(Engine& engine, const Call& call);
void hold_session(Engine& engine, const Call& call);
void refuse_grpc(Engine& engine, const Call& call);
void prune_builds(Engine& engine, const Call& call);
void container_changes(Engine& engine, const Call& call);
void export_container(Engine& engine, const Call& call);
void import_image(Engine& engine, const Call& call);
void commit_container(Engine& engine, const Call& call);
void save_images(Engine& engine, const Call& call);
void load_images(Engine& engine, const Call& call);
// networks
void list_networks(Engine& engine, const Call& call);
void inspect_network(Engine& engine, const Call& call);
void create_network(Engine& engine, const Call& call);
void remove_network(Engine& engine, const Call& call);
void connect_network(Engine& engine, const Call& call);
void disconnect_network(Engine& engine, const Call& call);
void prune_networks(Engine& engine, const Call& call);
// volumes
void list_volumes(Engine& engine, const Call& call);
// Ids of the containers that mount it.
[[nodiscard]] std::vector<std::string> users_of_volume(Engine& engine, const std::string& name);
void create_volume(Engine& engine, const Call& call);
void inspect_volume(Engine& engine, const Call& call);
void remove_volume(Engine& engine, const Call& call);
void prune_volumes(Engine& engine, const Call& call);
// the engine itself
void ping(Engine& engine, const Call& call);
void show_version(Engine& engine, const Call& call);
void show_info(Engine& engine, const Call& call);
void disk_use(Engine& engine, const Call& call);
void follow_events(Engine& engine, const Call& call);
void check_login(Engine& engine, const Call& call);
void no_swarm(Engine& engine, const Call& call);
void leave_swarm(Engine& engine, const Call& call);
void refuse_swarm(Engine& engine, const Call& call);

}  // namespace mete::agent::docker
