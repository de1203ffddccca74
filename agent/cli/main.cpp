// SPDX-License-Identifier: Apache-2.0
// mete: the command line, and with `mete agent` the daemon.
#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <malloc.h>

#include <cerrno>
#include <cstdio>

#include "agent/agent.h"
#include "agent/base/log.h"
#include "agent/cli/commands.h"
#include "agent/cli/output.h"
#include "config/agent_config.h"
#include "runtime/file.h"

namespace {

using mete::agent::cli::Common;
namespace cli = mete::agent::cli;

// What each command's options are parsed into, and what it then does.
struct Arguments {
  Common common;
  std::string config;  // agent.yaml
  std::string host;    // METE_HOST: unix:///path
  std::vector<std::string> files;
  std::vector<std::string> names;
  std::string pod;
  std::string path;
  std::string signal = "KILL";
  std::optional<unsigned> grace;
  bool dry_run = false;
  bool follow = false;
  cli::UpdateOptions update;
  cli::AdviseOptions advise;
  std::int64_t least_cpu = mete::enforcers::AdviceOptions().least_cpu.count();
  std::int64_t least_memory = mete::enforcers::AdviceOptions().least_memory.count() >> 20;
  cli::TopOptions top;
  std::optional<unsigned> run_for;
  bool remove_all = false;
  bool rollback = false;
  cli::ExecOptions exec;
  cli::HttpGetOptions http;
  cli::LogOptions logs;
};

using Command = std::function<int(Arguments&)>;

CLI::App* add(CLI::App& app, const char* name, const char* what, const char* examples, Command run,
              std::map<const CLI::App*, Command>& commands) {
  CLI::App* const sub = app.add_subcommand(name, what);
  sub->footer(std::string("\nExamples:\n") + examples);
  commands[sub] = std::move(run);
  return sub;
}

void add_output(CLI::App* command, Arguments& arguments) {
  command->add_option("-o,--output", arguments.common.output, "table, wide, json or yaml")
      ->check(CLI::IsMember({"table", "wide", "json", "yaml"}));
}

// agent.yaml; the file that is looked for without being asked for may be missing. One error at most: the first.
mete::Status read_config(Arguments& arguments) {
  const std::string file = arguments.config.empty() ? "/etc/mete/agent.yaml" : arguments.config;
  const auto text = mete::runtime::read_file(AT_FDCWD, file);
  if (!text) {
    if (arguments.config.empty() && text.error().code == ENOENT) return {};
    return mete::fail_in("config", text.error());
  }
  auto read = mete::config::read_agent_config(*text, file);
  if (!read.errors.empty()) return mete::fail(mete::config::to_string(read.errors.front()));
  auto& settings = arguments.common.settings;
  settings.config = std::move(read.config);
  // What was said on the command line counts more.
  const std::string& web = settings.config.web_config;
  const bool relative = !web.starts_with('/') && file.find('/') != std::string::npos;
  if (settings.web_config.empty() && !web.empty())
    settings.web_config = (relative ? file.substr(0, file.rfind('/') + 1) : "") + web;
  return {};
}

int undo_changes(const mete::agent::Settings& settings) {
  const auto lines = mete::agent::roll_back(settings);
  if (!lines) return cli::complain(lines.error().what);
  for (const auto& line : *lines) cli::print(line + "\n");
  if (lines->empty()) cli::print("There was nothing to put back.\n");
  return cli::kDone;
}

int run_agent(Arguments& arguments) {
  auto& settings = arguments.common.settings;
  // Its two threads hand each other what they allocate: two arenas would hold it twice.
  (void)::mallopt(M_ARENA_MAX, 1);
  mete::agent::open_log(settings.json_logs);
  if (const auto read = read_config(arguments); !read) {
    mete::agent::log_error(read.error().what);
    return cli::kFailed;
  }
  if (arguments.rollback) return undo_changes(settings);
  std::optional<std::chrono::seconds> run_for;
  if (arguments.run_for) run_for = std::chrono::seconds(*arguments.run_for);
  const auto done = mete::agent::run_agent(settings, run_for, arguments.remove_all);
  if (done) return cli::kDone;
  mete::agent::log_error(done.error().what);
  return cli::kFailed;
}

void add_agent(CLI::App& app, Arguments& arguments, std::map<const CLI::App*, Command>& commands) {
  auto& settings = arguments.common.settings;
  auto* agent = add(app, "agent", "Run the daemon: launch, measure and hold what the manifests say",
                    "  mete agent\n  mete agent --manifests ./pods --listen 0.0.0.0:9753\n  mete agent --state /tmp/a "
                    "--run /tmp/a/run --cgroup-parent /a --listen 127.0.0.1:0",
                    run_agent, commands);
  agent
      ->add_option("--config", arguments.config,
                   "agent.yaml: what is exported; default: /etc/mete/agent.yaml if it is there")
      ->envname("METE_CONFIG");
  agent->add_option("--manifests", settings.manifests, "Folder of manifests to watch; may be given more than once")
      ->envname("METE_MANIFESTS");
  agent->add_option("--cgroup-parent", settings.cgroup_parent, "Where its cgroups are made")
      ->envname("METE_CGROUP_PARENT");
  agent->add_option("--listen", settings.listen, "Address of /metrics; port 0: a free one")->envname("METE_LISTEN");
  agent
      ->add_option("--web-config", settings.web_config,
                   "TLS and basic authentication of that address: Prometheus' web configuration file; default: "
                   "web.configFile of agent.yaml")
      ->envname("METE_WEB_CONFIG");
  agent->add_option("--shim", settings.shim, "mete-shim; default: beside this program")->envname("METE_SHIM");
  agent
      ->add_option("--log-format",
                   [&settings](const CLI::results_t& values) {
                     settings.json_logs = values.front() == "json";
                     return true;
                   })
      ->type_name("text|json")
      ->check(CLI::IsMember({"text", "json"}))
      ->description("Log lines as key=value or JSON");
  agent->add_option("--log-max-bytes", settings.log_limits.max_bytes, "Size at which a container's log file is rotated")
      ->check(CLI::Range(std::int64_t{4096}, std::int64_t{1} << 40));
  agent->add_option("--log-files", settings.log_limits.files, "How many log files of a container are kept")
      ->check(CLI::Range(1, 100));
  agent
      ->add_option("--usage-interval",
                   [&settings](const CLI::results_t& values) {
                     unsigned seconds = 0;
                     if (!CLI::detail::lexical_cast(values.front(), seconds)) return false;
                     settings.usage_every = std::chrono::seconds(seconds);
                     return true;
                   })
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 3600))
      ->description("How often usage is looked at for `mete advise`; default: 60");
  agent->add_option("--for", arguments.run_for, "End by itself after so many seconds");
  agent->add_flag("--rollback", arguments.rollback,
                  "Run nothing; put back what an agent that was killed has changed on cgroups of others");
  agent->add_flag("--remove-all", arguments.remove_all, "At its end, end all containers and leave nothing behind");
}

