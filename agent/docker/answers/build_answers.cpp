// SPDX-License-Identifier: Apache-2.0
// What children of the agent do for clients: builds and pushes. And how an image was made, and what builds have left.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "agent/docker/filters.h"
#include "agent/docker/images/build_request.h"
#include "agent/docker/images/image_names.h"
#include "agent/docker/images/registry_login.h"
#include "agent/docker/routes.h"
#include "agent/docker/streams/child_command.h"
#include "agent/docker/streams/file_body.h"
#include "agent/networks/networks.h"
#include "config/values/quantity.h"
#include "runtime/build/prune_cache.h"
#include "runtime/file.h"
#include "runtime/image/tree.h"

namespace mete::agent::docker {
namespace {

std::string json_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace) + "\r\n";
}

// `bytes` in a file that nobody else has, from its beginning.
Result<runtime::UniqueFd> as_input(runtime::UniqueFd file, const std::string& bytes) {
  METE_CHECK(runtime::write_all(file.get(), bytes));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return fail_errno("seek");
  return file;
}

std::vector<std::string> mete_words(Engine& engine, const char* command) {
  return {"mete", "--state", engine.services().settings.state, command};
}

// "v1: digest: sha256:... size: 527" is the last line of a push; "0123456789ab: Pushed" is one of a layer.
std::string push_line(std::string line) {
  while (!line.empty() && line.back() == '\n') line.pop_back();
  constexpr std::string_view kDigest = ": digest: ";
  constexpr std::string_view kSize = " size: ";
  constexpr std::size_t kShortId = 12;
  const auto digest = line.find(kDigest);
  const auto size = line.find(kSize);
  const std::string begin = line.substr(0, kShortId);
  const bool of_layer = line.size() > kShortId + 2 && line.compare(kShortId, 2, ": ") == 0 &&
                        begin.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (of_layer)
    return json_line({{"status", line.substr(kShortId + 2)}, {"progressDetail", Json::object()}, {"id", begin}});
  std::string text = json_line({{"status", line}});
  if (digest == std::string::npos || size == std::string::npos || size < digest) return text;
  const auto at = digest + kDigest.size();
  return text + json_line({{"progressDetail", Json::object()},
                           {"aux",
                            {{"Tag", line.substr(0, digest)},
                             {"Digest", line.substr(at, size - at)},
                             {"Size", std::atoll(line.c_str() + size + kSize.size())}}}});
}

// The push has begun for docker's clients when they hear that there is nothing to be pushed.
void answer_not_here(const Call& call, const std::string& repository) {
  const std::string message = "An image does not exist locally with the tag: " + repository;
  answer_lines(*call.reply, json_line({{"status", "The push refers to repository [" + repository + "]"}}) +
                                json_line({{"errorDetail", {{"message", message}}}, {"error", message}}));
}

// The one image that is to be pushed; empty: refused already.
std::string pushed_name(Engine& engine, const Call& call) {
  const std::string& name = call.words.front();
  const std::string tag = call.parameter("tag");
  const bool has_tag = name.substr(name.rfind('/') + 1).find(':') != std::string::npos;
  if (!tag.empty() || has_tag) {
    const std::string whole = tag.empty() ? name : name + ":" + tag;
    if (engine.services().images.find(whole)) return whole;
    answer_not_here(call, tag.empty() ? name.substr(0, name.rfind(':')) : name);
    return {};
  }
  std::vector<std::string> names;
  const auto all = engine.services().images.list();
  for (const auto& each : all ? *all : std::vector<runtime::image::Image>()) {
    if (runtime::image::repository_of(each.name) == name) names.push_back(each.name);
  }
  if (names.size() == 1) return names.front();
  if (names.empty()) {
    answer_not_here(call, name);
  } else {
    refuse(call, 400, "push: found " + std::to_string(names.size()) + " tags of " + name + ", expected one by tag=");
  }
  return {};
}

}  // namespace

