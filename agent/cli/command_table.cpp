// SPDX-License-Identifier: Apache-2.0
// The table of commands. A new command is a file with an add_NAME(), and two lines here. The order is that of `mete
// --help`.
//
// The flags of all commands together take several milliseconds to register, most of what `mete` needs to start. So only
// what the first word names is registered, and everything where it names nothing.
#include <algorithm>
#include <iterator>
#include <string_view>

#include "agent/cli/command_line.h"

namespace mete::agent::cli {

void add_agent(CommandLine& line);         // agent_command.cpp
void add_manifests(CommandLine& line);     // manifests.cpp
void add_pods(CommandLine& line);          // pods.cpp
void add_run(CommandLine& line);           // run.cpp
void add_life(CommandLine& line);          // life.cpp
void add_port(CommandLine& line);          // container_facts.cpp
void add_get(CommandLine& line);           // get.cpp
void add_scale(CommandLine& line);         // get.cpp
void add_rollout(CommandLine& line);       // rollout.cpp
void add_update(CommandLine& line);        // update.cpp
void add_top(CommandLine& line);           // top.cpp
void add_stats(CommandLine& line);         // stats.cpp
void add_explain(CommandLine& line);       // explain.cpp
void add_advise(CommandLine& line);        // advise.cpp
void add_events(CommandLine& line);        // events.cpp
void add_alerts(CommandLine& line);        // alerts.cpp
void add_logs(CommandLine& line);          // logs.cpp
void add_exec(CommandLine& line);          // exec.cpp
void add_attach(CommandLine& line);        // attach.cpp
void add_cp(CommandLine& line);            // cp.cpp
void add_describe(CommandLine& line);      // describe.cpp
void add_port_forward(CommandLine& line);  // port_forward.cpp
void add_wait(CommandLine& line);          // wait.cpp
void add_oom(CommandLine& line);           // oom.cpp
void add_images(CommandLine& line);        // images.cpp
void add_build(CommandLine& line);         // build.cpp
void add_builder(CommandLine& line);       // builder.cpp
void add_registry(CommandLine& line);      // registry.cpp
void add_mount(CommandLine& line);         // mount.cpp
void add_search(CommandLine& line);        // search.cpp
void add_login(CommandLine& line);         // login.cpp
void add_networks(CommandLine& line);      // networks.cpp
void add_volumes(CommandLine& line);       // volume_verbs.cpp
void add_engine(CommandLine& line);        // engine_verbs.cpp
void add_metrics(CommandLine& line);       // metrics.cpp
void add_schema(CommandLine& line);        // schema.cpp
void add_convert(CommandLine& line);       // convert.cpp
void add_completion(CommandLine& line);    // completion.cpp
void add_man(CommandLine& line);           // man.cpp
void add_version(CommandLine& line);       // version.cpp

namespace {

struct Entry {
  std::string_view names;  // the words behind `mete`; empty: what is made of all commands
  void (*add)(CommandLine&);
};

constexpr Entry kCommands[] = {
    {"agent", add_agent},
    {"apply delete diff validate", add_manifests},
    {"ps inspect", add_pods},
    {"run create", add_run},
    {"stop start restart kill pause unpause rename rm", add_life},
    {"port", add_port},
    {"get", add_get},
    {"scale", add_scale},
    {"rollout", add_rollout},
    {"update", add_update},
    {"top", add_top},
    {"stats", add_stats},
    {"explain", add_explain},
    {"advise", add_advise},
    {"events", add_events},
    {"alerts", add_alerts},
    {"logs", add_logs},
    {"exec", add_exec},
    {"attach", add_attach},
    {"cp", add_cp},
    {"describe", add_describe},
    {"port-forward", add_port_forward},
    {"wait", add_wait},
    {"oom", add_oom},
    {"image images rmi save load import history commit export", add_images},
    {"build build-for-agent", add_build},
    {"builder", add_builder},
    {"pull push tag pull-for-agent", add_registry},
    {"mount-for-agent", add_mount},
    {"search", add_search},
    {"login logout", add_login},
    {"network", add_networks},
    {"volume", add_volumes},
    {"info system", add_engine},
    {"metrics", add_metrics},
    {"schema", add_schema},
    {"convert", add_convert},
    {"", add_completion},
    {"", add_man},
    {"version", add_version},
};

bool has(const Entry& entry, std::string_view word) {
  for (std::string_view rest = entry.names; !rest.empty();) {
    const auto end = std::min(rest.find(' '), rest.size());
    if (rest.substr(0, end) == word) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

}  // namespace

void add_commands(CommandLine& line, std::string_view word) {
  const auto* const entry =
      std::find_if(std::begin(kCommands), std::end(kCommands), [&](const Entry& each) { return has(each, word); });
  if (entry != std::end(kCommands)) return entry->add(line);
  for (const auto& each : kCommands) each.add(line);
}

}  // namespace mete::agent::cli