void add_manifest_commands(CLI::App& app, Arguments& arguments, std::map<const CLI::App*, Command>& commands) {
  auto* apply = add(
      app, "apply", "Make the pods of a manifest, or change them",
      "  mete apply -f web.yaml\n  mete apply -f ./pods\n  cat web.yaml | mete apply -f -",
      [](Arguments& a) { return cli::apply(a.common, a.files, a.dry_run); }, commands);
  apply->add_option("-f,--filename", arguments.files, "Manifest file, folder or - for standard input")->required();
  apply->add_flag("--dry-run", arguments.dry_run, "Say what would be done");
  add_output(apply, arguments);
  auto* remove = add(
      app, "delete", "Delete pods", "  mete delete web\n  mete delete -f web.yaml --grace 5",
      [](Arguments& a) {
        if (a.files.empty() && a.names.empty())
          return cli::complain("delete: found neither -f nor a pod's name, expected one", 2);
        return cli::remove(a.common, a.files, a.names, a.grace);
      },
      commands);
  remove->add_option("-f,--filename", arguments.files, "Manifest whose objects are deleted");
  remove->add_option("pods", arguments.names, "NAME or NAMESPACE/NAME");
  remove->add_option("--grace", arguments.grace, "Seconds between the stop signal and the kill");
  add_output(remove, arguments);
  auto* diff = add(
      app, "diff", "What apply would change; exit code 1 when it would", "  mete diff -f web.yaml",
      [](Arguments& a) { return cli::diff(a.common, a.files); }, commands);
  diff->add_option("-f,--filename", arguments.files, "Manifest file, folder or - for standard input")->required();
  add_output(diff, arguments);
  auto* validate = add(
      app, "validate", "Check manifests; needs no agent", "  mete validate -f ./pods",
      [](Arguments& a) { return cli::validate(a.common, a.files); }, commands);
  validate->add_option("-f,--filename", arguments.files, "Manifest file, folder or - for standard input")->required();
  add_output(validate, arguments);
}

