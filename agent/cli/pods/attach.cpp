// SPDX-License-Identifier: Apache-2.0
// `mete attach` talks with the container's shim; the agent only tells where the container is.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "agent/cli/objects/chosen_pod.h"
#include "agent/cli/objects/pod_word.h"
#include "agent/cli/output/output.h"
#include "runtime/shim/attach_client.h"
#include "runtime/shim/attempt_files.h"

namespace mete::agent::cli {
namespace {

namespace shim = runtime::shim;

struct AttachOptions {
  std::string pod;
  std::string space;
  std::string container;
  bool input = false;
  bool tty = false;
  bool quiet = false;
};

shim::AttachWishes wishes_of(const AttachOptions& options, const shim::attach::Hello& hello, const std::string& name) {
  const bool typed = ::isatty(STDIN_FILENO) == 1;
  shim::AttachWishes wishes;
  // Without a flag a person at a terminal gets what the container has; a script says what it wants.
  wishes.input = hello.input && (options.input || typed);
  wishes.terminal = wishes.input && hello.terminal && typed;
  if (options.quiet) return wishes;
  // kubectl's sentences.
  if (options.tty && !hello.terminal)
    std::fprintf(stderr, "error: Unable to use a TTY - container %s did not allocate one\n", name.c_str());
  if (options.input && !hello.input)
    std::fprintf(stderr, "error: stdin is not passed on - container %s has none (stdin: true)\n", name.c_str());
  if (wishes.terminal) std::fputs("If you don't see a command prompt, try pressing enter.\n", stderr);
  return wishes;
}

// Returns the container's exit code when it ends meanwhile.
int attach(const Common& common, AttachOptions options) {
  auto chosen = choose_pod(common, options.pod, options.space, PodUse::kExec);
  if (chosen.code != kDone) return chosen.code;
  options.pod = std::move(chosen.word);
  const auto fetched = fetch(common, "GET", "/mete/v1/pods/" + pod_key(options.pod));
  if (fetched.code != kDone) return fetched.code;
  const auto container = find_container(fetched.value, options.container);
  if (!container) return kNotFound;
  const auto name = (*container)["name"].get<std::string>();
  if (!container->contains("pid"))
    return complain("container " + name + " is " + (*container)["state"].get<std::string>() + ", expected it running");
  const auto path = shim::AttemptFiles((*container)["directory"].get<std::string>()).attach();
  const auto socket = shim::attach::connect_to(path);
  if (!socket) {
    const bool none = socket.error().code == ENOENT;
    return complain(none ? "container " + name + " was started by an older mete, which cannot attach; restart it"
                         : "container " + name + " cannot be attached to: " + socket.error().what);
  }
  const auto hello = shim::greet(*socket);
  if (!hello) return complain(hello.error().what);
  const auto wishes = wishes_of(options, *hello, name);
  const auto end = shim::attach_streams(*socket, *hello, wishes);
  if (end.detached && wishes.terminal && !options.quiet) {
    std::fprintf(stderr,
                 "\r\nSession ended, resume using 'mete attach %s -c %s -i -t' command when the pod is running\r\n",
                 options.pod.c_str(), name.c_str());
  }
  return end.exit_code.value_or(kDone);
}

}  // namespace

void add_attach(CommandLine& line) {
  auto options = std::make_shared<AttachOptions>();
  const Common& common = line.common();
  auto* command = line.add({"attach", "Look at a running container and type into it; ctrl-p ctrl-q leaves it running",
                            "  mete attach web\n  mete attach -it shell -c main"},
                           [&common, options] { return attach(common, *options); });
  command->add_option("pod", options->pod, kPodName)->type_name(kPod)->required();
  command->add_option("-n,--namespace", options->space, kPodNamespace)->type_name("NAMESPACE");
  command->add_option("-c,--container", options->container, "Which container")->type_name(kContainer);
  command->add_flag("-i,--stdin", options->input, "Pass standard input on; without it only from a terminal");
  command->add_flag("-t,--tty", options->tty, "Complain when the container has no terminal");
  command->add_flag("-q,--quiet", options->quiet, "Only what the container writes");
}

}  // namespace mete::agent::cli
