// SPDX-License-Identifier: Apache-2.0
// The table of commands. A new command is a file with an add_NAME(), and two lines here. The order is that of `mete
// --help`.
#include "agent/cli/command_line.h"

namespace mete::agent::cli {

void add_agent(CommandLine& line);         // agent_command.cpp
void add_manifests(CommandLine& line);     // manifests.cpp: apply, delete, diff, validate
void add_pods(CommandLine& line);          // pods.cpp: ps, inspect
void add_run(CommandLine& line);           // run.cpp: run, create
void add_life(CommandLine& line);          // life.cpp: stop, start, restart, kill, pause, unpause, rename, rm
void add_port(CommandLine& line);          // container_facts.cpp
void add_get(CommandLine& line);           // get.cpp
void add_scale(CommandLine& line);         // get.cpp
void add_rollout(CommandLine& line);       // rollout.cpp: status, history, undo, restart, pause, resume
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
void add_oom(CommandLine& line);           // oom.cpp: oom ls, oom show
void add_images(CommandLine& line);        // images.cpp: image import, images, rmi
void add_build(CommandLine& line);         // build.cpp
void add_builder(CommandLine& line);       // builder.cpp: builder prune
void add_registry(CommandLine& line);      // registry.cpp: pull, push, tag
void add_search(CommandLine& line);        // search.cpp
void add_login(CommandLine& line);         // login.cpp: login, logout
void add_networks(CommandLine& line);      // networks.cpp: network create, ls, inspect, rm, prune
void add_volumes(CommandLine& line);       // volume_verbs.cpp: volume create, ls, inspect, rm, prune
void add_engine(CommandLine& line);        // engine_verbs.cpp: info, system df, system prune
void add_metrics(CommandLine& line);       // metrics.cpp
void add_schema(CommandLine& line);        // schema.cpp
void add_convert(CommandLine& line);       // convert.cpp
void add_completion(CommandLine& line);    // completion.cpp: completion, and complete, which is not for people
void add_man(CommandLine& line);           // man.cpp, not for people
void add_version(CommandLine& line);       // version.cpp

void add_all_commands(CommandLine& line) {
  constexpr void (*kCommands[])(CommandLine&) = {
      add_agent,        add_manifests,  add_pods,     add_run,     add_life,   add_port,    add_get,
      add_scale,        add_rollout,    add_update,   add_top,     add_stats,  add_explain, add_advise,
      add_events,       add_alerts,     add_logs,     add_exec,    add_attach, add_cp,      add_describe,
      add_port_forward, add_wait,       add_oom,      add_images,  add_build,  add_builder, add_registry,
      add_search,       add_login,      add_networks, add_volumes, add_engine, add_metrics, add_schema,
      add_convert,      add_completion, add_man,      add_version,
  };
  for (const auto add : kCommands) add(line);
}

}  // namespace mete::agent::cli
