// SPDX-License-Identifier: Apache-2.0
// `mete pull`, `push` and `tag`, and the command that the agent runs to pull. They act on the store and need no agent.
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <memory>

#include "agent/cli/agent_yaml.h"
#include "agent/cli/images/layer_lines.h"
#include "agent/cli/images/registry_access.h"
#include "agent/cli/output/output.h"
#include "runtime/file.h"
#include "runtime/image/store.h"
#include "runtime/registry/push.h"

namespace mete::agent::cli {
namespace {

namespace registry = runtime::registry;

struct TransferOptions {
  std::string name;
  bool quiet = false;
  RegistryOptions registry;
};

int exit_code(const Error& error) {
  return error.code == ENOENT ? kNotFound : kFailed;
}

// As docker says of a name without a tag.
void tell_default_tag(const std::string& name, const registry::Reference& reference, bool quiet) {
  const std::string last = name.substr(name.rfind('/') + 1);
  if (!quiet && reference.digest.empty() && last.find(':') == std::string::npos) print("Using default tag: latest\n");
}

// What a transfer is between: an image's name, its registry and the store.
struct Ends {
  registry::Reference reference;
  registry::Access access;
  runtime::image::Store store;
};

// Nothing, and the exit code, after its words.
std::optional<Ends> ends_of(Common& common, const TransferOptions& options, int& code) {
  auto reference = registry::parse_reference(options.name);
  if (!reference) {
    code = complain(reference.error().what, kUsage);
    return std::nullopt;
  }
  auto access = registry_access(common.settings, options.registry);
  auto store = access ? runtime::image::Store::open(common.settings.images()) : tl::unexpected(access.error());
  if (!store) {
    code = complain(store.error().what);
    return std::nullopt;
  }
  tell_default_tag(options.name, *reference, options.quiet);
  return Ends{std::move(*reference), std::move(*access), std::move(*store)};
}

int pull(Common& common, const TransferOptions& options) {
  int code = kDone;
  auto ends = ends_of(common, options, code);
  if (!ends) return code;
  auto& [reference, access, store] = *ends;
  if (!options.quiet) print(reference.target() + ": Pulling from " + reference.repository + "\n");
  LayerLines lines(Direction::kPull, options.quiet);
  const auto pulled =
      registry::pull(store, reference, access, [&](const registry::LayerNews& news) { lines.show(news); });
  if (!pulled) return complain(pulled.error().what, exit_code(pulled.error()));
  const std::string whole = reference.whole();
  if (!options.quiet) {
    print("Digest: " + pulled->image.digest +
          "\nStatus: " + (pulled->newer ? "Downloaded newer image for " : "Image is up to date for ") + whole + "\n");
  }
  print(whole + "\n");
  return kDone;
}

int push(Common& common, const TransferOptions& options) {
  int code = kDone;
  auto ends = ends_of(common, options, code);
  if (!ends) return code;
  auto& [reference, access, store] = *ends;
  if (!options.quiet) print("The push refers to repository [" + reference.host + "/" + reference.repository + "]\n");
  LayerLines lines(Direction::kPush, options.quiet);
  const auto pushed =
      registry::push(store, reference, access, [&](const registry::LayerNews& news) { lines.show(news); });
  if (!pushed) return complain(pushed.error().what, exit_code(pushed.error()));
  print(options.quiet
            ? reference.whole() + "\n"
            : reference.tag + ": digest: " + pushed->digest + " size: " + std::to_string(pushed->size) + "\n");
  return kDone;
}

int tag(const Common& common, const std::string& from, const std::string& to) {
  auto store = runtime::image::Store::open(common.settings.images());
  if (!store) return complain(store.error().what);
  const auto tagged = store->tag(from, to);
  return tagged ? kDone : complain(tagged.error().what, exit_code(tagged.error()));
}

// Reads what it may do from standard input and prints one JSON object (agent/base/image_puller.cpp).
int pull_for_agent(const Common& common, const std::string& name) {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);  // it ends with the agent
  const auto request = runtime::read_all(STDIN_FILENO, "standard input");
  const auto finish = [](const Result<registry::Pulled>& pulled) {
    Json value = {{"error", pulled ? "" : pulled.error().what}, {"code", pulled ? 0 : pulled.error().code}};
    if (pulled) value["size"] = pulled->image.size;
    print(value.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    return pulled ? kDone : kFailed;
  };
  if (!request) return finish(tl::unexpected(request.error()));
  const auto access = access_of_agent(*request);
  if (!access) return finish(tl::unexpected(access.error()));
  const auto reference = registry::parse_reference(name);
  if (!reference) return finish(tl::unexpected(reference.error()));
  auto store = runtime::image::Store::open(common.settings.images());
  if (!store) return finish(tl::unexpected(store.error()));
  return finish(registry::pull(*store, *reference, *access, nullptr));
}

void add_transfer(CLI::App* command, TransferOptions& options) {
  command->add_flag("-q,--quiet", options.quiet, "Print nothing but the name");
  add_registry_options(command, options.registry);
  command->add_option("name", options.name, "[HOST[:PORT]/]NAME[:TAG]")->type_name("IMAGE")->required();
}

}  // namespace

void add_registry(CommandLine& line) {
  Common& common = line.common();
  auto get = std::make_shared<TransferOptions>();
  add_transfer(line.add({"pull", "Get an image from a registry",
                         "  mete pull busybox\n  mete pull registry.example:5000/team/app:1.0\n"
                         "  mete pull app@sha256:..."},
                        [&common, get] { return pull(common, *get); }),
               *get);
  auto give = std::make_shared<TransferOptions>();
  add_transfer(line.add({"push", "Give an image to a registry", "  mete push registry.example:5000/team/app:1.0"},
                        [&common, give] { return push(common, *give); }),
               *give);
  struct Names {
    std::string from;
    std::string to;
  };
  auto names = std::make_shared<Names>();
  auto* command = line.add({"tag", "Give an image a second name", "  mete tag app:1.0 registry.example:5000/app:1.0"},
                           [&common, names] { return tag(common, names->from, names->to); });
  command->add_option("from", names->from, "NAME[:TAG]")->type_name("IMAGE")->required();
  command->add_option("to", names->to, "NAME[:TAG]")->type_name("IMAGE")->required();
  auto name = std::make_shared<std::string>();
  line.add({"pull-for-agent", "Get an image for the agent", ""},
           [&common, name] { return pull_for_agent(common, *name); })
      ->add_option("name", *name, "NAME[:TAG]")
      ->type_name("IMAGE")
      ->required();
}

}  // namespace mete::agent::cli
