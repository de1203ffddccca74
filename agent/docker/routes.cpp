// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/routes.h"

#include <array>
#include <charconv>

#include "agent/docker/filters.h"
#include "agent/docker/version.h"

namespace mete::agent::docker {
namespace {

// A path with a word of its own stands before one whose open place would take that word.
constexpr std::array kRoutes = std::to_array<Route>({
    {"GET", "/_ping", ping},
    {"GET", "/version", show_version},
    {"GET", "/info", show_info},
    {"GET", "/events", follow_events},
    {"GET", "/system/df", disk_use},
    {"POST", "/auth", check_login},

    {"GET", "/containers/json", list_containers},
    {"POST", "/containers/create", create_container},
    {"POST", "/containers/prune", prune_containers},
    {"GET", "/containers/*/json", inspect_container},
    {"GET", "/containers/*/logs", container_logs},
    {"GET", "/containers/*/top", container_top},
    {"GET", "/containers/*/stats", container_stats},
    {"GET", "/containers/*/changes", container_changes},
    {"GET", "/containers/*/export", export_container},
    {"POST", "/commit", commit_container},
    {"GET", "/containers/*/archive", read_archive},
    {"PUT", "/containers/*/archive", write_archive, true},
    {"POST", "/containers/*/start", start_container},
    {"POST", "/containers/*/stop", stop_container},
    {"POST", "/containers/*/restart", restart_container},
    {"POST", "/containers/*/kill", kill_container},
    {"POST", "/containers/*/pause", pause_container},
    {"POST", "/containers/*/unpause", unpause_container},
    {"POST", "/containers/*/rename", rename_container},
    {"POST", "/containers/*/update", update_container},
    {"POST", "/containers/*/wait", wait_for_container},
    {"POST", "/containers/*/resize", resize_container},
    {"POST", "/containers/*/attach", attach_container},
    {"DELETE", "/containers/*", remove_container},

    {"POST", "/containers/*/exec", create_exec},
    {"POST", "/exec/*/start", start_exec},
    {"POST", "/exec/*/resize", resize_exec},
    {"GET", "/exec/*/json", inspect_exec},

    {"GET", "/images/json", list_images},
    {"POST", "/images/create", pull_image, true},
    {"POST", "/images/prune", prune_images},
    {"GET", "/images/search", search_images},
    {"POST", "/build", build_image, true},
    {"POST", "/build/prune", prune_builds},
    {"POST", "/session", hold_session},
    {"POST", "/grpc", refuse_grpc},
    {"GET", "/images/get", save_images},
    {"POST", "/images/load", load_images, true},
    {"GET", "/images/**/get", save_images},
    {"GET", "/images/**/json", inspect_image},
    {"GET", "/images/**/history", image_history},
    {"POST", "/images/**/tag", tag_image},
    {"POST", "/images/**/push", push_image},
    {"DELETE", "/images/**", remove_image},

    {"GET", "/networks", list_networks},
    {"POST", "/networks/create", create_network},
    {"POST", "/networks/prune", prune_networks},
    {"GET", "/networks/*", inspect_network},
    {"DELETE", "/networks/*", remove_network},
    {"POST", "/networks/*/connect", connect_network},
    {"POST", "/networks/*/disconnect", disconnect_network},

    {"GET", "/volumes", list_volumes},
    {"POST", "/volumes/create", create_volume},
    {"POST", "/volumes/prune", prune_volumes},
    {"GET", "/volumes/*", inspect_volume},
    {"DELETE", "/volumes/*", remove_volume},

    {"GET", "/swarm", no_swarm},
    {"POST", "/swarm/leave", leave_swarm},
    {"POST", "/swarm/update", no_swarm},
    {"POST", "/swarm/init", refuse_swarm},
    {"POST", "/swarm/join", refuse_swarm},
    {"GET", "/nodes", no_swarm},
    {"GET", "/nodes/*", no_swarm},
    {"GET", "/services", no_swarm},
    {"GET", "/services/*", no_swarm},
    {"GET", "/tasks", no_swarm},
    {"GET", "/tasks/*", no_swarm},
    {"GET", "/secrets", no_swarm},
    {"GET", "/secrets/*", no_swarm},
    {"GET", "/configs", no_swarm},
    {"GET", "/configs/*", no_swarm},
});

std::string_view next_word(std::string_view& path) {
  const auto slash = path.find('/');
  const std::string_view word = path.substr(0, slash);
  path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  return word;
}

}  // namespace

std::span<const Route> all_routes() {
  return kRoutes;
}

std::optional<FoundRoute> find_route(std::string_view method, std::string_view path) {
  for (const Route& route : kRoutes) {
    const bool fits = method == route.method || (method == "HEAD" && std::string_view("GET") == route.method);
    if (!fits) continue;
    if (auto words = match(route.pattern, path)) return FoundRoute{&route, std::move(*words)};
  }
  return std::nullopt;
}

std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
  std::vector<std::string> words;
  if (pattern.empty() || path.empty() || path.front() != '/') return std::nullopt;
  pattern.remove_prefix(1);
  path.remove_prefix(1);
  while (!pattern.empty()) {
    const std::string_view expected = next_word(pattern);
    if (path.empty()) return std::nullopt;
    if (expected == "**") {
      // All but the words that the pattern has after it.
      const std::string tail = pattern.empty() ? "" : "/" + std::string(pattern);
      if (path.size() <= tail.size() || !path.ends_with(tail)) return std::nullopt;
      words.emplace_back(path.substr(0, path.size() - tail.size()));
      return words;
    }
    const std::string_view found = next_word(path);
    if (expected == "*" && !found.empty()) {
      words.emplace_back(found);
    } else if (expected != found) {
      return std::nullopt;
    }
  }
  if (!path.empty()) return std::nullopt;
  return words;
}

