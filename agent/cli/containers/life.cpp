// SPDX-License-Identifier: Apache-2.0
// stop, start, restart, kill, pause, unpause, rename, rm: of pods and of containers, with docker's words. What is done
// prints the name.
#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "agent/cli/containers/attached_start.h"
#include "agent/cli/containers/container_verbs.h"
#include "agent/http/http_url.h"

namespace mete::agent::cli {
namespace {

using Names = std::vector<std::string>;

struct StopOptions {
  Names names;
  std::optional<int> grace;  // seconds; negative: without end
  std::string signal;
};

int pod_action(const Common& common, const Subject& subject, const std::string& action) {
  return fetch(common, "POST", subject.path + "/" + action).code;
}

std::string grace_query(const StopOptions& options, const char* name) {
  return options.grace ? std::string("?") + name + "=" + std::to_string(*options.grace) : std::string();
}

int stop_one(const Common& common, const Subject& subject, const StopOptions& options) {
  if (!subject.is_pod) {
    std::string query = grace_query(options, "t");
    if (!options.signal.empty()) query += (query.empty() ? "?signal=" : "&signal=") + url_encode(options.signal);
    return ask_docker(common, "POST", subject.path + "/stop" + query);
  }
  if (!options.signal.empty()) return refuse_pod(subject, "stop -s", "a pod's containers have their own stop signals");
  if (options.grace && *options.grace < 0)
    return refuse_pod(subject, "stop -t", "a pod ends within the time that is given");
  const int code = pod_action(common, subject, "stop" + grace_query(options, "grace"));
  return code == kDone ? await_pod_end(common, subject.path) : code;
}

int restart_one(const Common& common, const Subject& subject, const StopOptions& options) {
  if (!subject.is_pod) {
    std::string query = grace_query(options, "t");
    if (!options.signal.empty()) query += (query.empty() ? "?signal=" : "&signal=") + url_encode(options.signal);
    return ask_docker(common, "POST", subject.path + "/restart" + query);
  }
  const int code = stop_one(common, subject, options);
  return code == kDone ? pod_action(common, subject, "start") : code;
}

struct StartOptions {
  Names names;
  bool attach = false;
  bool interactive = false;
};

int start_and_attach(const Common& common, const StartOptions& options) {
  if (options.names.size() != 1)
    return complain("start -a: found " + std::to_string(options.names.size()) + " containers, expected one");
  const Subject subject = find_subject(common, options.names.front());
  if (subject.code != kDone) return subject.code;
  if (subject.is_pod)
    return refuse_pod(subject, "start -a", "`mete attach` and `mete logs -f` show a pod's containers");
  const auto told = fetch_docker(common, subject.path + "/json");
  if (told.code != kDone) return told.code;
  const Json& config = told.value["Config"];
  const bool input = options.interactive && config["OpenStdin"].get<bool>();
  return start_attached(
      docker_client(common), subject.path,
      {input, true, config["Tty"].get<bool>(), told.value["HostConfig"].value("AutoRemove", false), kFailed});
}

int start(const Common& common, const StartOptions& options) {
  if (options.attach || options.interactive) return start_and_attach(common, options);
  return for_each_subject(common, options.names, [&](const Subject& subject) {
    return subject.is_pod ? pod_action(common, subject, "start") : ask_docker(common, "POST", subject.path + "/start");
  });
}

struct KillOptions {
  Names names;
  std::string container;
  std::string signal;
};

int kill_one(const Common& common, const Subject& subject, const KillOptions& options) {
  const std::string signal = options.signal.empty() ? "" : "?signal=" + url_encode(options.signal);
  if (subject.is_pod || !options.container.empty()) {
    const std::string pod = "/mete/v1/pods/" + key_of(subject);
    return fetch(common, "POST",
                 pod + "/kill" + (signal.empty() ? "?signal=KILL" : signal) +
                     "&container=" + url_encode(options.container))
        .code;
  }
  return ask_docker(common, "POST", subject.path + "/kill" + signal);
}

int pause(const Common& common, const Names& names, const std::string& verb) {
  return for_each_subject(common, names, [&](const Subject& subject) {
    if (subject.is_pod) return refuse_pod(subject, verb, "pods are stopped and started");
    return ask_docker(common, "POST", subject.path + "/" + verb);
  });
}

int rename(const Common& common, const std::string& name, const std::string& wanted) {
  const Subject subject = find_subject(common, name);
  if (subject.code != kDone) return subject.code;
  if (subject.is_pod) return refuse_pod(subject, "rename", "a pod's name is in its manifest");
  return ask_docker(common, "POST", subject.path + "/rename?name=" + url_encode(wanted));
}

struct RemoveOptions {
  Names names;
  bool force = false;
  bool volumes = false;
};

int remove(const Common& common, const RemoveOptions& options) {
  int worst = kDone;
  for (const auto& name : options.names) {
    std::string problem;
    const Subject subject = look_for_subject(common, name, problem);
    int code = subject.code;
    if (code != kDone) {
      complain(problem);
      if (options.force && code == kNotFound) continue;  // docker's rule: it is not there, as was wished
    } else if (subject.is_pod) {
      code = refuse_pod(subject, "rm", "`mete delete " + name + "` removes a pod");
    } else {
      code = ask_docker(common, "DELETE",
                        subject.path + "?force=" + (options.force ? "1" : "0") + "&v=" + (options.volumes ? "1" : "0"));
    }
    if (code == kDone) print(name + "\n");
    worst = std::max(worst, code);
  }
  return worst;
}

void add_names(CLI::App* command, Names& names) {
  command->add_option("names", names, "Names or ids of containers, or of pods")->type_name(kPod)->required();
}

void add_stop_flags(CLI::App* command, StopOptions& options) {
  add_names(command, options.names);
  command->add_option("-t,--time,--timeout,--grace", options.grace, "Seconds between the stop signal and the kill")
      ->type_name("SECONDS");
  command->add_option("-s,--signal", options.signal, "The stop signal, in place of the container's own")
      ->type_name("SIGNAL");
}

void add_stop_and_restart(CommandLine& line) {
  const Common& common = line.common();
  auto stopped = std::make_shared<StopOptions>();
  add_stop_flags(line.add({"stop", "End containers, and wait for their end; they stay, stopped, until `mete start`",
                           "  mete stop web\n  mete stop -t 5 web db"},
                          [&common, stopped] {
                            return for_each_subject(common, stopped->names, [&](const Subject& subject) {
                              return stop_one(common, subject, *stopped);
                            });
                          }),
                 *stopped);
  auto restarted = std::make_shared<StopOptions>();
  add_stop_flags(
      line.add({"restart", "Stop containers and start them again", "  mete restart web\n  mete restart -t 1 web"},
               [&common, restarted] {
                 return for_each_subject(common, restarted->names, [&](const Subject& subject) {
                   return restart_one(common, subject, *restarted);
                 });
               }),
      *restarted);
}

void add_start(CommandLine& line) {
  const Common& common = line.common();
  auto options = std::make_shared<StartOptions>();
  auto* command = line.add(
      {"start", "Start stopped containers, or those of `mete create`", "  mete start web\n  mete start -a -i shell"},
      [&common, options] { return start(common, *options); });
  add_names(command, options->names);
  command->add_flag("-a,--attach", options->attach, "Show what it writes, and end with its exit code");
  command->add_flag("-i,--interactive", options->interactive, "The same, and pass standard input on");
}

void add_kill(CommandLine& line) {
  const Common& common = line.common();
  auto options = std::make_shared<KillOptions>();
  auto* command = line.add(
      {"kill", "Send a signal to containers", "  mete kill web\n  mete kill -s HUP web -c nginx"}, [&common, options] {
        return for_each_subject(common, options->names,
                                [&](const Subject& subject) { return kill_one(common, subject, *options); });
      });
  add_names(command, options->names);
  command->add_option("-s,--signal", options->signal, "TERM, SIGHUP, 9, ...; default: KILL")->type_name("SIGNAL");
  command->add_option("-c,--container", options->container, "One container of a pod; default: all")
      ->type_name(kContainer);
}

void add_pauses(CommandLine& line) {
  const Common& common = line.common();
  auto paused = std::make_shared<Names>();
  add_names(line.add({"pause", "Hold all processes of containers", "  mete pause web"},
                     [&common, paused] { return pause(common, *paused, "pause"); }),
            *paused);
  auto resumed = std::make_shared<Names>();
  add_names(line.add({"unpause", "Let paused containers go on", "  mete unpause web"},
                     [&common, resumed] { return pause(common, *resumed, "unpause"); }),
            *resumed);
}

void add_rename_and_rm(CommandLine& line) {
  const Common& common = line.common();
  auto names = std::make_shared<std::pair<std::string, std::string>>();
  auto* command = line.add({"rename", "Give a container another name", "  mete rename web old-web"},
                           [&common, names] { return rename(common, names->first, names->second); });
  command->add_option("container", names->first, "Its name or id")->type_name(kPod)->required();
  command->add_option("name", names->second, "What it is called then")->type_name("NAME")->required();
  auto removed = std::make_shared<RemoveOptions>();
  auto* rm =
      line.add({"rm", "Remove containers of `mete run` and of docker's clients", "  mete rm web\n  mete rm -f web db"},
               [&common, removed] { return remove(common, *removed); });
  rm->add_flag("-f,--force", removed->force, "Also one that runs: it is killed");
  rm->add_flag("-v,--volumes", removed->volumes, "With its volumes that have no name");
  rm->add_option("container", removed->names, "Names or ids")->type_name(kPod)->required();
}

}  // namespace

int await_pod_end(const Common& common, const std::string& path) {
  constexpr auto kLook = std::chrono::milliseconds(50);
  std::string uid;
  while (true) {
    const auto answer = Client(common.socket).request("GET", path);
    if (!answer) return complain(answer.error().what, kNoAgent);
    if (answer->status == 404) return kDone;
    const Json pod = Json::parse(answer->body, nullptr, false);
    if (!pod.is_object() || !pod.contains("containers")) return complain("the agent's answer is no pod");
    // Another pod of that name: the one that was asked about has ended, and this one was made stopped.
    if (uid.empty()) uid = pod.value("uid", "");
    if (pod.value("uid", "") != uid) return kDone;
    const auto& containers = pod["containers"];
    const bool goes_on = std::any_of(containers.begin(), containers.end(), [](const Json& each) {
      return each["state"] == "running" || each["state"] == "starting";
    });
    if (!goes_on) return kDone;
    const std::string phase = pod.value("phase", "");
    if (phase != "Stopped" && phase != "Terminating") return complain("it was started again before it had ended");
    std::this_thread::sleep_for(kLook);
  }
}

void add_life(CommandLine& line) {
  add_stop_and_restart(line);
  add_start(line);
  add_kill(line);
  add_pauses(line);
  add_rename_and_rm(line);
}

}  // namespace mete::agent::cli
