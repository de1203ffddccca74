// SPDX-License-Identifier: Apache-2.0
// `mete agent`: the daemon.
#include <malloc.h>

#include <memory>
#include <optional>

#include "agent/agent.h"
#include "agent/base/log.h"
#include "agent/cli/agent_yaml.h"
#include "agent/cli/output/output.h"

namespace mete::agent::cli {
namespace {

struct AgentOptions {
  std::string config;   // agent.yaml
  std::string network;  // of pods; empty: agent.yaml's
  std::optional<unsigned> run_for;
  bool alerts = false;
  bool remove_all = false;
  bool rollback = false;
};

int undo_changes(const Settings& settings) {
  const auto lines = roll_back(settings);
  if (!lines) return complain(lines.error().what);
  for (const auto& line : *lines) print(line + "\n");
  if (lines->empty()) print("There was nothing to put back.\n");
  return kDone;
}

int run(Settings& settings, const AgentOptions& options) {
  // The agent's two threads pass each other allocated memory: with two arenas it would be held twice.
  (void)::mallopt(M_ARENA_MAX, 1);
  // A scrape of a thousand containers takes blocks of a megabyte. Those are to go back to the kernel; by default the
  // first one that is freed makes all later ones come from the heap, which never shrinks below what lives above them.
  (void)::mallopt(M_MMAP_THRESHOLD, 256 << 10);
  open_log(settings.json_logs);
  if (const auto read = read_agent_yaml(settings, options.config); !read) {
    log_error(read.error().what);
    return kFailed;
  }
  if (!options.network.empty())
    settings.config.network.pods =
        options.network == "none" ? config::DefaultNetwork::kNone : config::DefaultNetwork::kBridge;
  if (options.alerts) settings.config.alerts.enabled = true;
  if (options.rollback) return undo_changes(settings);
  std::optional<std::chrono::seconds> run_for;
  if (options.run_for) run_for = std::chrono::seconds(*options.run_for);
  const auto done = run_agent(settings, run_for, options.remove_all);
  if (done) return kDone;
  log_error(done.error().what);
  return kFailed;
}

void add_log_flags(CLI::App* command, Settings& settings) {
  command
      ->add_option("--log-format",
                   [&settings](const CLI::results_t& values) {
                     settings.json_logs = values.front() == "json";
                     return true;
                   })
      ->type_name("text|json")
      ->check(CLI::IsMember({"text", "json"}))
      ->description("Log lines as key=value or JSON");
  command
      ->add_option("--log-max-bytes", settings.log_limits.max_bytes, "Size at which a container's log file is rotated")
      ->type_name("BYTES")
      ->check(CLI::Range(std::int64_t{4096}, std::int64_t{1} << 40));
  command->add_option("--log-files", settings.log_limits.files, "How many log files of a container are kept")
      ->type_name("N")
      ->check(CLI::Range(1, 100));
}

}  // namespace

void add_agent(CommandLine& line) {
  auto options = std::make_shared<AgentOptions>();
  auto& settings = line.common().settings;
  auto* command = line.add({"agent", "Run the daemon: launch, measure and hold what the manifests say",
                            "  mete agent\n  mete agent --manifests ./pods --listen 0.0.0.0:9753\n"
                            "  mete agent --state /tmp/a --run /tmp/a/run --cgroup-parent /a --listen 127.0.0.1:0"},
                           [options, &settings] { return run(settings, *options); });
  command
      ->add_option("--config", options->config,
                   "agent.yaml: what is exported; default: /etc/mete/agent.yaml if it is there")
      ->type_name(kFile)
      ->envname("METE_CONFIG");
  command->add_option("--manifests", settings.manifests, "Folder of manifests to watch; may be given more than once")
      ->type_name(kFolder)
      ->envname("METE_MANIFESTS");
  command->add_option("--cgroup-parent", settings.cgroup_parent, "Where its cgroups are made")
      ->type_name("CGROUP")
      ->envname("METE_CGROUP_PARENT");
  command->add_option("--listen", settings.listen, "Address of /metrics; port 0: a free one")
      ->type_name("ADDRESS")
      ->envname("METE_LISTEN");
  command
      ->add_option("--web-config", settings.web_config,
                   "TLS and basic authentication of that address: Prometheus' web configuration file; default: "
                   "web.configFile of agent.yaml")
      ->type_name(kFile)
      ->envname("METE_WEB_CONFIG");
  command
      ->add_option("--network", options->network,
                   "Network of pods without hostNetwork; default: network.default of agent.yaml, or bridge where the "
                   "machine can have it")
      ->type_name("bridge|none")
      ->check(CLI::IsMember({"bridge", "none"}))
      ->envname("METE_NETWORK");
  command->add_option("--shim", settings.shim, "mete-shim; default: beside this program, or in ../libexec/mete")
      ->type_name(kFile)
      ->envname("METE_SHIM");
  command
      ->add_option("--socket-group", settings.socket_group,
                   "Group whose members may use the socket too: they can do what root can; default: none")
      ->type_name("GROUP")
      ->envname("METE_SOCKET_GROUP");
  add_log_flags(command, settings);
  command
      ->add_option("--usage-interval",
                   [&settings](const CLI::results_t& values) {
                     unsigned seconds = 0;
                     if (!CLI::detail::lexical_cast(values.front(), seconds)) return false;
                     settings.usage_every = std::chrono::seconds(seconds);
                     return true;
                   })
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 3600))
      ->description("Time between two samples of usage for `mete advise`; default: 60");
  command->add_flag("--alerts", options->alerts,
                    "Evaluate alerts without a Prometheus, and tell those whom alerts of agent.yaml names");
  command->add_option("--for", options->run_for, "End by itself after so many seconds")->type_name("SECONDS");
  command->add_flag("--rollback", options->rollback,
                    "Run nothing; put back what an agent that was killed has changed on cgroups of others");
  command->add_flag("--remove-all", options->remove_all,
                    "At its end, end all containers and leave nothing behind; with --for 0 it launches none first");
}

}  // namespace mete::agent::cli