bool Call::flag(const char* name) const {
  return is_true(parameter(name));
}

void answer(const Call& call, const Json& value, unsigned status) {
  answer_text(call, value.dump(-1, ' ', false, Json::error_handler_t::replace), status);
}

void answer_text(const Call& call, std::string json, unsigned status) {
  HttpResponse response;
  response.status = status;
  response.type = "application/json";
  response.body = std::move(json) + "\n";
  response.headers = {
      {"Api-Version", version_text(kNewestVersion)}, {"Docker-Experimental", "false"}, {"Ostype", "linux"}};
  call.reply->send(std::move(response));
}

void answer_nothing(const Call& call, unsigned status) {
  HttpResponse response;
  response.status = status;
  response.type.clear();
  call.reply->send(std::move(response));
}

HttpResponse refusal_response(unsigned status, const std::string& message) {
  HttpResponse response;
  response.status = status;
  response.type = "application/json";
  response.body = Json{{"message", message}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  response.headers = {{"Api-Version", version_text(kNewestVersion)}};
  return response;
}

void answer_lines(HttpReply& reply, const std::string& lines) {
  reply.stream("application/json")->write(lines);
}

void tell_prune(Engine& engine, const char* type, std::int64_t bytes) {
  engine.containers().events().add({type, "prune", "", {{"reclaimed", std::to_string(bytes)}}, {}});
}

void refuse(const Call& call, unsigned status, const std::string& message) {
  call.reply->send(refusal_response(status, message));
}

void answer_done(const Call& call, const std::optional<Refusal>& refusal, unsigned status) {
  if (!refusal || refusal->status == 304) return answer_nothing(call, refusal ? refusal->status : status);
  refuse(call, refusal->status, refusal->message);
}

ContainerRecord* container_of(Engine& engine, const Call& call) {
  const auto found = engine.containers().find(call.words.front());
  if (found) return *found;
  refuse(call, found.error().status, found.error().message);
  return nullptr;
}

bool take_number(const Call& call, const char* name, std::optional<std::int64_t>& number) {
  const std::string text = call.parameter(name);
  if (text.empty()) return true;
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) {
    number = value;
    return true;
  }
  refuse(call, 400, "strconv.Atoi: parsing \"" + text + "\": invalid syntax");
  return false;
}

std::string frame(int stream, std::string_view bytes) {
  std::string framed(8, '\0');
  framed[0] = static_cast<char>(stream);
  for (unsigned i = 0; i < 4; ++i) framed[4 + i] = static_cast<char>((bytes.size() >> (8 * (3 - i))) & 0xffU);
  framed += bytes;
  return framed;
}

std::string stream_type(int version, bool tty) {
  constexpr int kTellsApart = 42;
  return version >= kTellsApart && !tty ? "application/vnd.docker.multiplexed-stream"
                                        : "application/vnd.docker.raw-stream";
}

}  // namespace mete::agent::docker