void add_pod_commands(CLI::App& app, Arguments& arguments, std::map<const CLI::App*, Command>& commands) {
  auto* ps = add(
      app, "ps", "List pods", "  mete ps\n  mete ps -o wide\n  mete ps web -o json",
      [](Arguments& a) { return cli::ps(a.common, a.names); }, commands);
  ps->add_option("pods", arguments.names, "NAME or NAMESPACE/NAME");
  add_output(ps, arguments);
  auto* inspect = add(
      app, "inspect", "All that is known of a pod", "  mete inspect web\n  mete inspect web -o json",
      [](Arguments& a) { return cli::inspect(a.common, a.pod); }, commands);
  inspect->add_option("pod", arguments.pod, "NAME or NAMESPACE/NAME")->required();
  add_output(inspect, arguments);
  auto* top = add(
      app, "top", "What the machine's containers and cgroups use, live",
      "  mete top\n  mete top --all\n  mete top -b -n 1\n  mete top -n 3 -o json",
      [](Arguments& a) { return cli::top(a.common, a.top); }, commands);
  top->add_flag("-b,--batch", arguments.top.batch, "One table after the other, for files and pipes");
  top->add_flag("--all", arguments.top.all, "Every cgroup, not containers alone");
  top->add_option("-d,--delay", arguments.top.interval, "Seconds between tables")->check(CLI::Range(1U, 3600U));
  top->add_option("-n,--count", arguments.top.count, "End after so many tables");
  add_output(top, arguments);
  auto* stats = add(
      app, "stats", "The same once: what containers use now",
      "  mete stats\n  mete stats default/web/main\n  mete stats --all -o json",
      [](Arguments& a) { return cli::stats(a.common, a.names, a.top.all); }, commands);
  stats->add_option("names", arguments.names, "Containers, pods, units or cgroup paths; default: all containers");
  stats->add_flag("--all", arguments.top.all, "Every cgroup, not containers alone");
  add_output(stats, arguments);
  auto* stop = add(
      app, "stop", "End a pod's containers; the pod stays, stopped, until `mete start`", "  mete stop web --grace 5",
      [](Arguments& a) { return cli::stop(a.common, a.names, a.grace); }, commands);
  stop->add_option("pods", arguments.names, "NAME or NAMESPACE/NAME")->required();
  stop->add_option("--grace", arguments.grace, "Seconds between the stop signal and the kill");
  auto* start = add(
      app, "start", "Start a stopped pod again", "  mete start web",
      [](Arguments& a) { return cli::start(a.common, a.names); }, commands);
  start->add_option("pods", arguments.names, "NAME or NAMESPACE/NAME")->required();
  auto* update = add(
      app, "update", "Change what a running pod is allotted, without a restart",
      "  mete update web --memory 256Mi\n  mete update web -c nginx --cpus 1.5 --cpu-request 500m\n  mete update web "
      "--reset",
      [](Arguments& a) { return cli::update(a.common, a.update); }, commands);
  update->add_option("pod", arguments.update.pod, "NAME or NAMESPACE/NAME")->required();
  update->add_option("-c,--container", arguments.update.container,
                     "One container; default: all that are no init containers");
  update->add_option("--cpus", arguments.update.cpus, "CPU limit: 2, 0.5, 500m");
  update->add_option("-m,--memory", arguments.update.memory, "Memory limit: 256Mi, 1Gi");
  update->add_option("--cpu-request", arguments.update.cpu_request, "CPU request, its share when all want the CPU");
  update->add_option("--memory-request", arguments.update.memory_request,
                     "Memory request, what is reclaimed from it last");
  update->add_flag("--reset", arguments.update.reset, "Back to what the manifest says");
  add_output(update, arguments);
  auto* explain = add(
      app, "explain", "Which limits a pod is under, who asked for them, and what lately came of it",
      "  mete explain web\n  mete explain web -o json\n  mete explain /docker/0123abcd",
      [](Arguments& a) { return cli::explain(a.common, a.pod); }, commands);
  explain->add_option("pod", arguments.pod, "NAME or NAMESPACE/NAME of a pod, or the path of a cgroup that others made")
      ->required();
  add_output(explain, arguments);
  auto* advise = add(
      app, "advise", "What containers should ask for, by what they have used",
      "  mete advise\n  mete advise web\n  mete advise web -o yaml > patch.yaml\n  mete advise --recording day.csv",
      [](Arguments& a) {
        a.advise.advice.least_cpu = mete::MilliCpu(a.least_cpu);
        a.advise.advice.least_memory = mete::Bytes(a.least_memory << 20);
        return cli::advise(a.common, a.advise);
      },
      commands);
  auto& advice = arguments.advise.advice;
  const CLI::Range share(0.0, 1.0);
  advise->add_option("names", arguments.advise.names, "Pods or containers (NAMESPACE/POD/CONTAINER); default: all");
  advise->add_option("--recording", arguments.advise.recording,
                     "Of a file instead: lines of seconds,cores,throttled cores,bytes,OOM kills");
  advise->add_option("--target", advice.target, "Percentile that requests cover")->check(share)->capture_default_str();
  advise->add_option("--lower", advice.lower, "Percentile of the lower bound")->check(share)->capture_default_str();
  advise->add_option("--upper", advice.upper, "Percentile that limits cover")->check(share)->capture_default_str();
  advise->add_option("--margin", advice.margin, "On top of each")->check(CLI::Range(0.0, 10.0))->capture_default_str();
  advise->add_option("--min-cpu", arguments.least_cpu, "Least CPU, in thousandths of a core")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}))
      ->capture_default_str();
  advise->add_option("--min-memory", arguments.least_memory, "Least memory, in MiB")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30))
      ->capture_default_str();
  add_output(advise, arguments);
  auto* kill = add(
      app, "kill", "Send a signal to a pod's containers", "  mete kill web\n  mete kill web -s HUP -c nginx",
      [](Arguments& a) { return cli::kill(a.common, a.pod, a.exec.container, a.signal); }, commands);
  kill->add_option("pod", arguments.pod, "NAME or NAMESPACE/NAME")->required();
  kill->add_option("-s,--signal", arguments.signal, "TERM, SIGHUP, 9, ...");
  kill->add_option("-c,--container", arguments.exec.container, "One container; default: all");
}