void push_image(Engine& engine, const Call& call) {
  const std::string name = pushed_name(engine, call);
  if (name.empty()) return;
  const auto login = login_of(call.request.registry_login);
  if (!login) return refuse(call, 400, login.error().what);
  auto input = as_input(runtime::UniqueFd(::memfd_create("mete-login", MFD_CLOEXEC)), *login);
  if (!input) return refuse(call, 500, input.error().what);
  auto words = mete_words(engine, "push");
  // Without a login of the client's those of `mete login` hold.
  if (!login->empty()) words.emplace_back("--authfile=/dev/stdin");
  words.push_back(name);
  const auto started =
      ChildCommand::start(engine.services().loop, std::move(words), std::move(*input),
                          [&call] { return call.reply->stream("application/json"); },
                          {.said = push_line, .ended = [&engine, name](int code, const std::string& errors) {
                             if (code != 0) return error_line(errors, code);
                             engine.containers().events().add({"image", "push", name, {{"name", name}}, {}});
                             return std::string();
                           }});
  if (!started) refuse(call, 500, started.error().what);
}

namespace {

// What RUN is connected to, and what the builder is told of it.
struct BuildNetwork {
  std::string word;                // of --network
  std::optional<config::Pod> pod;  // as which the agent's networks know it; empty: there is nothing to be connected
};

// As docker's builder: the default bridge; where the agent's pods have no network of their own, the machine's.
tl::expected<BuildNetwork, Refusal> build_network(Engine& engine, const std::string& uid, const std::string& mode) {
  const bool usual = mode.empty() || mode == "default";
  if (mode == "host" || mode == "none") return BuildNetwork{mode, std::nullopt};
  BuildNetwork network{"default", config::Pod()};
  network.pod->metadata.namespace_ = kNamespace;
  network.pod->metadata.name = uid;
  std::string& asked = network.pod->metadata.annotations["mete/network"];
  if (mode.starts_with(kOfAnother)) {
    const auto other = engine.containers().find(mode.substr(kOfAnother.size()));
    if (!other) return tl::unexpected(other.error());
    asked = std::string(kOfAnother) + (*other)->key();
    return network;
  }
  const auto all = engine.networks().list();
  const auto is_it = [&](const auto& each) { return each.name == mode; };
  if (!usual && std::none_of(all.begin(), all.end(), is_it))
    return tl::unexpected(Refusal{404, "network " + mode + " not found"});
  if (!usual) asked = mode;
  if (engine.networks().network_of(*network.pod).empty()) network.pod.reset();
  return network;
}

struct BuildCommand {
  std::string uid;
  std::vector<std::string> words;
  runtime::UniqueFd input;
  std::string id_file;
};

void start_build(Engine& engine, const Call& call, BuildCommand& command, const std::function<void()>& leave) {
  const auto started =
      ChildCommand::start(engine.services().loop, std::move(command.words), std::move(command.input),
                          [&call] { return call.reply->stream("application/json"); },
                          {.said =
                               [](const std::string& line) {
                                 return json_line({{"stream", line}});
                               },
                           .ended =
                               [&engine, id_file = command.id_file](int code, const std::string& errors) {
                                 const std::string id = runtime::read_file(AT_FDCWD, id_file).value_or("");
                                 (void)::unlink(id_file.c_str());
                                 if (code != 0 || id.empty()) return error_line(errors, code);
                                 engine.containers().events().add({"image", "build", id, {{"name", id}}, {}});
                                 return json_line({{"aux", {{"ID", id}}}});
                               },
                           .reaped = leave});
  if (started) return;
  leave();
  refuse(call, 500, started.error().what);
}

// The word for the builder, of a network that the build is connected to. `asked`: a client has named it.
Result<std::string> word_of(Networks& networks, const std::string& uid, const std::string& asked) {
  const auto* const endpoint = networks.endpoint(uid);
  const std::string space = networks.namespace_path(uid);
  if (endpoint != nullptr && endpoint->network == kMachinesNetwork) return std::string("host");
  const bool usual = asked.empty() || asked == "default";
  if (space.empty() && usual) return std::string("host");  // a machine that can have no bridge
  if (space.empty()) return fail("network " + asked + ": found no networks on this machine");
  const std::string server = networks.resolver(uid);
  return "ns:" + space + (server.empty() ? "" : "," + server);
}

}  // namespace

void build_image(Engine& engine, const Call& call) {
  auto options = build_words(call.request);
  if (!options) return refuse(call, 400, options.error().what);
  if (!call.request.body_file) return refuse(call, 400, "build: found no context, expected a tar archive as the body");
  const auto command = std::make_shared<BuildCommand>();
  command->uid = "build-" + new_id().substr(0, 12);
  // The request is gone when the build is connected.
  const std::string asked = call.request.parameter("networkmode");
  const auto network = build_network(engine, command->uid, asked);
  if (!network) return refuse(call, network.error().status, network.error().message);
  auto input = body_of(call.request);
  if (!input) return refuse(call, 500, input.error().what);
  command->input = std::move(*input);
  command->id_file = engine.services().settings.docker() + "/" + kBuildIds + new_id();
  command->words = mete_words(engine, "build-for-agent");
  command->words.push_back("--iidfile=" + command->id_file);
  for (auto& each : *options) command->words.push_back(std::move(each));
  const auto begin = [&engine, command](const Call& of, const std::string& word, const std::function<void()>& leave) {
    command->words.push_back("--network=" + word);
    command->words.emplace_back("-");
    start_build(engine, of, *command, leave);
  };
  if (!network->pod) return begin(call, network->word, [] {});
  engine.networks().connect(
      command->uid, *network->pod, {}, [&engine, call, asked, command, begin](const Status& connected) {
        if (!connected) return refuse(call, 500, "build: " + connected.error().what);
        const std::function<void()> leave = [&engine, uid = command->uid] { engine.networks().disconnect(uid); };
        const auto word = word_of(engine.networks(), command->uid, asked);
        if (word) return begin(call, *word, leave);
        leave();
        refuse(call, 500, "build: " + word.error().what);
      });
}

// The sizes of layers are counted on a thread.
void image_history(Engine& engine, const Call& call) {
  const auto found = engine.services().images.resolve(call.words.front());
  if (!found) return refuse(call, 404, no_such_image(call.words.front()));
  const auto settings = settings_of_image(engine.services().images, *found);
  const auto rows = std::make_shared<Json>(Json::array());
  engine.services().workers.run(
      [rows, settings, store = engine.services().images, image = *found] {
        const auto layers = store.layer_directories(image, settings.diff_ids);
        auto history = settings.history;
        if (history.empty()) history.resize(std::max<std::size_t>(1, layers.size()));
        std::size_t layer = 0;
        for (const auto& each : history) {
          const bool empty = each.empty_layer || layer >= layers.size();
          rows->insert(rows->begin(), Json{{"Id", "<missing>"},
                                           {"Created", each.created},
                                           {"CreatedBy", each.created_by},
                                           {"Tags", Json()},
                                           {"Size", empty ? 0 : runtime::image::tree_size(layers[layer]).value_or(0)},
                                           {"Comment", each.comment}});
          if (!empty) ++layer;
        }
        (*rows)[0]["Id"] = "sha256:" + image.id;
        if (!is_nameless(image)) (*rows)[0]["Tags"] = Json::array({image.name});
      },
      [call, rows] { answer(call, *rows); });
}

// On a thread: layers are counted and removed.
void prune_builds(Engine& engine, const Call& call) {
  const auto filters = Filters::parse(call.parameter("filters"), {"until"});
  if (!filters) return refuse(call, 400, filters.error().what);
  const auto until = filters->values("until");
  if (until.size() > 1) return refuse(call, 400, "build/prune: found several times in the filter until, expected one");
  runtime::build::PruneWhat what{is_true(call.parameter("all")), std::nullopt};
  if (!until.empty()) {
    const auto ago = config::parse_duration(until.front());
    if (!ago) return refuse(call, 400, "build/prune: until: " + ago.error().what);
    what.unused_since = std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::seconds>(*ago);
  }
  const auto in_use = engine.containers().reconciler().layers_in_use();
  if (!in_use) return refuse(call, 409, "a container's layers are not known yet; try again");
  const auto pruned = std::make_shared<Result<runtime::build::PrunedCache>>(fail("not begun"));
  engine.services().workers.run(
      [pruned, what, in_use = *in_use, store = engine.services().images]() mutable {
        *pruned = runtime::build::prune_cache(store, what, in_use);
      },
      [call, pruned] {
        if (!*pruned) return refuse(call, 500, pruned->error().what);
        const auto& [ids, bytes] = **pruned;
        answer(call, {{"CachesDeleted", ids.empty() ? Json() : Json(ids)}, {"SpaceReclaimed", bytes}});
      });
}

}  // namespace mete::agent::docker