void add_stream_commands(CLI::App& app, Arguments& arguments, std::map<const CLI::App*, Command>& commands) {
  auto* events = add(
      app, "events", "What happened and why", "  mete events\n  mete events -f -o json",
      [](Arguments& a) { return cli::events(a.common, a.follow); }, commands);
  events->add_flag("-f,--follow", arguments.follow, "Go on as they come");
  add_output(events, arguments);
  auto* logs = add(
      app, "logs", "What a container has written", "  mete logs web\n  mete logs web -c nginx -f --tail 20",
      [](Arguments& a) { return cli::logs(a.common, a.logs); }, commands);
  logs->add_option("pod", arguments.logs.pod, "NAME or NAMESPACE/NAME")->required();
  logs->add_option("-c,--container", arguments.logs.container, "Which container");
  logs->add_flag("-f,--follow", arguments.logs.follow, "Go on as it comes");
  logs->add_flag("-t,--timestamps", arguments.logs.timestamps, "With the time of each line");
  logs->add_option("--tail", arguments.logs.tail, "Only the last lines");
  auto* exec = add(
      app, "exec", "Run a command in a container", "  mete exec web -- ps\n  mete exec -it web -c nginx -- sh",
      [](Arguments& a) { return cli::exec(a.common, a.exec); }, commands);
  exec->add_option("pod", arguments.exec.pod, "NAME or NAMESPACE/NAME")->required();
  exec->add_option("-c,--container", arguments.exec.container, "Which container");
  exec->add_flag("-i,--interactive", arguments.exec.interactive, "Pass standard input on");
  exec->add_flag("-t,--tty", arguments.exec.tty, "With a terminal");
  exec->add_option("command", arguments.exec.command, "The command and its arguments, after --")->required();
}

// Not for people: the agent's own.
void add_hidden_commands(CLI::App& app, Arguments& arguments, std::map<const CLI::App*, Command>& commands) {
  auto* get = add(
      app, "http-get", "The request of a preStop hook", "", [](Arguments& a) { return cli::http_get(a.http); },
      commands);
  get->group("");
  auto& options = arguments.http;
  get->add_option("--pid", options.process.pid)->required();
  get->add_option("--start-time", options.process.start_time)->required();
  get->add_option("--timeout-ms",
                  [&options](const CLI::results_t& values) {
                    std::int64_t milliseconds = 0;
                    if (!CLI::detail::lexical_cast(values.front(), milliseconds)) return false;
                    options.timeout = std::chrono::milliseconds(milliseconds);
                    return true;
                  })
      ->required();
  get->add_option("--to", options.get.host);
  get->add_option("--port", options.get.port)->required();
  get->add_option("--path", options.get.path)->required();
  get->add_flag("--https", options.get.https);
  get->add_option("--header",
                  [&options](const CLI::results_t& values) {
                    for (const auto& value : values)
                      options.get.headers.emplace_back(value.substr(0, value.find(':')),
                                                       value.substr(value.find(':') + 1));
                    return true;
                  })
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_oom_commands(CLI::App& app, Arguments& arguments, std::map<const CLI::App*, Command>& commands) {
  auto* oom =
      app.add_subcommand("oom", "What was seen and done at OOM kills and at acts of policies")->require_subcommand(1);
  oom->footer("\nExamples:\n  mete oom ls\n  mete oom show 20261124t045012-123");
  auto* list = add(
      *oom, "ls", "List the forensic records", "  mete oom ls\n  mete oom ls -o json",
      [](Arguments& a) { return cli::oom_list(a.common); }, commands);
  add_output(list, arguments);
  auto* show = add(
      *oom, "show", "One of them", "  mete oom show 20261124t045012-123",
      [](Arguments& a) { return cli::oom_show(a.common, a.names.front()); }, commands);
  show->add_option("record", arguments.names, "Its name by `mete oom ls`")->required()->expected(1);
  add_output(show, arguments);
}

void add_image_commands(CLI::App& app, Arguments& arguments, std::map<const CLI::App*, Command>& commands) {
  auto* image = app.add_subcommand("image", "Images")->require_subcommand(1);
  image->footer("\nExamples:\n  mete image import busybox.tar busybox");
  auto* import = add(
      *image, "import", "Import an archive (docker save, OCI, a root file system) or a directory",
      "  mete image import busybox.tar busybox\n  mete image import ./rootfs app:1.0",
      [](Arguments& a) { return cli::image_import(a.common, a.path, a.names.front()); }, commands);
  import->add_option("path", arguments.path, "File or directory")->required();
  import->add_option("name", arguments.names, "NAME[:TAG]")->required()->expected(1);
  add_output(import, arguments);
  auto* images = add(
      app, "images", "List images", "  mete images -o json", [](Arguments& a) { return cli::images(a.common); },
      commands);
  add_output(images, arguments);
  auto* rmi = add(
      app, "rmi", "Remove images", "  mete rmi app:1.0",
      [](Arguments& a) { return cli::remove_images(a.common, a.names); }, commands);
  rmi->add_option("names", arguments.names, "NAME[:TAG]")->required();
  auto* metrics = add(
      app, "metrics", "Every metric there can be, and the kernel files it comes from; needs no agent",
      "  mete metrics\n  mete metrics -o json\n  mete metrics -o markdown > metrics.md",
      [](Arguments& a) { return cli::metrics(a.common); }, commands);
  metrics->add_option("-o,--output", arguments.common.output, "table, json, yaml or markdown")
      ->check(CLI::IsMember({"table", "json", "yaml", "markdown"}));
  auto* version = add(
      app, "version", "Print the version", "  mete version -o json",
      [](Arguments& a) {
        if (!cli::print_structured(a.common, {{"version", METE_VERSION}})) cli::print("mete " METE_VERSION "\n");
        return cli::kDone;
      },
      commands);
  add_output(version, arguments);
}

}  // namespace

namespace {

int run(int argc, char** argv) {
  Arguments arguments;
  std::map<const CLI::App*, Command> commands;
  CLI::App app(
      "mete: launches containers from manifests, measures them, holds them to their limits, tells Prometheus.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no agent answers, 4 not found.",
      "mete");
  app.require_subcommand(1);
  app.fallthrough();
  auto& settings = arguments.common.settings;
  app.add_option("--state", settings.state, "What survives a reboot: images, records, logs")
      ->envname("METE_STATE")
      ->capture_default_str();
  app.add_option("--run", settings.run, "The agent's socket and live state")
      ->envname("METE_RUN")
      ->capture_default_str();
  app.add_option("--host", arguments.host, "The agent's socket, unix:///PATH; default: RUN/mete.sock")
      ->envname("METE_HOST");
  app.set_version_flag("--version", std::string("mete version ") + METE_VERSION);
  add_agent(app, arguments, commands);
  add_manifest_commands(app, arguments, commands);
  add_pod_commands(app, arguments, commands);
  add_stream_commands(app, arguments, commands);
  add_hidden_commands(app, arguments, commands);
  add_oom_commands(app, arguments, commands);
  add_image_commands(app, arguments, commands);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? cli::kDone : 2;
  }
  arguments.common.socket = arguments.host.starts_with("unix://") ? arguments.host.substr(7)
                            : arguments.host.empty()              ? settings.socket()
                                                                  : arguments.host;
  const CLI::App* chosen = app.get_subcommands().front();
  while (!chosen->get_subcommands().empty()) chosen = chosen->get_subcommands().front();
  return commands.at(chosen)(arguments);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {  // of a library; ours are results
    std::fprintf(stderr, "mete: unexpected: %s\n", error.what());
    return cli::kFailed;
  }
}
